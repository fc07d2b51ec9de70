"""Exhibit 9: the statistics of a layer norm in half precision.

Source: kernels that squared and summed in the dtype of x were reported for several runtimes, up to
2026: float16 ends at 65,504, so the square of 256 is infinite. Our copy is a layer norm in NumPy.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from normlab.checks.drivers import call
from normlab.checks.exercise import FORMULA, PRECISION, Law, Mistake, Outputs, Probe, Question
from normlab.checks.signs import loses_dtype
from normlab.exercises import common, inputs
from normlab.exercises.bug_museum import familiar
from normlab.exercises.bug_museum.exhibit import (
    CLEAR_IN_HALF,
    Exhibit,
    Reason,
    failing_input_question,
)
from normlab.norms import FloatArray


def buggy_half_layer_norm(
    x: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float = 1e-5
) -> FloatArray:
    centered = x - x.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (gamma * centered / np.sqrt(variance + eps) + beta).astype(x.dtype)


def half_layer_norm(
    x: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float = 1e-5
) -> FloatArray:
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    centered = wide - wide.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (gamma * centered / np.sqrt(variance + eps) + beta).astype(x.dtype)


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, Any]:
    gamma, beta = rng.uniform(0.5, 2.0, shape[-1]), rng.standard_normal(shape[-1])
    return {"x": inputs.rows(rng, *shape), "gamma": gamma, "beta": beta}


def _half(x: ArrayLike) -> dict[str, Any]:
    """A float16 row with a gain of ones and no shift."""
    half = np.asarray(x, np.float16)
    return {"x": half, "gamma": np.ones_like(half[0]), "beta": np.zeros_like(half[0])}


def _far(rng: np.random.Generator) -> FloatArray:
    """A float16 row near 2,048, (1, 2), whose mean float16 does not hold."""
    low = 2 * float(rng.integers(1030, 1900))
    return rng.permuted([[low, low + 2]], axis=-1)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return *_formula(rng), *_in_half(rng), *_precision(rng)


def _formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    plain, redrawn = inputs.plain, inputs.redrawn
    token = _drawn(rng, 1, 4)
    constant = np.full((1, 4), 3.0)
    return (
        plain("two tokens, a gain and a shift", _drawn(rng, 2, 3)),
        inputs.two_examples(plain, rng, _drawn),
        redrawn(
            plain("x with 5 axes", _drawn(rng, 1, 2, 1, 2, 3)),
            lambda rng: _drawn(rng, 1, 2, *inputs.sizes(rng, 2, 1, 3), 3),
        ),
        plain("a single token", _drawn(rng, 4), corner=True),
        plain("a variance of the size of ε", token | {"x": 0.002 * token["x"]}),
        plain("a large ε", token | {"eps": float(rng.uniform(0.3, 0.7))}),
        redrawn(
            plain("a constant row", token | {"x": constant}, corner=True),
            lambda rng: token | {"x": constant + rng.integers(1, 90)},
        ),
        plain(
            "one feature far larger than 39 others",
            {"x": inputs.peak(rng, 1, 40), "gamma": np.ones(40), "beta": np.zeros(40)},
        ),
    )


def _in_half(rng: np.random.Generator) -> tuple[Probe, ...]:
    """float16 rows that need float32: large ones, far ones, and an ε that float16 does not hold."""
    peaks, redrawn = np.array([[300.0, -300, 0, 0]]), inputs.redrawn
    half = inputs.FLOAT16_DIGITS
    return (
        redrawn(
            Probe("float16 numbers whose squares overflow", _half(peaks), half),
            lambda rng: _half(rng.permuted(peaks, axis=-1) / 300 * inputs.overflowing(rng)),
        ),
        redrawn(
            Probe("float16 numbers whose mean it does not hold", _half([[2048, 2050]]), half),
            lambda rng: _half(_far(rng)),
        ),
        redrawn(
            Probe(
                "a constant float16 row, a tiny ε",
                _half([[3.0, 3.0]]) | {"eps": 1e-9},
                half,
                corner=True,
            ),
            lambda rng: _half(np.full((1, 2), rng.integers(4, 90))) | {"eps": 1e-9},
        ),
    )


def _precision(rng: np.random.Generator) -> tuple[Probe, ...]:
    drawn = _drawn(rng, 1, 4)
    half = {name: array.astype(np.float16) for name, array in drawn.items()}
    single = {name: array.astype(np.float32) for name, array in drawn.items()}
    title = "all digits of float64, a gain and a shift of float32"
    digits = familiar.all_digits(PRECISION, **drawn | {"x": 1e6 * drawn["x"]})
    return (
        digits,
        replace(digits, title=title, arguments={**single, "x": digits.arguments["x"]}),
        Probe("float32 numbers", single, inputs.FLOAT32_DIGITS, PRECISION),
        inputs.half("float16 numbers, a gain of float32", half | {"gamma": single["gamma"]}, 4e-3),
    )


WIDE = "x.astype(np.promote_types(x.dtype, np.float32))"
MEAN, VARIANCE = "wide.mean(axis=-1, keepdims=True)", "(centered**2).mean(axis=-1, keepdims=True)"
ROOT, RESULT = "np.sqrt(variance + eps)", "gamma * centered / np.sqrt(variance + eps) + beta"

MISTAKES = (
    Mistake(
        "half-statistics",
        "the bug is still there: the statistics are computed in half precision",
        "float16 ends at 65,504, so the square of 256 is infinite, and the row becomes 0. To sum "
        "in float32 is too late if the squares are float16. Convert x first.",
        {WIDE: "x"},
        {WIDE: "x", VARIANCE: "(centered**2).mean(axis=-1, keepdims=True, dtype=np.float32)"},
    ),
    Mistake(
        "overflow-clipped",
        "the squares are cut off where float16 ends",
        "65,504 in place of a larger square is a number, and a wrong one. Compute in float32, "
        "where the square fits.",
        {WIDE: "x", "centered**2": "np.minimum(centered**2, 65504)"},
        {"centered**2": "np.minimum(centered**2, 65504)"},
    ),
    Mistake(
        "mean-in-half",
        "the mean is taken in half precision, the variance in float32",
        "float16 has 11 binary digits: between 2,048 and 4,096 it holds even numbers only, and the "
        "mean of 2,048 and 2,050 is rounded away. Convert x before the first mean.",
        {f"wide - {MEAN}": "(x - x.mean(axis=-1, keepdims=True)).astype(wide.dtype)"},
        {f"wide - {MEAN}": "wide - x.mean(axis=-1, keepdims=True)"},
    ),
    Mistake(
        "eps-scaled",
        "ε is added after the row was divided by its greatest number",
        "Scaling keeps the squares small, but ε then counts max(x)² times as much. Scale ε too, or "
        "compute in float32.",
        {ROOT: "np.sqrt(variance + eps * np.abs(centered).max(axis=-1, keepdims=True) ** 2)"},
    ),
    familiar.unbiased_variance({VARIANCE: "wide.var(axis=-1, ddof=1, keepdims=True)"}),
    *familiar.of_eps("variance", "1e-5", "1e-6", "1e-12", "1e-3"),
    Mistake(
        "variance-for-deviation",
        "the row is divided by its variance instead of its standard deviation",
        "The variance is a square: dividing by it makes the output shrink when the input grows. "
        "Take the root.",
        {ROOT: "(variance + eps)"},
    ),
    Mistake(
        "mean-not-subtracted",
        "the mean is not subtracted",
        "A repair changes nothing but the bug. Without the mean the rows are not centered.",
        {"gamma * centered": "gamma * wide"},
        {f"wide - {MEAN}": "wide"},
    ),
    Mistake(
        "gain-or-shift-missing",
        "the gain or the shift is not applied",
        "A repair changes nothing but the bug: the result is γ ⊙ x̂ + β.",
        {"gamma * centered": "centered"},
        {" + beta)": ")"},
        {RESULT: f"centered / {ROOT}"},
    ),
    familiar.axis_batch(
        {
            "wide.mean(axis=-1": "wide.mean(axis=0",
            "(centered**2).mean(axis=-1": "(centered**2).mean(axis=0",
        }
    ),
    familiar.axis_all(
        {
            "wide.mean(axis=-1": "wide.mean(axis=None",
            "(centered**2).mean(axis=-1": "(centered**2).mean(axis=None",
        }
    ),
    common.keepdims_missing({VARIANCE: "(centered**2).mean(axis=-1)"}),
    Mistake(
        "dtype-lost",
        "the dtype is lost",
        "float16 in, float16 out, and float64 in, float64 out: convert back to the dtype of x.",
        {"+ beta).astype(x.dtype)": "+ beta)"},
        {"+ beta).astype(x.dtype)": "+ beta).astype(np.float16)"},
        seen=loses_dtype,
    ),
    common.float64_narrowed({WIDE: "x.astype(np.float32)"}),
    common.input_mutated({RESULT: f"np.multiply(x, 0, out=x) + {RESULT}"}),
)

_ROW = np.array([[1.0, -2.0, 0.5, 4.0]])
_SIZES = (_half(_ROW), _half(100 * _ROW))


def _scale(one: Outputs, large: Outputs) -> str | None:
    change = float(np.abs(one["y"].astype(np.float64) - large["y"].astype(np.float64)).max())
    return None if change < 0.01 else f"the largest change is {change:.3g}."


SCALE_FREE = Law(
    "scale-changes", "a float16 row 100 times as large has another output", _SIZES, _scale
)


def _wide(x: FloatArray, **_: FloatArray) -> str | None:
    if x.dtype == np.float16:
        return None
    return f"x is {x.dtype}, and the buggy function computes in the dtype of x."


def _small(x: FloatArray, **_: FloatArray) -> str | None:
    wide = x.astype(np.float64)
    far = np.abs(wide - wide.mean(axis=-1, keepdims=True)).max()  # (..., D) -> ()
    if far >= 255:
        return None
    return f"no number is further than {far:.3g} from the mean, so that its square is below 65,504."


EXHIBIT = Exhibit(
    buggy=buggy_half_layer_norm,
    right=half_layer_norm,
    shapes="x (..., D), gamma (D,), beta (D,)",
    shapes_fit=lambda x, gamma, beta: x.ndim > 0 and gamma.shape == beta.shape == x.shape[-1:],
    reasons=(
        Reason("not-half", "x is not float16", _wide),
        Reason("squares-fit", "the squares fit into float16", _small),
    ),
    dtypes=(np.float16,),
    greatest=60_000.0,
    clear=CLEAR_IN_HALF,
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "Which is the greatest number that float16 holds, and of which number is it the square?",
        "float16 ends at 65,504, the square of 256 is beyond it. Take numbers that far from their "
        "mean, as float16.",
        'return {"x": np.array([300, -300], np.float16), "gamma": np.ones(2), "beta": np.zeros(2)}',
    ),
)
REPAIR = Question(
    function="half_layer_norm",
    levels={FORMULA: 1, PRECISION: 1},
    driver=call("y"),
    reference=half_layer_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=(SCALE_FREE,),
    hints={
        FORMULA: (
            "In which dtype is (x - mean)**2, if x is float16? In which does it fit?",
            "Convert x once, before the first mean: float16 to float32. All that follows is then "
            "in float32.",
            "wide = x.astype(np.promote_types(x.dtype, np.float32)); the formula with wide; "
            "y.astype(x.dtype) last.",
        ),
        PRECISION: (
            "What does your function give back for float16, and what for float64?",
            "np.promote_types(x.dtype, np.float32) is float32 for float16, and float64 for "
            "float64. The result gets the dtype of x.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
