"""Small tasks for recurrent networks: batches without end, the same for the same seed."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from normlab.chapters.beyond_transformers.digit_images import digits
from normlab.training.run import batch_loss
from normlab.training.tasks import make_task

ADDED, COPIED, SYMBOLS = 30, 16, 8


@dataclass(frozen=True)
class SequenceTask:
    """What is read step by step, and what should be said.

    Args:
        inputs, outputs: numbers at each step, read and said.
        steps, goal: of training, and a loss that counts as solved.
        chance: the loss of the best guess that reads nothing.
        draw: `draw(seed, step, size)` makes a batch: inputs (B, T, inputs), and targets.
        loss: of outputs (B, T, outputs) against the targets.
    """

    inputs: int
    outputs: int
    steps: int
    goal: float
    chance: float
    draw: Callable[[int, int, int], tuple[Tensor, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]


def _adding(seed: int, step: int, size: int) -> tuple[Tensor, Tensor]:
    """Two of 30 numbers are marked, one in each half; the target (B,) is their sum."""
    rng = np.random.default_rng([seed, step])
    half, rows = ADDED // 2, np.arange(size)
    numbers, marks = rng.random((size, ADDED)), np.zeros((size, ADDED))
    for first in (0, half):
        marks[rows, first + rng.integers(half, size=size)] = 1
    target = (numbers * marks).sum(1)  # (B, T) -> (B,)
    x = np.stack([numbers, marks], axis=2)  # (B, T) twice -> (B, T, 2)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(target, dtype=torch.float32)


def _squared_error_at_the_end(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.mse_loss(outputs[:, -1, 0], targets)


def _digit_rows(seed: int, step: int, size: int) -> tuple[Tensor, Tensor]:
    """Handwritten digits, read from top to bottom: (B, 8, 8), and their labels (B,)."""
    data, rng = digits(), np.random.default_rng([seed, step])
    chosen = torch.tensor(rng.integers(len(data.train_images), size=size))
    return data.train_images[chosen], data.train_labels[chosen]


def _cross_entropy_at_the_end(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs[:, -1], targets)


_COPY = make_task("copy", COPIED, SYMBOLS)


def _copy(seed: int, step: int, size: int) -> tuple[Tensor, Tensor]:
    """`normlab.training.tasks`' copy; the target is −1 where it does not count."""
    batch = _COPY.batch(size, seed, step)
    targets = np.where(batch.mask, batch.targets, -1)
    return F.one_hot(torch.tensor(batch.inputs), SYMBOLS).float(), torch.tensor(targets)


def _cross_entropy_where_it_counts(outputs: Tensor, targets: Tensor) -> Tensor:
    return batch_loss(outputs, targets.clamp(min=0), targets >= 0)


SEQUENCE_TASKS: dict[str, SequenceTask] = {
    "adding": SequenceTask(2, 1, 600, 0.02, 1 / 6, _adding, _squared_error_at_the_end),
    "digit rows": SequenceTask(
        8, 10, 200, 0.5, math.log(10), _digit_rows, _cross_entropy_at_the_end
    ),
    "copy": SequenceTask(
        SYMBOLS, SYMBOLS, 400, 1.0, _COPY.chance, _copy, _cross_entropy_where_it_counts
    ),
}
"""By name.

- `adding`: Hochreiter & Schmidhuber 1997, Long short-term memory, §5.4, with 30 numbers. The best
  guess is the mean, 1, and costs the variance of a sum of two U(0, 1): 1/6.
- `digit rows`: scikit-learn's digits; the answer is asked for after the last of eight rows.
- `copy`: eight symbols, then the same again.
"""
