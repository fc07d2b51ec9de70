"""One training run from step to step: rate, loss, divergence, and the file it goes on from."""

import math
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from normlab.models.transformer import Transformer
from normlab.tools.whole_files import written_whole
from normlab.training.config import TrainConfig
from normlab.training.tasks import Batch

DIVERGED_FACTOR, DIVERGED_STEPS = 3.0, 10
Schedule = Callable[[int, float, int], float]
"""schedule(step, peak_lr, warmup_steps): the learning rate of a step."""


def warmup_lr(step: int, peak_lr: float, warmup_steps: int) -> float:
    """peak · min(1, (step + 1)/warmup_steps): a straight line up, then constant.

    Steps count from 0. The first rate is peak/warmup_steps and not 0, so that no step is lost;
    step warmup_steps − 1 is the first at the peak. With warmup_steps = 0 all are. The line is
    that of Vaswani et al. 2017, §5.3, Eq. 3, arXiv:1706.03762, which decays after it.

    Raises:
        ValueError: if `step` or `warmup_steps` is negative.

    >>> [warmup_lr(step, peak_lr=1.0, warmup_steps=4) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    if step < 0 or warmup_steps < 0:
        raise ValueError(f"got step {step} and {warmup_steps} warmup steps; expected none below 0.")
    return peak_lr * min(1.0, (step + 1) / max(1, warmup_steps))


def why_diverged(losses: Sequence[float], chance: float) -> str:
    """Why a run with these losses so far should be given up, or "".

    Either the last loss is not finite, after which no weight is finite either. Or the last 10
    losses are all above 3 · max(chance, first loss). A model that has learnt nothing can always
    say so, at the loss of chance, and a model without norms can start far above it: only one
    that stays well above both has been made worse by its training. Adam without warmup has
    spikes of a few steps that heal, hence the ten.

    >>> why_diverged([2.8, float("nan")], chance=2.77)
    'the loss is nan at step 1'
    >>> why_diverged([2.8] + 9 * [100.0], chance=2.77)
    ''
    >>> why_diverged([2.8] + 10 * [100.0], chance=2.77)
    'the loss was above 8.4 (3 × its first value or chance) at each of the 10 steps up to step 10'
    """
    if not losses:
        return ""
    step = len(losses) - 1
    if not math.isfinite(losses[-1]):
        return f"the loss is {losses[-1]} at step {step}"
    limit = DIVERGED_FACTOR * max(chance, losses[0])
    if step < DIVERGED_STEPS or min(losses[-DIVERGED_STEPS:]) <= limit:
        return ""
    return (
        f"the loss was above {limit:.1f} ({DIVERGED_FACTOR:.0f} × its first value or chance) at "
        f"each of the {DIVERGED_STEPS} steps up to step {step}"
    )


def batch_loss(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean cross-entropy in nats of the positions that count: (B, T, V), (B, T), (B, T) -> ()."""
    by_class = logits.transpose(1, 2)  # (B, T, V) -> (B, V, T)
    losses = F.cross_entropy(by_class, targets, reduction="none")  # (B, V, T) -> (B, T)
    return (losses * mask).sum() / mask.sum()  # over all tokens: (B, T) -> ()


def make_optimizer(name: str, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Adam or SGD as torch sets them; all parameters in one fused kernel."""
    if name == "adam":
        return torch.optim.Adam(parameters, fused=True)
    return torch.optim.SGD(parameters, fused=True)


class Run:
    """A model, its optimizer, and the losses of the steps so far; arguments as in `train`."""

    def __init__(
        self,
        config: TrainConfig,
        device: torch.device,
        model: Transformer | None = None,
        schedule: Schedule = warmup_lr,
    ) -> None:
        self.config, self.device, self.schedule = config, device, schedule
        self.task = config.make_task()
        self.model = (model or Transformer(config.model(), config.seed)).to(device)
        self.optimizer = make_optimizer(config.optimizer, list(self.model.parameters()))
        self.losses: list[float] = []
        self.seconds = 0.0

    @property
    def reason(self) -> str:
        return why_diverged(self.losses, self.task.chance)

    def step(self) -> None:
        """One batch, and one update if its loss is finite."""
        start, step, config = time.perf_counter(), len(self.losses), self.config
        batch = self.task.batch(config.batch, config.seed, step)
        loss = self._loss(batch)
        self.losses.append(loss.item())
        if not self.reason:
            self.optimizer.zero_grad()
            torch.autograd.backward(loss)
            if config.clip is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
            for group in self.optimizer.param_groups:
                group["lr"] = self.schedule(step, config.learning_rate, config.warmup_steps)
            self.optimizer.step()
        self.seconds += time.perf_counter() - start

    def _loss(self, batch: Batch) -> Tensor:
        put = partial(torch.tensor, device=self.device)
        source = None if batch.source is None else put(batch.source)
        logits = self.model(put(batch.inputs), source)
        return batch_loss(logits, put(batch.targets), put(batch.mask))

    def note(self) -> str:
        return f"loss {self.losses[-1]:.3f}, chance {self.task.chance:.3f}"

    def save(self, checkpoint: Path) -> None:
        """Write all that the next step needs; the file is whole, or as it was."""
        state = {
            "config": asdict(self.config),
            "losses": self.losses,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        with written_whole(checkpoint) as unfinished:
            torch.save(state, unfinished)

    def restore(self, checkpoint: Path) -> None:
        """Go on from a file that `save` wrote.

        Raises:
            ValueError: if it is not such a file, or of another config.
        """
        state = _read(checkpoint, self.device)
        ours, theirs = asdict(self.config), state["config"]
        other = [f"{k} = {theirs.get(k)!r}" for k in ours if theirs.get(k) != ours[k]]
        if other:
            raise ValueError(
                f"{checkpoint} is of a run with {', '.join(other)}; expected this run's config: "
                "name another checkpoint, or remove the file to start anew."
            )
        self.losses, self.seconds = state["losses"], state["seconds"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


def _read(checkpoint: Path, device: torch.device) -> dict[str, Any]:
    try:
        state = torch.load(checkpoint, device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(
            f"{checkpoint} cannot be read ({type(error).__name__}); expected a checkpoint of a "
            "training run: name another file, or remove it to start anew."
        ) from error
    return state
