"""All seeds of one configuration trained together, by `torch.func.vmap`.

A small model keeps a core busy with the calls of many small operations. Stacked along a first
axis S, the models of all seeds share each call. Every seed has the weights and the batches that
it has in `normlab.training.loop`, and nothing of one seed enters another.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from normlab.training.config import TrainConfig
from normlab.training.loop import TrainRecord, make_record
from normlab.training.run import Run, batch_loss, make_optimizer, warmup_lr

TOGETHER, SMALL = 4, 16384


def seeds_together(config: TrainConfig) -> int:
    """How many seeds of a config to train as one: 4 if its activations are small, else 1.

    Small is batch · tokens · d_model ≤ 16384. How many times faster S seeds train together than
    one after the other, on one CPU thread, medians over 2 and 12 layers (`benchmarks/seeds.py`):

    | batch · tokens · d_model | 1024 | 4096 | 8192 | 16384 | 32768 | 65536 |
    |--------------------------|------|------|------|-------|-------|-------|
    | S = 2                    | 0.9  | 1.1  | 1.0  | 1.1   | 1.1   | 0.9   |
    | S = 4                    | 1.6  | 1.5  | 1.5  | 1.5   | 1.3   | 1.0   |
    | S = 8                    | 2.4  | 2.1  | 1.9  | 1.8   | 1.3   | 1.1   |
    | S = 16                   | 3.6  | 2.6  | 2.1  | 1.8   | 1.4   | 1.1   |

    More than 4 would leave less to do for the other processes of a sweep, and cost more work
    when one is killed. The count does not depend on how many processes there are, so that the
    rows of a sweep do not.

    >>> seeds_together(TrainConfig(batch=8, tokens=16, d_model=64))
    4
    >>> seeds_together(TrainConfig(batch=32, tokens=16, d_model=64))
    1
    """
    return TOGETHER if config.batch * config.tokens * config.d_model <= SMALL else 1


def train_seeds(
    config: TrainConfig, seeds: Sequence[int], device: str = "cpu", every: int = 1
) -> list[TrainRecord]:
    """One record for each seed, as `train` gives it, but for the order of floating-point sums.

    The rounding errors grow with the training, as any small change of the weights does: at
    first the losses agree to about 1e-6, at the end as well as the training is stable.
    `seconds` of each record is its share of the time of all. A seed that diverged keeps its
    place, and takes its time, until all are done.

    Args:
        config: of every run, but for its seed.
        seeds: of the runs, at least one.
        device: "cpu", "cuda", or another that torch knows.
        every: record every so many steps; the last is recorded always.

    Raises:
        ValueError: if there is no seed, or `every` is below 1.

    Example:
        >>> config = TrainConfig(task="copy", decoder_layers=1, d_model=16, steps=5)
        >>> [record.config.seed for record in train_seeds(config, seeds=[3, 4])]
        [3, 4]
    """
    if not seeds or every < 1:
        raise ValueError(
            f"got {len(seeds)} seeds and every = {every}; expected at least one of each."
        )
    runs = [Run(replace(config, seed=seed), torch.device(device)) for seed in seeds]
    stack = RunStack(runs)
    while len(stack.losses) < config.steps and not all(run.reason for run in runs):
        stack.step()
    return [make_record(run, every) for run in runs]


class RunStack:
    """The models of several runs as one, each parameter with a first axis S.

    Each step draws every run's own batch, and appends to the losses of the runs that have not
    diverged.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs, self.config, self.device = runs, runs[0].config, runs[0].device
        self.model = runs[0].model  # the code; its parameters are not used
        self.parameters, _ = stack_module_state([run.model for run in runs])
        self.optimizer = make_optimizer(self.config.optimizer, list(self._leaves()))
        self.losses: list[list[float]] = []

    def step(self) -> None:
        """One batch and one update for each run."""
        start, step, config = time.perf_counter(), len(self.losses), self.config
        losses = vmap(self._loss)(self.parameters, self._batches(step))  # (S,)
        self.losses.append(losses.tolist())
        self.optimizer.zero_grad()
        # Each loss depends on its own slice of the parameters, so the gradient of their sum
        # holds the gradient of each.
        torch.autograd.backward(losses.sum())
        if config.clip is not None:
            clip_each([leaf.grad for leaf in self._leaves() if leaf.grad is not None], config.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = warmup_lr(step, config.learning_rate, config.warmup_steps)
        self.optimizer.step()
        share = (time.perf_counter() - start) / len(self.runs)
        for run, loss in zip(self.runs, self.losses[-1], strict=True):
            if not run.reason:
                run.losses.append(loss)
                run.seconds += share

    def _leaves(self) -> Iterable[nn.Parameter]:
        return self.parameters.values()

    def _loss(self, parameters: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
        """The loss of one run: the shapes are those of a single model."""
        logits = functional_call(self.model, parameters, (batch["inputs"], batch.get("source")))
        return batch_loss(logits, batch["targets"], batch["mask"])

    def _batches(self, step: int) -> dict[str, Tensor]:
        """The batch of every run: S arrays (B, T) -> (S, B, T)."""
        batches = [vars(r.task.batch(r.config.batch, r.config.seed, step)) for r in self.runs]
        there = [name for name, array in batches[0].items() if array is not None]
        return {name: self._stacked([batch[name] for batch in batches]) for name in there}

    def _stacked(self, arrays: Sequence[NDArray[np.generic]]) -> Tensor:
        return torch.tensor(np.stack(arrays), device=self.device)


def clip_each(gradients: Sequence[Tensor], greatest: float) -> None:
    """Scale the gradients (S, …) of each run, in place, to at most that norm of all together.

    The same rule for each as `torch.nn.utils.clip_grad_norm_`.

    >>> gradients = [torch.tensor([[3.0], [0.3]]), torch.tensor([[4.0], [0.4]])]
    >>> clip_each(gradients, 1.0)
    >>> torch.cat(gradients, dim=1)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    norms = [
        torch.linalg.vector_norm(g.reshape(len(g), -1), dim=1) for g in gradients
    ]  # (S, …) -> (S,)
    total = torch.linalg.vector_norm(torch.stack(norms), dim=0)  # over gradients: (G, S) -> (S,)
    factor = (greatest / (total + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(factor.reshape(-1, *[1] * (gradient.ndim - 1)))  # (S,) -> (S, 1, …)
