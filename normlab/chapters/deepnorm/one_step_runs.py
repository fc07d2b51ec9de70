"""The stored updates of chapter 08.

`normlab remake deepnorm_update` makes them again, in a few minutes on one core.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from normlab.chapters.deepnorm.bounds import bounded_update
from normlab.chapters.deepnorm.one_step import UpdateSweep, study_config
from normlab.models.placement.deepnorm_variants import DEEPNORM_VARIANTS
from normlab.probes import DepthSweep, Rule
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import joined, read_rows, split, write_rows
from normlab.tools.timing import one_thread

STORED = Path(__file__).with_name("deepnorm_update.csv")
DEPTHS = (2, 4, 8, 16, 32, 64)
LEARNING_RATES: dict[Rule, tuple[float, float]] = {"sgd": (5e-2, 5e-4), "sign": (5e-4, 5e-6)}
SEEDS = tuple(range(12))
MEASURED = ("relative", "bound", "effect", "moved")


def load_updates(rule: Rule, learning_rate: float) -> UpdateSweep:
    """The stored updates of one kind of step.

    Raises:
        ValueError: if there are none for this rule and learning rate.

    Example:
        >>> abs(load_updates("sgd", 0.05).slope("DeepNorm")) < 0.1
        True
    """
    rows = [
        row
        for row in read_rows(STORED)
        if row["rule"] == rule and float(row["learning_rate"]) == learning_rate
    ]
    if not rows:
        raise ValueError(
            f"nothing is stored for rule {rule!r} with learning rate {learning_rate}; "
            f"expected one of {LEARNING_RATES}."
        )
    depths = sorted({int(row["layers"]) for row in rows})
    return UpdateSweep(rule, learning_rate, *(_by_depth(rows, depths, name) for name in MEASURED))


def _by_depth(rows: Sequence[Mapping[str, str]], depths: Sequence[int], column: str) -> DepthSweep:
    """What one column holds, by variant."""
    cells = {(row["variant"], int(row["layers"])): split(row[column]) for row in rows}
    measured = {v: np.array([cells[v, n] for n in depths]).T for v in DEEPNORM_VARIANTS}
    return DepthSweep(depths, measured)


def measure_update(
    variant: str, rule: Rule, learning_rate: float, layers: int, seeds: Sequence[int]
) -> dict[str, object]:
    """One row of the stored results, without where and when it was made: all seeds in a cell."""
    config = study_config(variant, layers)
    steps = [bounded_update(config, seed, rule, learning_rate) for seed in seeds]
    return {
        "variant": variant,
        "rule": rule,
        "learning_rate": learning_rate,
        "layers": layers,
        "seed": joined(seeds),
        "relative": joined(step.update.change.relative for step in steps),
        "bound": joined(step.bound for step in steps),
        "effect": joined(step.effect for step in steps),
        "moved": joined(step.moved for step in steps),
    }


def write_updates(path: Path, depths: Sequence[int] = DEPTHS, seeds: Sequence[int] = SEEDS) -> None:
    """Measure every variant with every step, and write one row for each step and depth."""
    steps = [(rule, rate) for rule, rates in LEARNING_RATES.items() for rate in rates]
    runs = [(variant, *step, n) for variant in DEEPNORM_VARIANTS for step in steps for n in depths]
    with one_thread():
        rows = [measure_update(*run, seeds) for run in progress_bar(runs, "updates")]
    write_rows(path, rows, "normlab remake deepnorm_update")
