"""What happens to a model in the first steps of its training: does it still read its input?"""

import math
from collections.abc import Collection
from dataclasses import astuple, dataclass, fields

import numpy as np
import torch

from normlab.chapters.warmup.layer_looks import look_at_layers
from normlab.tools.table import Table
from normlab.training.config import TrainConfig
from normlab.training.run import Run


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
    look = look_at_layers(run)
    deviations = look.norm_inputs
    return Look(
        len(run.losses),
        look.loss,
        look.logit_spread,
        look.gradients[0].item(),
        look.gradients[-1].item(),
        math.exp(np.log(deviations).mean()) if deviations.size else 1.0,  # over norms: (S,) -> ()
    )
