"""What happens to a model in the first steps of its training: does it still read its input?"""

import math
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from normlab.models.placement.base import Gate
from normlab.probes import watched_inputs
from normlab.tools.table import Table
from normlab.training.config import TrainConfig
from normlab.training.run import Run, batch_loss

SEQUENCES = 64


@dataclass(frozen=True)
class Look:
    """One look at a model in training, on a batch that it is not trained on.

    Attributes:
        updates: made so far.
        loss: in nats.
        logit_spread: the standard deviation of the logits over sequences, the mean over positions
            and symbols. 0: the answer does not depend on the question.
        first_gradient, last_gradient: ‖∂ℒ/∂θ‖ over all weights of the first and the last block.
        norm_input: the standard deviation over features of what enters a norm: the geometric mean
            over tokens and over the norms of all blocks; 1 if there is none.
    """

    updates: int
    loss: float
    logit_spread: float
    first_gradient: float
    last_gradient: float
    norm_input: float


@dataclass(frozen=True)
class Followed:
    """A run, and the looks at it on its way."""

    config: TrainConfig
    looks: tuple[Look, ...]

    def series(self, name: str) -> list[float]:
        """One attribute of `Look` at every look."""
        return [getattr(look, name) for look in self.looks]

    def table(self) -> Table:
        """One row per look."""
        rows = [[look.updates, *(f"{v:.2g}" for v in astuple(look)[1:])] for look in self.looks]
        names = [field.name.replace("_", " ") for field in fields(Look)]
        return Table(names, rows)


def follow(config: TrainConfig, looks: Collection[int], device: str = "cpu") -> Followed:
    """Train, and look at the model after each number of updates in `looks`; 0 is untrained.

    Args:
        config: of the run, with decoder layers alone; it ends with the last look, whatever its
            `steps`.
        looks: numbers of updates.
        device: "cpu", "cuda", or another that torch knows.

    Raises:
        ValueError: if there is no look, one is negative, or the model has an encoder.

    Example:
        >>> followed = follow(TrainConfig(decoder_layers=1, d_model=16), looks=[0, 2])
        >>> [look.updates for look in followed.looks]
        [0, 2]
    """
    if not looks or min(looks) < 0 or config.encoder_layers:
        raise ValueError(
            f"got looks after {list(looks)} updates and {config.encoder_layers} encoder layers; "
            "expected at least one number, none below 0, and decoder layers alone."
        )
    run, seen = Run(config, torch.device(device)), []
    for updates in sorted(set(looks)):
        while len(run.losses) < updates:
            run.step()
        seen.append(_look(run))
    return Followed(config, tuple(seen))


def _look(run: Run) -> Look:
    batch = run.task.batch(SEQUENCES, run.config.seed + 1, 0)
    inputs, targets, mask = (
        torch.tensor(array, device=run.device)
        for array in (batch.inputs, batch.targets, batch.mask)
    )
    blocks = run.model.decoder.blocks
    with watched_inputs(_norms(blocks)) as read:
        logits = run.model(inputs)
    deviations = [x.detach().std(-1) for x in read]  # over features: (B, T, D) -> (B, T)
    loss = batch_loss(logits, targets, mask)
    first, last = (
        torch.autograd.grad(loss, list(block.parameters()), retain_graph=True)
        for block in (blocks[0], blocks[-1])
    )
    return Look(
        len(run.losses),
        loss.item(),
        logits.std(0).mean().item(),  # over sequences: (B, T, V) -> (T, V) -> ()
        _length(first),
        _length(last),
        math.exp(sum(d.log().mean().item() for d in deviations) / max(1, len(deviations))),
    )


def _norms(blocks: Iterable[Any]) -> list[nn.Module]:
    """The norms of the placement in every block."""
    parts = [part for block in blocks for site in block.placement.site_parts for part in site]
    return [part for part in parts if not isinstance(part, Gate)]


def _length(gradients: Iterable[Tensor]) -> float:
    return math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))
