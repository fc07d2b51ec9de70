"""Training runs of graph networks by depth and norm.

`normlab remake graph` makes the stored ones again, in about 8 minutes on one core. Five graphs
choose the rate, five others are reported.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from normlab.chapters.beyond_transformers.oversmoothing import layers_in_words
from normlab.models.graph_network import GRAPH_NORMS, draw_communities, train_gcn
from normlab.norms import FloatArray
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import read_rows, write_rows
from normlab.tools.table import Table
from normlab.tools.timing import one_thread

STORED = Path(__file__).with_name("graph.csv")
DEPTHS, RATES, SEEDS = (1, 2, 4, 8, 16, 32), (3e-3, 1e-2), (0, 1, 2, 3, 4)
REPORTED = (5, 6, 7, 8, 9)


@dataclass(frozen=True)
class AccuracyByDepth:
    """The share of right labels on nodes without a given label.

    Attributes:
        depths: layers.
        accuracy: by norm (N, S): at each depth, for each seed (of graph and weights) in
            `REPORTED`, with the learning rate that is best in the mean over those in `SEEDS`.
    """

    depths: Sequence[int]
    accuracy: Mapping[str, FloatArray]

    def table(self) -> Table:
        """One row per norm: the mean over seeds at each depth."""
        rows = [
            [norm, *(f"{value:.2f}" for value in values.mean(1))]  # (N, S) -> (N,)
            for norm, values in self.accuracy.items()
        ]
        return Table(("norm", *map(layers_in_words, self.depths)), rows)


def measure_run(norm: str, depth: int, learning_rate: float, seed: int) -> dict[str, object]:
    """One row of the stored results; the seed gives the graph and the weights."""
    accuracy = train_gcn(draw_communities(seed), depth, norm, learning_rate, seed)
    return {
        "norm": norm,
        "depth": depth,
        "learning_rate": f"{learning_rate:g}",
        "seed": seed,
        "accuracy": f"{accuracy:.4f}",
    }


def run_grid(
    depths: Sequence[int] = DEPTHS,
    rates: Sequence[float] = RATES,
    seeds: Sequence[int] = (*SEEDS, *REPORTED),
) -> list[dict[str, object]]:
    """Every norm with every depth, rate and seed."""
    grid = list(itertools.product(GRAPH_NORMS, depths, rates, seeds))
    with one_thread():
        return [measure_run(*run) for run in progress_bar(grid, "graph runs")]


def write_runs(path: Path, **grid: Any) -> None:
    """Make the runs of `run_grid(**grid)` and store them."""
    write_rows(path, run_grid(**grid), "normlab remake graph")


def accuracy_by_depth(rows: Iterable[Mapping[str, object]]) -> AccuracyByDepth:
    """What the rows say, each norm at its best rate for each depth, chosen by other seeds."""
    found: dict[tuple[str, int], dict[str, dict[int, float]]] = {}
    for row in rows:
        rates = found.setdefault((str(row["norm"]), int(str(row["depth"]))), {})
        seeds = rates.setdefault(str(row["learning_rate"]), {})
        seeds[int(str(row["seed"]))] = float(str(row["accuracy"]))
    best = {key: _reported(max(rates.values(), key=_chosen_by)) for key, rates in found.items()}
    depths = sorted({depth for _, depth in best})
    norms = dict.fromkeys(norm for norm, _ in best)
    return AccuracyByDepth(
        depths, {norm: np.array([best[norm, depth] for depth in depths]) for norm in norms}
    )


def _chosen_by(accuracy: Mapping[int, float]) -> float:
    return sum(value for seed, value in accuracy.items() if seed in SEEDS)


def _reported(accuracy: Mapping[int, float]) -> list[float]:
    """Of seeds that did not choose, if there are any."""
    others = [value for seed, value in accuracy.items() if seed not in SEEDS]
    return others or list(accuracy.values())


def load_accuracy_by_depth() -> AccuracyByDepth:
    """The runs that come with the package.

    Example:
        >>> load_accuracy_by_depth().depths
        [1, 2, 4, 8, 16, 32]
    """
    return accuracy_by_depth(read_rows(STORED))
