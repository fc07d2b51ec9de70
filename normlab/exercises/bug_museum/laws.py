"""What holds of each right function of the museum, and of no buggy one."""

from collections.abc import Callable
from functools import partial

import numpy as np

from normlab.checks.exercise import Arguments, Law, Outputs
from normlab.norms import FloatArray, layer_norm
from normlab.norms.differences import finite_difference_gradient, relative_error

ROW = np.array([1.0, -2.0, 0.5, 4.0])
WEIGHT = np.arange(16.0).reshape(4, 4) % 5 - 2  # (16,) -> (D, D)


def law(
    name: str,
    title: str,
    calls: tuple[Arguments, ...],
    sides: Callable[..., tuple[FloatArray, FloatArray]],
) -> Law:
    """The law that both sides, made from the one output of each call, are equal."""

    def judge(*outputs: Outputs) -> str | None:
        got, expected = sides(*(next(iter(out.values())) for out in outputs))
        if np.shape(got) != np.shape(expected):
            return f"the shapes are {np.shape(got)} and {np.shape(expected)}."
        error = relative_error(got, expected)
        return None if error < 1e-3 else f"off by {100 * error:.3g} %."

    return Law(name, title, calls, judge)


def _slopes(dx: FloatArray, dy: FloatArray) -> tuple[FloatArray, FloatArray]:
    def loss(x: FloatArray) -> float:
        return float((dy * layer_norm(x)).sum())  # (D,) -> ()

    return dx, finite_difference_gradient(loss, ROW, 1e-5)


_ITEMS = np.stack([ROW, 3 * ROW**2])[None]  # 2 × (D,) -> (1, 2, D)
_BRANCH = {"x": ROW, "weight": WEIGHT}

VARIANCE_ONE = law(
    "variance-not-one",
    "a row does not come out with variance 1",
    ({"x": ROW, "gamma": np.ones(4), "beta": np.zeros(4)},),
    lambda y: (np.array([y.var()]), np.ones(1)),
)
SHIFT_FREE = law(
    "shift-changes",
    "adding a number to a row changes its variance",
    ({"x": ROW}, {"x": ROW + 7}),
    lambda before, after: (after, before),
)
SCALE_SQUARED = law(
    "scale-not-squared",
    "a row 3 times as large has not 9 times the variance",
    ({"x": ROW}, {"x": 3 * ROW}),
    lambda before, after: (after, 9 * before),
)
FINITE_DIFFERENCES = law(
    "differs-from-differences",
    "dx differs from finite differences",
    ({"dy": ROW[::-1].copy(), "x": ROW, "gamma": np.ones(4)},),
    partial(_slopes, dy=ROW[::-1]),
)
ITEM_ALONE = law(
    "items-depend",
    "an item depends on the items beside it",
    ({"x": _ITEMS}, {"x": _ITEMS[:, :1]}),
    lambda together, alone: (together[:, :1], alone),
)
NO_BRANCH = law(
    "stream-changed",
    "with a branch of zeros, x does not come back",
    ({"x": ROW, "weight": np.zeros((4, 4))},),
    lambda y: (y, ROW),
)
LARGE_ALPHA = law(
    "alpha-without-effect",
    "as α grows, the branch does not fade",
    ({**_BRANCH, "alpha": 1e6},),
    lambda y: (y, layer_norm(ROW)),
)


def _size(y: FloatArray) -> tuple[FloatArray, FloatArray]:
    return (y**2).mean(keepdims=True), np.ones(1)  # (D,) -> (1,)


_ONES = np.ones(4)
_TOKEN = {"dy": ROW[::-1].copy()[None], "x": ROW[None] ** 2}
_SHARDS = np.stack([ROW[:2], ROW[2:]])[:, None]  # (D,) -> (2, 1, D/2)

SMALL_ROWS = law(
    "small-rows-blown-up",
    "a row far smaller than √ε does not come out small",
    ({"x": 1e-6 * ROW, "gamma": _ONES, "eps": 1e-6},),
    lambda y: (y, 1e-3 * ROW),
)
SIZE_ONE = law(
    "size-not-one",
    "a row does not come out with root mean square 1",
    ({"x": ROW, "gamma": _ONES},),
    _size,
)
WEIGHT_ZERO = law(
    "weight-zero-scales",
    "with a weight of zeros a row does not come out with root mean square 1",
    ({"x": ROW, "weight": np.zeros(4)},),
    _size,
)
GAIN_SCALES = law(
    "gain-does-not-scale",
    "twice the gain does not give twice the output",
    ({"x": ROW, "gamma": _ONES}, {"x": ROW, "gamma": 2 * _ONES}),
    lambda one, two: (two, 2 * one),
)
TOKENS_ADD = law(
    "tokens-do-not-add",
    "two equal tokens do not have twice the gradient of one",
    (_TOKEN, {name: np.concatenate([array, array]) for name, array in _TOKEN.items()}),
    lambda one, two: (two, 2 * one),
)
CUT_FREE = law(
    "cut-matters",
    "the result depends on how many devices hold the features",
    ({"x": _SHARDS}, {"x": ROW[None, None]}),
    lambda cut, whole: (np.concatenate([*cut], axis=-1), whole[0]),
)
