"""Training runs of graph networks by depth and norm.

`normlab remake graph` makes the stored ones again, in about 5 minutes on one core.
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


@dataclass(frozen=True)
class AccuracyByDepth:
    """The share of right labels on nodes without a given label.

    Attributes:
        depths: layers.
        accuracy: by norm (N, S): at each depth, for each seed (of graph and weights), with the
            learning rate that is best in the mean over seeds.
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
    seeds: Sequence[int] = SEEDS,
) -> list[dict[str, object]]:
    """Every norm with every depth, rate and seed."""
    grid = list(itertools.product(GRAPH_NORMS, depths, rates, seeds))
    with one_thread():
        return [measure_run(*run) for run in progress_bar(grid, "graph runs")]


def write_runs(path: Path, **grid: Any) -> None:
    """Make the runs of `run_grid(**grid)` and store them."""
    write_rows(path, run_grid(**grid), "normlab remake graph")


def accuracy_by_depth(rows: Iterable[Mapping[str, object]]) -> AccuracyByDepth:
    """What the rows say, each norm at its best rate for each depth."""
    found: dict[tuple[str, int], dict[str, list[float]]] = {}
    for row in rows:
        rates = found.setdefault((str(row["norm"]), int(str(row["depth"]))), {})
        rates.setdefault(str(row["learning_rate"]), []).append(float(str(row["accuracy"])))
    best = {key: max(rates.values(), key=sum) for key, rates in found.items()}
    depths = sorted({depth for _, depth in best})
    norms = dict.fromkeys(norm for norm, _ in best)
    return AccuracyByDepth(
        depths, {norm: np.array([best[norm, depth] for depth in depths]) for norm in norms}
    )


def load_accuracy_by_depth() -> AccuracyByDepth:
    """The runs that come with the package.

    Example:
        >>> load_accuracy_by_depth().depths
        [1, 2, 4, 8, 16, 32]
    """
    return accuracy_by_depth(read_rows(STORED))
