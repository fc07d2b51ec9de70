"""Training runs of the vision transformer, with norms and without.

`normlab remake vision` makes the stored ones again, in about 10 minutes on one core.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from normlab.chapters.beyond_transformers.digit_images import train_vision
from normlab.chapters.beyond_transformers.rate_grids import (
    GridRun,
    RateGrid,
    grid_run,
    read_grid,
    with_reported,
    write_grid,
)
from normlab.models.vision_transformer import VIT_PLACEMENTS
from normlab.tools.progress_bar import progress_bar
from normlab.tools.timing import one_thread

STORED = Path(__file__).with_name("vision.csv")
LAYERS, RATES, SEEDS = (4, 12), (1e-4, 3e-4, 1e-3, 3e-3, 1e-2), (0, 1, 2)
REPORTED = (3, 4, 5)
GOAL = 0.5


def measure_run(layers: int, placement: str, learning_rate: float, seed: int) -> GridRun:
    """One run of the grid."""
    run = train_vision(placement, layers, learning_rate, seed)
    setting = f"{layers} layers"
    return grid_run(setting, placement, learning_rate, seed, GOAL, run.losses, run.accuracy)


def run_grid(
    layers: Sequence[int] = LAYERS, rates: Sequence[float] = RATES, seeds: Sequence[int] = SEEDS
) -> RateGrid:
    """Every placement with every depth, rate and seed."""
    grid = list(itertools.product(layers, VIT_PLACEMENTS, rates, seeds))
    with one_thread():
        return RateGrid([measure_run(*run) for run in progress_bar(grid, "vision runs")])


def write_runs(path: Path, reported: Sequence[int] = REPORTED, **grid: Any) -> None:
    """Make the runs of `run_grid(**grid)`, and of other seeds at the best rates, and store them."""
    with one_thread():
        runs = with_reported(run_grid(**grid), reported, _measure_setting).runs
    write_grid(path, runs, "normlab remake vision")


def _measure_setting(setting: str, placement: str, learning_rate: float, seed: int) -> GridRun:
    return measure_run(int(setting.split()[0]), placement, learning_rate, seed)


def load_vision_runs() -> RateGrid:
    """The runs that come with the package.

    Example:
        >>> load_vision_runs().settings()
        ['4 layers', '12 layers']
    """
    return read_grid(STORED)
