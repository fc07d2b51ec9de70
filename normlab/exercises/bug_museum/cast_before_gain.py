"""Exhibit 11: the normalized row is converted back before the gain multiplies.

Source: LlamaRMSNorm in Hugging Face's transformers and its many copies have the order
weight * x̂.to(input_dtype); Gemma's norm multiplies first. Our copy converts the product too, so
that the dtype is kept, and one bug is left.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import FORMULA, PRECISION, Mistake, Probe, Question
from normlab.checks.signs import loses_dtype
from normlab.exercises import common, inputs
from normlab.exercises.bug_museum import familiar
from normlab.exercises.bug_museum.exhibit import (
    CLEAR_IN_HALF,
    Exhibit,
    Reason,
    failing_input_question,
)
from normlab.exercises.bug_museum.laws import GAIN_SCALES, SIZE_ONE
from normlab.norms import FloatArray


def buggy_cast_rms_norm(x: FloatArray, gamma: FloatArray, eps: float = 1e-6) -> FloatArray:
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean_square = (wide**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = wide / np.sqrt(mean_square + eps)
    return (gamma * normalized.astype(x.dtype)).astype(x.dtype)


def cast_rms_norm(x: FloatArray, gamma: FloatArray, eps: float = 1e-6) -> FloatArray:
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean_square = (wide**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = wide / np.sqrt(mean_square + eps)
    return (gamma * normalized).astype(x.dtype)


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, Any]:
    return {"x": inputs.rows(rng, *shape), "gamma": rng.uniform(0.5, 2.0, shape[-1])}


def _half_rows(rng: np.random.Generator, *shape: int) -> dict[str, Any]:
    """float16 rows whose squares overflow, with a gain of float32."""
    peaks = np.zeros(shape)
    peaks[..., 0], peaks[..., 1] = inputs.overflowing(rng), -inputs.overflowing(rng)
    gamma = rng.uniform(0.5, 2.0, shape[-1]).astype(np.float32)
    return {"x": rng.permuted(peaks, axis=-1).astype(np.float16), "gamma": gamma}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return *_formula(rng), *_precision(rng)


def _formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    plain, redrawn = inputs.plain, inputs.redrawn
    token = _drawn(rng, 1, 4)
    x = token["x"]
    return (
        redrawn(
            plain("one token", {"x": np.array([[3.0, 4.0]]), "gamma": np.array([1.0, 2.0])}),
            lambda rng: {"x": inputs.whole(rng, 1, 2), "gamma": rng.uniform(1, 3, 2)},
        ),
        plain("two tokens", _drawn(rng, 2, 3)),
        inputs.two_examples(plain, rng, _drawn),
        redrawn(
            plain("x with 5 axes", _drawn(rng, 1, 2, 1, 2, 3)),
            lambda rng: _drawn(rng, 1, 2, *inputs.sizes(rng, 2, 1, 3), 3),
        ),
        plain("a single token", _drawn(rng, 4), corner=True),
        plain("squares of the size of ε", token | {"x": rng.uniform(5e-4, 1e-3) * x}),
        plain("a large ε", token | {"eps": float(rng.uniform(0.3, 0.7))}),
        plain("an ε above the squares", token | {"eps": float(rng.uniform(8, 9))}),
        Probe(
            "a small float16 number beside a large one, and a large gain",
            inputs.hardly_held(rng),
            4e-3,
        ),
        Probe("float16 numbers whose squares overflow", _half_rows(rng, 1, 4), 4e-3),
    )


def _precision(rng: np.random.Generator) -> tuple[Probe, ...]:
    drawn = _drawn(rng, 1, 4)
    digits = familiar.all_digits(PRECISION, **drawn | {"x": 1e6 * drawn["x"]})
    gain = float(rng.integers(80_000, 100_000))
    title = "all digits of float64, a gain of float32"
    narrow = {name: array.astype(np.float32) for name, array in drawn.items()}
    return (
        digits,
        replace(digits, title=title, arguments={**digits.arguments, "gamma": narrow["gamma"]}),
        Probe("a gain that float16 does not hold", inputs.hardly_held(rng, gain), 4e-3, PRECISION),
        Probe("float32 numbers", narrow, inputs.FLOAT32_DIGITS, PRECISION),
    )


WIDE, SQUARES = (
    "x.astype(np.promote_types(x.dtype, np.float32))",
    "(wide**2).mean(axis=-1, keepdims=True)",
)
ROOT, RESULT = "np.sqrt(mean_square + eps)", "(gamma * normalized).astype(x.dtype)"
CAST = "normalized.astype(x.dtype)"

MISTAKES = (
    Mistake(
        "cast-before-gain",
        "the bug is still there: x̂ is rounded to half precision before γ multiplies",
        "Below 0.00006 float16 has ever fewer digits, and below 0.00000003 it is 0. A large gain "
        "brings such numbers back, and their error with them. Multiply in float32, then convert.",
        {RESULT: f"(gamma * {CAST}).astype(x.dtype)"},
        {RESULT: f"gamma.astype(x.dtype) * {CAST}"},
    ),
    Mistake(
        "half-statistics",
        "the squares are taken in half precision",
        "float16 ends at 65,504, so the square of 256 is infinite. What the buggy function widens "
        "must stay widened up to the end.",
        {WIDE: "x"},
        {SQUARES: "(x**2).mean(axis=-1, keepdims=True)"},
    ),
    Mistake(
        "gain-rounded",
        "γ is rounded to half precision before it multiplies",
        "float16 ends at 65,504, and has 11 binary digits. The product is converted, and neither "
        "of its factors.",
        {RESULT: "(gamma.astype(x.dtype) * normalized).astype(x.dtype)"},
    ),
    familiar.gain_missing({"gamma * normalized": "normalized"}),
    familiar.gain_plus_one({"gamma * normalized": "(1 + gamma) * normalized"}),
    Mistake(
        "gain-first",
        "γ multiplies before the mean square is taken",
        "Then the norm takes a part of the gain out again. γ comes after the division, and before "
        "the conversion.",
        {WIDE: f"gamma * {WIDE}", "gamma * normalized": "normalized"},
        {SQUARES: "((gamma * wide) ** 2).mean(axis=-1, keepdims=True)"},
    ),
    *familiar.of_eps("mean_square", "1e-6", "1e-5", "1e-12"),
    familiar.sum_for_mean({SQUARES: "(wide**2).sum(axis=-1, keepdims=True)"}),
    familiar.root_missing({ROOT: "(mean_square + eps)"}),
    familiar.mean_subtracted(
        {"wide / ": "(wide - wide.mean(axis=-1, keepdims=True)) / "},
        {SQUARES: "wide.var(axis=-1, keepdims=True)"},
    ),
    *familiar.of_the_mean_square(),
    common.keepdims_missing({SQUARES: "(wide**2).mean(axis=-1)"}),
    Mistake(
        "dtype-lost",
        "the dtype is lost",
        "float16 in, float16 out, as in the buggy function: the product is converted, last.",
        {RESULT: "gamma * normalized"},
        seen=loses_dtype,
    ),
    common.float64_narrowed({WIDE: "x.astype(np.float32)"}),
    common.input_mutated({RESULT: f"{RESULT} + np.multiply(x, 0, out=x)"}),
)


def _wide(x: FloatArray, gamma: FloatArray) -> str | None:
    if x.dtype == np.float16:
        return None
    return f"x is {x.dtype}: x̂ is converted to {x.dtype} there, which rounds by far less."


def _normal(x: FloatArray, gamma: FloatArray) -> str | None:
    wide = x.astype(np.float64)
    size = np.sqrt((wide**2).mean(axis=-1, keepdims=True) + 1e-6)  # (..., D) -> (..., 1)
    normalized = np.abs(wide / size)
    own = normalized[normalized > 0]
    if own.size and own.min() < 2.0**-17:
        return None
    least = f"the least |x̂| is {own.min():.2g}" if own.size else "x̂ is 0"
    return f"{least}: float16 holds it to a few thousandths or better, whatever γ is."


EXHIBIT = Exhibit(
    buggy=buggy_cast_rms_norm,
    right=cast_rms_norm,
    shapes="x (..., D), gamma (D,)",
    shapes_fit=lambda x, gamma: x.ndim > 0 and gamma.shape == x.shape[-1:],
    reasons=(
        Reason("not-half", "x is not float16", _wide),
        Reason("not-small", "float16 holds all of x̂ well", _normal),
    ),
    dtypes=(np.float16, np.float32),
    greatest=60_000.0,
    clear=CLEAR_IN_HALF,
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "Which numbers does float16 round by more than a thousandth?",
        "Those below 0.00006. Make one number of a float16 row that small beside the root mean "
        "square, and give it a large gain, and the others a small one.",
        'return {"x": np.array([1000, 1e-4], np.float16), "gamma": np.array([0.0, 1000.0])}',
    ),
)
REPAIR = Question(
    function="cast_rms_norm",
    levels={FORMULA: 1, PRECISION: 1},
    driver=call("y"),
    reference=cast_rms_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=(GAIN_SCALES, SIZE_ONE),
    hints={
        FORMULA: (
            "In which dtype is x̂ when γ multiplies it? What became of the numbers below 0.00006?",
            "Multiply first, in float32. Then convert the product, once.",
            "return (gamma * normalized).astype(x.dtype); the lines above stay.",
        ),
        PRECISION: (
            "Which of γ, x̂ and their product do you convert, and to what?",
            "The product alone, to the dtype of x. γ as float16 would end at 65,504, and float64 "
            "must keep all its digits.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
