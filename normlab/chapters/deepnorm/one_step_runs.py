"""The stored updates of chapter 08.

`normlab remake deepnorm_update` makes them again, in a few minutes on one core.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from normlab.chapters.deepnorm.one_step import UpdateSweep, bounded_update, study_config
from normlab.models.placement.deepnorm_variants import DEEPNORM_VARIANTS
from normlab.probes import Rule
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import read_rows, write_rows
from normlab.tools.timing import one_thread

STORED = Path(__file__).with_name("deepnorm_update.csv")
DEPTHS = (2, 4, 8, 16, 32, 64)
LEARNING_RATES: dict[Rule, tuple[float, float]] = {"sgd": (5e-2, 5e-4), "sign": (5e-4, 5e-6)}
SEEDS = (0, 1, 2)


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
    return UpdateSweep(
        rule,
        learning_rate,
        depths,
        {name: _means(rows, name, depths, "relative") for name in DEEPNORM_VARIANTS},
        {name: _means(rows, name, depths, "bound") for name in DEEPNORM_VARIANTS},
        len({row["seed"] for row in rows}),
    )


def _means(
    rows: Sequence[Mapping[str, str]], variant: str, depths: Sequence[int], column: str
) -> Any:
    """The geometric mean over seeds at each depth (N,)."""
    logs = [
        [np.log(float(r[column])) for r in rows if (r["variant"], r["layers"]) == (variant, str(n))]
        for n in depths
    ]
    return np.exp(np.array(logs).mean(1))  # (N, S) -> (N,)


def measure_update(
    variant: str, rule: Rule, learning_rate: float, layers: int, seed: int
) -> dict[str, object]:
    """One row of the stored results, without where and when it was made."""
    step = bounded_update(study_config(variant, layers), seed, rule, learning_rate)
    return {
        "variant": variant,
        "rule": rule,
        "learning_rate": learning_rate,
        "layers": layers,
        "seed": seed,
        "relative": f"{step.update.change.relative:.5g}",
        "bound": f"{step.bound:.5g}",
    }


def write_updates(path: Path, depths: Sequence[int] = DEPTHS, seeds: Sequence[int] = SEEDS) -> None:
    """Measure every variant with every step, and write one row for each run."""
    steps = [(rule, rate) for rule, rates in LEARNING_RATES.items() for rate in rates]
    runs = [
        (v, *s, n, seed) for v in DEEPNORM_VARIANTS for s in steps for n in depths for seed in seeds
    ]
    with one_thread():
        rows = [measure_update(*run) for run in progress_bar(runs, "updates")]
    write_rows(path, rows, "normlab remake deepnorm_update")
