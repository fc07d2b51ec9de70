"""Exhibit 4: the layer norm of GATr's baseline, over all axes but the first.

Source: github.com/Qualcomm-AI-research/geometric-algebra-transformer,
gatr/baselines/transformer.py, class BaselineLayerNorm (read at commits 88696b0 and, repaired,
3f967c9); its pull request 8.
"""

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import FORMULA, Mistake, Probe, Question
from normlab.exercises import common, inputs
from normlab.exercises.bug_museum import familiar
from normlab.exercises.bug_museum.exhibit import (
    Exhibit,
    Reason,
    failing_input_question,
)
from normlab.exercises.bug_museum.laws import ITEM_ALONE
from normlab.norms import FloatArray


def buggy_item_layer_norm(x: FloatArray, eps: float = 1e-5) -> FloatArray:
    axes = tuple(range(1, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)  # (B, ..., D) -> (B, 1, ..., 1)
    variance = x.var(axis=axes, keepdims=True)  # (B, ..., D) -> (B, 1, ..., 1)
    return (x - mean) / np.sqrt(variance + eps)


def item_layer_norm(x: FloatArray, eps: float = 1e-5) -> FloatArray:
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    variance = x.var(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (x - mean) / np.sqrt(variance + eps)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    plain, redrawn = inputs.plain, inputs.redrawn

    def of_shape(title: str, *shape: int) -> Probe:
        return redrawn(
            plain(title, {"x": rng.standard_normal(shape)}),
            lambda rng: {
                "x": rng.standard_normal(
                    (*inputs.sizes(rng, len(shape) - 1, 2, 4), shape[-1] + rng.integers(2))
                )
            },
        )

    return (
        redrawn(
            plain("one item", {"x": np.array([1.0, 2.0, 6.0])}, corner=True),
            lambda rng: {"x": inputs.whole(rng, 3)},
        ),
        redrawn(
            plain("an example of two items", {"x": np.array([[[1.0, 3.0], [10.0, 20.0]]])}),
            lambda rng: {"x": inputs.whole(rng, 1, 2, 2) + np.array([[0], [20]])},
        ),
        of_shape("three items, no batch", 3, 2),
        of_shape("a batch of two examples", 2, 3, 4),
        of_shape("items in two axes", 2, 3, 2, 4),
        of_shape("items in three axes", 2, 2, 2, 2, 3),
        redrawn(
            plain("a large ε", {"x": rng.standard_normal((1, 2, 3)), "eps": 0.5}),
            lambda rng: {
                "x": rng.standard_normal((1, 2, 3)),
                "eps": float(rng.uniform(0.3, 0.7)),
            },
        ),
        redrawn(
            plain("a variance of the size of ε", {"x": np.array([[[0.004, 0.0], [0.0, 0.002]]])}),
            lambda rng: {
                "x": rng.permuted([[[0.004, 0.0], [0.002, 0.0]]], axis=-1)
                * rng.uniform(0.7, 1.4, (1, 2, 1))
            },
        ),
        redrawn(
            plain("constant items", {"x": np.array([[[3.0, 3.0], [5.0, 5.0]]])}, corner=True),
            lambda rng: {"x": np.repeat(inputs.whole(rng, 1, 2)[..., None], 2, axis=-1)},
        ),
        inputs.plain(
            "one feature far larger than 39 others", {"x": np.stack([[inputs.peak(rng, 40)] * 2])}
        ),
        familiar.all_digits(x=1e6 * rng.standard_normal((1, 2, 4))),
    )


def _axis(axis: str) -> dict[str, str]:
    return {"x.mean(axis=-1": f"x.mean(axis={axis}", "x.var(axis=-1": f"x.var(axis={axis}"}


ALL_BUT_FIRST = "tuple(range(1, x.ndim))"
ROOT = "np.sqrt(variance + eps)"

MISTAKES = (
    Mistake(
        "all-but-first",
        "the bug is still there: one mean and variance for each example, all its items together",
        "The items of an example then change each other's outputs, and so does padding. The axis "
        "of the features is the last one, axis −1, however many others there are.",
        _axis(ALL_BUT_FIRST),
        _axis("(1, 2)"),
    ),
    Mistake(
        "three-axes-only",
        "the axis is counted from the front",
        "axis=2 is the last axis of (B, T, D) only. Count from the end: axis −1 is the last axis "
        "of every array.",
        _axis("2"),
        _axis("min(2, x.ndim - 1)"),
    ),
    Mistake(
        "all-but-two",
        "one axis was taken out of the list, and the others were left",
        "range(2, x.ndim) is the last axis of three only; with four axes it is two of them. The "
        "statistics belong to axis −1 alone.",
        _axis("tuple(range(2, x.ndim))"),
        _axis("tuple(range(2, x.ndim)) or -1"),
    ),
    Mistake(
        "half-repaired",
        "the mean or the variance is repaired, not both",
        "Both statistics are of one item: both need axis −1.",
        {"x.mean(axis=-1": f"x.mean(axis={ALL_BUT_FIRST}"},
        {"x.var(axis=-1": f"x.var(axis={ALL_BUT_FIRST}"},
    ),
    Mistake(
        "axis-items",
        "the statistics are taken over the items",
        "The items stand in axis −2. Layer norm takes its statistics over the features, axis −1.",
        _axis("-2 if x.ndim > 1 else -1"),
    ),
    Mistake(
        "items-and-features",
        "the statistics are taken over the last two axes",
        "That mixes the items of the last item axis. The statistics belong to axis −1 alone.",
        _axis("(-2, -1) if x.ndim > 1 else -1"),
    ),
    familiar.axis_batch(_axis("0")),
    familiar.axis_all(_axis("None")),
    familiar.unbiased_variance({"x.var(axis=-1": "x.var(ddof=1, axis=-1"}),
    common.eps_outside({ROOT: "(np.sqrt(variance) + eps)"}),
    common.eps_missing({ROOT: "np.sqrt(variance)"}),
    familiar.eps_wrong_value(
        {ROOT: "np.sqrt(variance + 1e-5)"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
        {"eps: float = 1e-5": "eps: float = 1e-12"},
    ),
    Mistake(
        "mean-not-subtracted",
        "the mean is not subtracted",
        "A repair changes nothing but the bug. Without the mean the items are not centered.",
        {"(x - mean)": "x"},
    ),
    Mistake(
        "rms-norm",
        "this is RMSNorm: the mean is nowhere subtracted",
        "A repair changes nothing but the bug: layer norm subtracts the mean, from x and within "
        "the variance.",
        {"(x - mean)": "x", "x.var(axis=-1, keepdims=True)": "(x**2).mean(-1, keepdims=True)"},
    ),
    familiar.eps_as_floor({ROOT: "np.sqrt(np.maximum(variance, eps))"}),
    Mistake(
        "variance-for-deviation",
        "an item is divided by its variance instead of its standard deviation",
        "The variance is a square: dividing by it makes the output shrink when the input grows. "
        "Take the root.",
        {ROOT: "(variance + eps)"},
    ),
    common.keepdims_missing(
        {
            "x.mean(axis=-1, keepdims=True)": "x.mean(axis=-1)",
            "x.var(axis=-1, keepdims=True)": "x.var(axis=-1)",
        },
        {"x.var(axis=-1, keepdims=True)": "x.var(axis=-1)"},
    ),
    common.input_mutated({"(x - mean)": "np.subtract(x, mean, out=x)"}),
    common.float64_narrowed({"(x - mean)": "(x - mean).astype(np.float32)"}),
)


def _two_axes(x: FloatArray) -> str | None:
    if x.ndim != 2:
        return None
    return f"x has the shape {x.shape}: with two axes, all but the first is the last."


def _one_item(x: FloatArray) -> str | None:
    if x.ndim < 3 or np.prod(x.shape[1:-1]) > 1:
        return None
    return f"x has the shape {x.shape}: every example is one item, so there is nothing to mix."


EXHIBIT = Exhibit(
    buggy=buggy_item_layer_norm,
    right=item_layer_norm,
    shapes="x (..., D)",
    shapes_fit=lambda x: x.ndim > 0,
    reasons=(
        Reason("two-axes", "x has two axes", _two_axes),
        Reason("one-item", "every example has one item", _one_item),
    ),
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "For which number of axes is “all but the first” the same as “the last”?",
        "Take three axes, (B, T, D), and two items whose means differ much.",
        'return {"x": np.array([[[1.0, 3.0], [10.0, 20.0]]])}',
    ),
)
REPAIR = Question(
    function="item_layer_norm",
    levels={FORMULA: 1},
    driver=call("y"),
    reference=item_layer_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=(ITEM_ALONE,),
    hints={
        FORMULA: (
            "Which axis holds the features of one item, if you do not know how many axes there "
            "are?",
            "Negative axes count from the end: axis −1 is the last one of every array. Both "
            "statistics need it.",
            "mean = x.mean(axis=-1, keepdims=True); variance = x.var(axis=-1, keepdims=True); the "
            "last line stays.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
