"""Laws of every norm that works on each row by itself."""

from collections.abc import Callable

import numpy as np

from normlab.checks.examples import number
from normlab.checks.exercise import Arguments, Law, Outputs
from normlab.norms import FloatArray


def _largest_change(one: FloatArray, other: FloatArray) -> float:
    """What is no number, or infinite, in both in the same way has not changed."""
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return float(np.abs(np.subtract(one, other, where=~same, out=np.zeros_like(one))).max())


def rows_depend(arguments: Arguments) -> Law:
    """The law that the first row of y is the same without the other rows."""

    def judge(together: Outputs, alone: Outputs) -> str | None:
        change = _largest_change(together["y"][:1], alone["y"])
        return None if change < 1e-5 else f"alone, the first row changes by {change:.3g}."

    first = {**arguments, "x": arguments["x"][:1]}
    return Law("rows-depend", "rows change each other's outputs", (arguments, first), judge)


def moved_input_changes(
    name: str, title: str, arguments: Arguments, move: Callable[..., object]
) -> Law:
    """The law that y is the same for another x."""

    def judge(one: Outputs, other: Outputs) -> str | None:
        change = _largest_change(one["y"], other["y"])
        return None if change < 1e-4 else f"the largest change is {change:.3g}."

    return Law(name, title, (arguments, {**arguments, "x": move(arguments["x"])}), judge)


def scale_changes(arguments: Arguments) -> Law:
    """The law that 3·x has the same y as x."""
    title = "scaling the input changes the output"
    return moved_input_changes("scale-changes", title, arguments, lambda x: 3 * x)


def size_not_one(arguments: Arguments) -> Law:
    """The law that with a gain of ones each row of y has root mean square 1."""

    def judge(out: Outputs) -> str | None:
        mean_square = (out["y"] ** 2).mean(axis=-1)  # (N, D) -> (N,)
        if np.allclose(mean_square, 1, atol=1e-3):
            return None
        return f"with a gain of ones the means of y² are {number(mean_square)}."

    return Law("size-not-one", "the rows do not have root mean square 1", (arguments,), judge)
