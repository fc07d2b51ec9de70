"""Explorers of ε, of the step of a difference, of computed variances and of long sums."""

from pathlib import Path

import numpy as np

from normlab.chapters.numerics.accumulation import RepeatedSums, repeated_sums
from normlab.chapters.numerics.figures import (
    describe_epsilon_sweep,
    describe_variance_sweep,
    draw_epsilon_sweep,
    draw_variance_sweep,
)
from normlab.chapters.numerics.rounding import (
    EpsilonSweep,
    VarianceSweep,
    epsilon_sweep,
    variance_sweep,
)
from normlab.chapters.numerics.step_figures import describe_step_sweep, draw_step_sweep
from normlab.chapters.numerics.step_size import sweep_steps
from normlab.chapters.numerics.sum_figures import (
    describe_repeated_sums,
    draw_repeated_sums,
    order_name,
)
from normlab.norms import layer_norm
from normlab.pictures import Choice, Explorer, GrabbedToken, Scene, Slider
from normlab.pictures.style import BLUE, GREEN, GREY, PINK, RED
from normlab.pictures.token.widget import TOKEN
from normlab.tools.table import Table

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


def explore_step_size() -> Explorer:
    """Central differences from h = 1e-15 up to 1: first stairs, then straight, then curved."""
    scene = Scene(sweep_steps, draw_step_sweep, describe_step_sweep, columns=2, size=(8.4, 3.6))
    steps = [10.0 ** -(half / 2) for half in range(30, -1, -1)]
    return Explorer(
        "The step of a finite difference",
        scene,
        pages={"step": Slider("step h", steps, show="{:.1g}".format, start=30)},
        settings={"dtype": Choice("dtype", ("float64", "float32"))},
        formula=[("error", BLUE), " ≈ ", ("c·h²", GREY), " + ", ("2u/h", GREEN)],
    )


def explore_variance() -> Explorer:
    """Move the offset of the input and see which formula still finds its variance."""

    def compute() -> dict[str, VarianceSweep]:
        return {dtype: variance_sweep(dtype, _OFFSETS) for dtype in _DTYPES}

    return Explorer(
        "Four formulas for one variance",
        Scene(compute, draw_variance_sweep, describe_variance_sweep, columns=2),
        pages={
            "offset": Slider("offset", _OFFSETS, show="{:,.0f}".format, start=13),
            "dtype": Choice("dtype", _DTYPES, start=1),
        },
        formula=[
            ("mean(x²) − mean(x)²", RED),
            " and ",
            ("mean((x − μ)²)", BLUE),
        ],
    )


_TERMS = (1.0, 0.75, 0.5, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
_BLOCKS = (1, 64)


def explore_repeated_sums() -> Explorer:
    """Add one number 8,192 times, in one running sum or by way of partial sums."""

    def compute() -> dict[int, RepeatedSums]:
        return {block: repeated_sums(_TERMS, block) for block in _BLOCKS}

    return Explorer(
        "A sum that stops growing",
        Scene(compute, draw_repeated_sums, describe_repeated_sums),
        pages={
            "term": Slider("term", _TERMS, show="{:g}".format),
            "block": Choice("order", _BLOCKS, show=order_name),
        },
    )


class TokenOnGrid(GrabbedToken, view=[Path(__file__).with_name("token_grid.js")]):
    """A token with an offset, among the numbers that a dtype can store."""


def grab_token_on_float_grid() -> GrabbedToken:
    """Add an offset to a token, and see which numbers near it a dtype can store."""
    offset = 3000.0
    x = np.array(TOKEN[:4])
    rows = []
    for name in ("float16", "float32"):
        stored = (x + offset).astype(name).astype(np.float64)
        shown = [f"{v:g}" for v in stored]
        rows.append([name, *shown, *(f"{v:.3f}" for v in layer_norm(stored))])
    features = range(1, 5)
    columns = ("stored as", *(f"x{i}" for i in features), *(f"x̂{i}" for i in features))
    return TokenOnGrid(
        "One token among the numbers that can be stored",
        {"dtype": "float16", "offset": offset},
        {"x": PINK, "stored": BLUE, "error": RED},
        Table(columns, rows),
        formula=[("x", PINK), " + offset  →  ", ("the nearest stored number", BLUE)],
    )
