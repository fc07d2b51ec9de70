"""Exhibit 8: Gemma's gain, to which 1 is added by the converter and by the norm.

Source: Gemma's RMSNorm multiplies by 1 + w. llama.cpp's converter adds 1 to these weights, so that
a plain RMSNorm reads them; programs that kept Gemma's own norm for its files added 1 once more.
"""

from typing import Any

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import ANY_INPUT, FORMULA, Mistake, Probe, Question
from normlab.exercises import common, inputs
from normlab.exercises.bug_museum import familiar
from normlab.exercises.bug_museum.exhibit import Exhibit, Reason, failing_input_question
from normlab.exercises.bug_museum.laws import WEIGHT_ZERO
from normlab.norms import FloatArray


def buggy_converted_rms_norm(x: FloatArray, weight: FloatArray, eps: float = 1e-6) -> FloatArray:
    stored = 1 + weight  # the converter: Gemma's weight is its gain less 1
    mean_square = (x**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (1 + stored) * x / np.sqrt(mean_square + eps)


def converted_rms_norm(x: FloatArray, weight: FloatArray, eps: float = 1e-6) -> FloatArray:
    stored = 1 + weight
    mean_square = (x**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return stored * x / np.sqrt(mean_square + eps)


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, Any]:
    return {"x": inputs.rows(rng, *shape), "weight": rng.uniform(-0.8, 2.0, shape[-1])}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    plain, redrawn = inputs.plain, inputs.redrawn
    token = _drawn(rng, 1, 4)
    none, x = np.zeros(2), token["x"]
    zeros = _drawn(rng, 2, 3) | {"x": np.zeros((2, 3))}
    return (
        redrawn(
            plain("one token, a weight of zeros", {"x": np.array([[3.0, 4.0]]), "weight": none}),
            lambda rng: {"x": inputs.whole(rng, 1, 2), "weight": none},
        ),
        plain("two tokens", _drawn(rng, 2, 3)),
        inputs.two_examples(plain, rng, _drawn),
        plain("squares of the size of ε", token | {"x": rng.uniform(5e-4, 1e-3) * x}),
        plain("a large ε", token | {"eps": float(rng.uniform(0.3, 0.7))}),
        *inputs.other_axes(rng, _drawn),
        inputs.any_input("rows of zeros", zeros, corner=True),
        familiar.all_digits(ANY_INPUT, **_drawn(rng, 1, 3) | {"x": 1e6 * inputs.rows(rng, 1, 3)}),
    )


SQUARES, ROOT = "(x**2).mean(axis=-1, keepdims=True)", "np.sqrt(mean_square + eps)"
GAIN, PRODUCT = "stored * x", f"stored * x / {ROOT}"

MISTAKES = (
    Mistake(
        "one-twice",
        "the bug is still there: 1 is added twice",
        "The file holds the gain 1 + w. A norm that reads it multiplies by it as it is.",
        {GAIN: "(1 + stored) * x"},
        {GAIN: "(2 + weight) * x"},
    ),
    Mistake(
        "one-missing",
        "1 is added nowhere",
        "Gemma's gain is 1 + w, so one of the two must add 1: w = 0 means that x̂ comes through "
        "unchanged, not that nothing does.",
        {GAIN: "weight * x"},
    ),
    Mistake(
        "one-subtracted",
        "1 is subtracted",
        "What was added twice must be added once, not taken away: the gain is 1 + w.",
        {GAIN: "(weight - 1) * x"},
        {GAIN: "(1 - stored) * x"},
    ),
    Mistake(
        "one-on-product",
        "1 is added to the product",
        "1 + w·x̂ shifts every number by 1. The brackets stand around 1 + w: (1 + w)·x̂.",
        {PRODUCT: f"1 + weight * x / {ROOT}"},
        {PRODUCT: f"1 + stored * x / {ROOT}"},
    ),
    Mistake(
        "gain-twice",
        "the gain is applied twice",
        "The gain is 1 + w, once: the converter writes it, and the norm multiplies by it.",
        {GAIN: "stored**2 * x"},
        {GAIN: "stored * (1 + stored) * x"},
    ),
    Mistake(
        "weight-twice",
        "w is counted twice",
        "The gain is 1 + w. To halve 2 + 2w, or to add w to 1 + w, is another one.",
        {GAIN: "(1 + 2 * weight) * x"},
        {GAIN: "(1 + stored) / 2 * x"},
    ),
    familiar.gain_missing({GAIN: "x"}),
    *familiar.of_eps("mean_square", "1e-6", "1e-5", "1e-12"),
    familiar.sum_for_mean({SQUARES: "(x**2).sum(axis=-1, keepdims=True)"}),
    familiar.root_missing({ROOT: "(mean_square + eps)"}),
    familiar.mean_subtracted(
        {GAIN: "stored * (x - x.mean(axis=-1, keepdims=True))"},
        {SQUARES: "x.var(axis=-1, keepdims=True)"},
    ),
    *familiar.of_the_mean_square(),
    common.keepdims_missing({SQUARES: "(x**2).mean(axis=-1)"}),
    common.input_mutated(
        {GAIN: "np.multiply(x, stored, out=x)"},
        {"stored = 1 + weight": "weight += 1; stored = weight"},
    ),
    common.float64_narrowed({GAIN: "stored * x.astype(np.float32)"}),
)


def _large(x: FloatArray, weight: FloatArray) -> str | None:
    least = float(np.abs(1 + weight).min())  # (D,) -> ()
    if least < 500:
        return None
    return f"the least |1 + w| is {least:.4g}: 1 more is {1 / least:.1g} of it."


def _zeros(x: FloatArray, weight: FloatArray) -> str | None:
    return None if x.any() else "whatever the gain is, 0 stays 0."


EXHIBIT = Exhibit(
    buggy=buggy_converted_rms_norm,
    right=converted_rms_norm,
    shapes="x (..., D), weight (D,)",
    shapes_fit=lambda x, weight: x.ndim > 0 and weight.shape == x.shape[-1:],
    reasons=(
        Reason("zeros", "x is 0", _zeros),
        Reason("large-weight", "the weights are so large that 1 does not count", _large),
    ),
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "The gains are 2 + w and 1 + w. Where do they differ most?",
        "Where w is 0, or near to −1. A weight of zeros is what Gemma starts with.",
        'return {"x": np.array([3.0, 4.0]), "weight": np.zeros(2)}',
    ),
)
REPAIR = Question(
    function="converted_rms_norm",
    levels={FORMULA: 1, ANY_INPUT: 1},
    driver=call("y"),
    reference=converted_rms_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=(WEIGHT_ZERO,),
    hints={
        FORMULA: (
            "What is the gain of Gemma's norm if weight is 0? And of yours?",
            "One of the two lines adds 1, and the other takes what it finds. Both ways are right.",
            "stored = 1 + weight; mean_square = (x**2).mean(axis=-1, keepdims=True); return stored "
            "* x / np.sqrt(mean_square + eps).",
        ),
        ANY_INPUT: (
            "Does a line write into x or weight?",
            "weight += 1 changes the caller's array, and the next call adds 1 again: make a new "
            "array. axis=-1 with keepdims=True serves any number of axes.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
