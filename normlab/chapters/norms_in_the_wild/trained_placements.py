"""Eleven designs trained under one budget, and what each layer of the trained models is worth.

The stored runs; `placement_training`, beside this file, makes them.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from normlab.norms import FloatArray
from normlab.tools.stored_rows import joined, read_rows, split
from normlab.tools.table import Table

STORED = Path(__file__).with_name("trained_placements.csv")
LEARNED = 0.95
"""A loss above this share of chance is none of a model that has learned."""
LEAST_SHOWN = 0.005
"""What a layer is worth at least that its number is printed: other seeds move it by as much."""


@dataclass(frozen=True)
class TrainedRun:
    """One training run, and the model that it gave.

    Attributes:
        task, layers, design, learning_rate, seed: of the run.
        chance: the loss of the best guess that reads nothing.
        loss: of the trained model on passages that it has not seen, in nats a character;
            nan or ∞ if the run diverged.
        without: the same with layer 1, 2, … left out of the trained model; empty where it was
            not measured.
    """

    task: str
    layers: int
    design: str
    learning_rate: float
    seed: int
    chance: float
    loss: float
    without: Sequence[float] = ()

    @property
    def worth(self) -> FloatArray:
        """What the loss rises by when layer 1, 2, … is left out (L,)."""
        return np.array(self.without) - self.loss

    def row(self) -> dict[str, object]:
        """As it is stored."""
        return vars(self) | {
            "chance": f"{self.chance:.3f}",
            "loss": f"{self.loss:.3f}",
            "without": joined(self.without),
        }


@dataclass(frozen=True)
class TrainedPlacements:
    """The stored runs: two seeds at every rate choose it, five others are reported."""

    runs: Sequence[TrainedRun]

    def designs(self) -> list[str]:
        """In the order of the file."""
        return list(dict.fromkeys(run.design for run in self.runs))

    def best(self, task: str, layers: int, design: str) -> list[TrainedRun]:
        """The reported runs of a design, at its best rate.

        Raises:
            ValueError: if there are none.
        """
        key = (task, layers, design)
        found = [r for r in self.runs if (r.task, r.layers, r.design) == key and r.without]
        if not found:
            raise ValueError(
                f"no runs of {design!r} with {layers} layers on {task!r}; expected a design of "
                f"{self.designs()}, and tasks and depths of {self.settings()}."
            )
        return found

    def settings(self) -> list[tuple[str, int]]:
        """Tasks and depths, in the order of the file."""
        return list(dict.fromkeys((run.task, run.layers) for run in self.runs))

    def chance(self, task: str) -> float:
        """The loss of the best guess that reads nothing."""
        return next(run.chance for run in self.runs if run.task == task)

    def median_loss(self, task: str, layers: int, design: str) -> float:
        """Over the reported seeds; a run that diverged counts as ∞."""
        return statistics.median(map(_as_number, self.best(task, layers, design)))

    def learned(self, task: str, layers: int, design: str) -> bool:
        """Whether that is below what a guess reaches that reads nothing."""
        return self.median_loss(task, layers, design) < LEARNED * self.chance(task)

    def ranked(self, task: str, layers: int) -> list[str]:
        """The designs, the lowest median loss first."""
        return sorted(self.designs(), key=lambda design: self.median_loss(task, layers, design))

    def deep_half(self, task: str, layers: int, design: str) -> float:
        """What a layer of the deeper half is worth in the mean; the median over seeds."""
        runs = self.best(task, layers, design)
        return statistics.median(float(run.worth[layers // 2 :].mean()) for run in runs)

    def table(self, task: str, layers: int) -> Table:
        """One row per design, the lowest median loss first."""
        columns = ("design", "rate", "loss, median", "lowest to highest", "a deep layer is worth")
        return Table(columns, [self._row(task, layers, d) for d in self.ranked(task, layers)])

    def _row(self, task: str, layers: int, design: str) -> list[str]:
        runs = self.best(task, layers, design)
        losses = sorted(map(_as_number, runs))
        deep = self.deep_half(task, layers, design)
        worth = f"{deep:.2f}" if deep >= LEAST_SHOWN else f"< {LEAST_SHOWN:g}"
        return [
            design,
            f"{runs[0].learning_rate:g}",
            f"{self.median_loss(task, layers, design):.2f}",
            f"{losses[0]:.2f} to {losses[-1]:.2f}".replace("inf", "∞"),
            worth if self.learned(task, layers, design) else "–",
        ]


def _as_number(run: TrainedRun) -> float:
    return run.loss if math.isfinite(run.loss) else math.inf


@dataclass(frozen=True)
class TrainedSetting:
    """The runs, and of which task and depth they are looked at."""

    runs: TrainedPlacements
    task: str
    layers: int


def load_trained_placements() -> TrainedPlacements:
    """The runs that come with the package."""
    return read_trained_placements(STORED)


def read_trained_placements(path: Path) -> TrainedPlacements:
    """The runs in a file that `write_trained_placements` wrote.

    Raises:
        OSError: if there is no such file.
    """
    return TrainedPlacements([_run(row) for row in read_rows(path)])


def _run(row: Mapping[str, str]) -> TrainedRun:
    return TrainedRun(
        row["task"],
        int(row["layers"]),
        row["design"],
        float(row["learning_rate"]),
        int(row["seed"]),
        float(row["chance"]),
        float(row["loss"]),
        split(row["without"]),
    )
