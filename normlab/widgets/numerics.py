"""Explorers of ε and of computed variances."""

import numpy as np

from normlab.figures.numerics import (
    describe_epsilon_sweep,
    describe_variance_sweep,
    draw_epsilon_sweep,
    draw_variance_sweep,
)
from normlab.numerics import EpsilonSweep, VarianceSweep, epsilon_sweep, variance_sweep
from normlab.pictures import Choice, Explorer, Scene, Slider

_STDS = np.geomspace(1e-6, 1, 19).tolist()
_OFFSETS = (0, 1, 3, 10, 30, 100, 300, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6)
_DTYPES = ("float16", "float32", "float64")


def explore_epsilon() -> Explorer:
    """Shrink the input and see where each library's default ε begins to rule the output."""

    def compute() -> EpsilonSweep:
        return epsilon_sweep(_STDS)

    return Explorer(
        "ε against the size of the input",
        Scene(compute, draw_epsilon_sweep, describe_epsilon_sweep, columns=2),
        pages={
            "std": Slider("std of the input", _STDS, show="{:.1e}".format, start=9),
            "place": Choice("ε", ("inside the root", "outside the root")),
        },
    )


def explore_variance() -> Explorer:
    """Move the offset of the input and see which formula still finds its variance."""

    def compute() -> dict[str, VarianceSweep]:
        return {dtype: variance_sweep(dtype, _OFFSETS) for dtype in _DTYPES}

    return Explorer(
        "Four formulas for one variance",
        Scene(compute, draw_variance_sweep, describe_variance_sweep, columns=2),
        pages={
            "offset": Slider("offset", _OFFSETS, show="{:,.0f}".format, start=9),
            "dtype": Choice("dtype", _DTYPES, start=1),
        },
    )
