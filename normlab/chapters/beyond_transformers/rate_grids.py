"""Training runs over a grid of learning rates and seeds, and each model at its best rate.

The rate is chosen by the seeds that ran at every rate, and shown by others, which ran at it alone:
the best of several is better than it will be again.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from normlab.norms import FloatArray
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import joined, read_rows, split, write_rows
from normlab.tools.table import Table

EVERY, WINDOW = 10, 10


@dataclass(frozen=True)
class GridRun:
    """One training run.

    Attributes:
        setting, model: what was trained on, and what was trained.
        learning_rate, seed: of the run.
        goal: a loss to reach.
        steps_to_goal: after how many steps the mean of the last 10 losses is below it; None if
            it never is.
        losses: that mean after 10, 20, … steps.
        accuracy: on data that was not trained on; nan where it was not measured.
    """

    setting: str
    model: str
    learning_rate: float
    seed: int
    goal: float
    steps_to_goal: int | None
    losses: Sequence[float]
    accuracy: float = math.nan

    def row(self) -> dict[str, object]:
        """As it is stored."""
        return {
            "setting": self.setting,
            "model": self.model,
            "learning_rate": f"{self.learning_rate:g}",
            "seed": self.seed,
            "goal": f"{self.goal:g}",
            "steps_to_goal": "" if self.steps_to_goal is None else self.steps_to_goal,
            "accuracy": f"{self.accuracy:.4f}",
            "losses": joined(self.losses),
        }


def grid_run(
    setting: str,
    model: str,
    learning_rate: float,
    seed: int,
    goal: float,
    losses: Sequence[float],
    accuracy: float = math.nan,
) -> GridRun:
    """The record of a run from the loss of each of its steps.

    Example:
        >>> run = grid_run("adding", "LN-LSTM", 1e-3, 0, goal=2.5, losses=[3.0, 1.0] + 8 * [0.0])
        >>> run.steps_to_goal, run.losses
        (2, [0.4])
    """
    means = smoothed(losses)
    below = np.flatnonzero(np.array(means) < goal)
    steps = int(below[0]) + 1 if len(below) else None
    return GridRun(
        setting, model, learning_rate, seed, goal, steps, means[EVERY - 1 :: EVERY], accuracy
    )


def smoothed(losses: Sequence[float]) -> list[float]:
    """The mean of each loss and the 9 before it; at the start, of as many as there are.

    >>> smoothed([3.0, 1.0])
    [3.0, 2.0]
    """
    sums = np.cumsum([0.0, *losses])
    ends = np.arange(1, len(losses) + 1)
    starts = np.maximum(ends - WINDOW, 0)
    means: list[float] = ((sums[ends] - sums[starts]) / (ends - starts)).tolist()
    return means


@dataclass(frozen=True)
class RateGrid:
    """All runs of a grid."""

    runs: Sequence[GridRun]

    def settings(self) -> list[str]:
        return list(dict.fromkeys(run.setting for run in self.runs))

    def models(self) -> list[str]:
        return list(dict.fromkeys(run.model for run in self.runs))

    def at(self, setting: str, model: str, learning_rate: float) -> list[GridRun]:
        """One run for each seed by which the rate is chosen."""
        choosing = self._choosing(setting, model)
        runs = self._all_at(setting, model, learning_rate)
        return [run for run in runs if run.seed in choosing]

    def _all_at(self, setting: str, model: str, learning_rate: float) -> list[GridRun]:
        wanted = (setting, model, learning_rate)
        return [r for r in self.runs if (r.setting, r.model, r.learning_rate) == wanted]

    def _choosing(self, setting: str, model: str) -> set[int]:
        """The seeds that ran at as many rates as any."""
        rates = Counter(r.seed for r in self.runs if (r.setting, r.model) == (setting, model))
        most = max(rates.values(), default=0)
        return {seed for seed, count in rates.items() if count == most}

    def best_rate(self, setting: str, model: str) -> float:
        """The rate with the fewest steps to the goal, in the median over seeds.

        Where two have the same, or none gets there, the lower median of the last losses decides.
        """
        rates = {r.learning_rate for r in self.runs if (r.setting, r.model) == (setting, model)}
        return min(sorted(rates), key=lambda rate: _rank(self.at(setting, model, rate)))

    def best(self, setting: str, model: str) -> list[GridRun]:
        """At the model's best rate one run for each seed that did not choose it.

        Where all seeds ran at all rates, they are those that chose it.
        """
        runs = self._all_at(setting, model, self.best_rate(setting, model))
        choosing = self._choosing(setting, model)
        return [run for run in runs if run.seed not in choosing] or runs

    def curve(self, setting: str, model: str) -> tuple[FloatArray, FloatArray]:
        """Steps, and the median loss over seeds, at the model's best rate: (K,), (K,).

        A run that was given up counts as infinite from there on.
        """
        runs = [run.losses for run in self.best(setting, model)]
        length = max(map(len, runs))
        filled = [[*losses, *[math.inf] * (length - len(losses))] for losses in runs]
        return EVERY * np.arange(1.0, length + 1), np.median(filled, axis=0)  # (S, K) -> (K,)

    def table(self, setting: str) -> Table:
        """One row per model at its best rate: steps to the goal, last loss, accuracy."""
        rows = [self._row(setting, model) for model in self.models()]
        goal = next(run.goal for run in self.runs if run.setting == setting)
        columns = ["model", "best rate", f"steps to {goal:g}, median", "each seed", "last loss"]
        measured = any(not math.isnan(r.accuracy) for r in self.runs if r.setting == setting)
        return Table(
            [*columns, "test accuracy"] if measured else columns,
            rows if measured else [row[:-1] for row in rows],
        )

    def _row(self, setting: str, model: str) -> list[str]:
        runs = self.best(setting, model)
        steps = [_steps(run) for run in runs]
        return [
            model,
            f"{runs[0].learning_rate:g}",
            _said(statistics.median(steps)),
            ", ".join(map(_said, sorted(steps))),
            f"{statistics.median(run.losses[-1] for run in runs):.2g}",
            f"{statistics.median(run.accuracy for run in runs):.3f}",
        ]


def _steps(run: GridRun) -> float:
    return math.inf if run.steps_to_goal is None else run.steps_to_goal


def _rank(runs: Sequence[GridRun]) -> tuple[float, float]:
    return (
        statistics.median(map(_steps, runs)),
        statistics.median(run.losses[-1] if len(run.losses) else math.inf for run in runs),
    )


def _said(steps: float) -> str:
    return "never" if math.isinf(steps) else f"{steps:.0f}"


def with_reported(
    grid: RateGrid, seeds: Sequence[int], measure: Callable[[str, str, float, int], GridRun]
) -> RateGrid:
    """The grid, and runs with further seeds of every model at its best rate.

    Args:
        grid: of all rates.
        seeds: none of the grid's.
        measure: makes a run of a setting, a model, a rate and a seed.
    """
    wanted = [
        (setting, model, grid.best_rate(setting, model), seed)
        for setting in grid.settings()
        for model in grid.models()
        for seed in seeds
    ]
    return RateGrid([*grid.runs, *(measure(*run) for run in progress_bar(wanted, "best rates"))])


def write_grid(path: Path, runs: Iterable[GridRun], command: str) -> None:
    """Store the runs, with the command and the versions that made them."""
    write_rows(path, (run.row() for run in runs), command)


def read_grid(path: Path) -> RateGrid:
    """The grid in a file that `write_grid` wrote."""
    return RateGrid([_run(row) for row in read_rows(path)])


def _run(row: Mapping[str, str]) -> GridRun:
    return GridRun(
        row["setting"],
        row["model"],
        float(row["learning_rate"]),
        int(row["seed"]),
        float(row["goal"]),
        int(row["steps_to_goal"]) if row["steps_to_goal"] else None,
        split(row["losses"]),
        float(row["accuracy"]),
    )
