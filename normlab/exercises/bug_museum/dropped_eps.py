"""Exhibit 7: an RMSNorm that is exported as a vector norm, and loses its ε on the way.

Source: exporters have no RMSNorm in every runtime, and write x·√D/‖x‖ where there is a vector
norm; ε has no place in it. github.com/apple/coremltools, pull request 2822, is about a converter
that keeps ε and adds it after the row was divided by its greatest number: a wrong repair here.
"""

from typing import Any

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import ANY_INPUT, FORMULA, Mistake, Probe, Question
from normlab.exercises import common, inputs
from normlab.exercises.bug_museum import familiar
from normlab.exercises.bug_museum.exhibit import Exhibit, Reason, failing_input_question
from normlab.exercises.bug_museum.laws import SIZE_ONE, SMALL_ROWS
from normlab.norms import FloatArray


def buggy_exported_rms_norm(x: FloatArray, gamma: FloatArray, eps: float = 1e-6) -> FloatArray:
    length = np.sqrt((x**2).sum(axis=-1, keepdims=True))  # (..., D) -> (..., 1)
    return gamma * x * np.sqrt(x.shape[-1]) / np.maximum(length, 1e-12)


def exported_rms_norm(x: FloatArray, gamma: FloatArray, eps: float = 1e-6) -> FloatArray:
    mean_square = (x**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return gamma * x / np.sqrt(mean_square + eps)


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, Any]:
    return {"x": inputs.rows(rng, *shape), "gamma": rng.uniform(0.5, 2.0, shape[-1])}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return *_formula(rng), *_any_input(rng)


def _formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    plain, redrawn = inputs.plain, inputs.redrawn
    one = np.ones(2)
    token = _drawn(rng, 1, 4)
    x = token["x"]
    return (
        redrawn(
            plain("one token", {"x": np.array([[3.0, 4.0]]), "gamma": one}),
            lambda rng: {"x": inputs.whole(rng, 1, 2), "gamma": one},
        ),
        redrawn(
            plain("a small token", {"x": np.array([[0.001, 0.0]]), "gamma": one}),
            lambda rng: {
                "x": rng.permuted([[rng.uniform(5e-4, 2e-3), 0.0]], axis=-1),
                "gamma": one,
            },
        ),
        plain("squares of the size of ε", token | {"x": rng.uniform(5e-4, 1e-3) * x}),
        plain("squares below ε", token | {"x": rng.uniform(5e-5, 1e-4) * x}),
        plain("a large ε", token | {"eps": float(rng.uniform(0.3, 0.7))}),
        plain("an ε above the squares", token | {"eps": float(rng.uniform(8, 9))}),
        plain("numbers below ε", token | {"x": rng.uniform(1e-8, 1e-7) * x}),
        plain("a tiny ε and tiny squares", token | {"x": 1e-5 * x, "eps": 1e-10}),
        inputs.two_examples(plain, rng, _drawn),
    )


def _any_input(rng: np.random.Generator) -> tuple[Probe, ...]:
    zeros = _drawn(rng, 2, 3) | {"x": np.zeros((2, 3))}
    return (
        *inputs.other_axes(rng, _drawn),
        inputs.any_input("rows of zeros", zeros, corner=True),
        inputs.any_input(
            "one feature far larger than 39 others",
            {"x": inputs.peak(rng, 1, 40), "gamma": np.ones(40)},
        ),
        familiar.all_digits(ANY_INPUT, **_drawn(rng, 1, 3) | {"x": 1e6 * inputs.rows(rng, 1, 3)}),
    )


SQUARES = "(x**2).mean(axis=-1, keepdims=True)"
SUM = "(x**2).sum(axis=-1, keepdims=True)"
ROOT, D = "np.sqrt(mean_square + eps)", "x.shape[-1]"


def _floor(floor: str) -> dict[str, str]:
    """The code of a length with a lower bound."""
    return {ROOT: f"(np.maximum(np.sqrt({SUM}), {floor}) / np.sqrt({D}))"}


MISTAKES = (
    Mistake(
        "eps-dropped",
        "the bug is still there: ε is not added to the mean square",
        "The divisor is √(mean(x²) + ε). Without ε a row of tiny numbers, such as padding or a "
        "dead head, is blown up to size 1.",
        _floor("1e-12"),
        {ROOT: "np.sqrt(mean_square)"},
        {ROOT: "np.sqrt(np.maximum(mean_square, 1e-24))"},
    ),
    Mistake(
        "eps-as-floor",
        "ε is a lower bound of the divisor",
        "A bound changes nothing above it: the rows of size √ε, for which ε counts, are divided by "
        "too little. ε is added to the mean square.",
        _floor("eps"),
        _floor(f"np.sqrt({D} * eps)"),
        {ROOT: "np.maximum(np.sqrt(mean_square), eps)"},
    ),
    Mistake(
        "eps-in-sum",
        "ε is added to the sum of the squares",
        "√D/√(Σx² + ε) has ε/D under the root of the mean: D times too little. The length has the "
        "sum, so it needs D·ε.",
        {ROOT: f"(np.sqrt({SUM} + eps) / np.sqrt({D}))"},
    ),
    Mistake(
        "eps-times-width",
        "D·ε is added to the mean of the squares",
        "D·ε belongs to the sum. To the mean of the squares ε is added as it is.",
        {ROOT: f"np.sqrt(mean_square + {D} * eps)"},
    ),
    Mistake(
        "eps-scaled",
        "ε is added after the row was divided by its greatest number",
        "Then ε counts max(x)² times as much. Who scales the row must scale ε with it: ε/max(x)².",
        {ROOT: "np.sqrt(mean_square + eps * np.abs(x).max(axis=-1, keepdims=True) ** 2)"},
    ),
    common.eps_outside(
        {ROOT: "(np.sqrt(mean_square) + eps)"}, {ROOT: f"((np.sqrt({SUM}) + eps) / np.sqrt({D}))"}
    ),
    familiar.eps_wrong_value(
        {ROOT: "np.sqrt(mean_square + 1e-6)"},
        {"eps: float = 1e-6": "eps: float = 1e-5"},
        {"eps: float = 1e-6": "eps: float = 1e-12"},
    ),
    Mistake(
        "width-forgotten",
        "the row is divided by its length alone",
        "x/‖x‖ has length 1: the factor √D makes its numbers of size 1.",
        {ROOT: f"np.sqrt({SUM} + eps)"},
        {ROOT: f"np.sqrt({SUM} + {D} * eps)"},
        {ROOT: f"np.maximum(np.sqrt({SUM}), 1e-12)"},
    ),
    familiar.root_missing({ROOT: "(mean_square + eps)"}),
    familiar.mean_subtracted(
        {"gamma * x": "gamma * (x - x.mean(axis=-1, keepdims=True))"},
        {SQUARES: "x.var(axis=-1, keepdims=True)"},
    ),
    familiar.gain_missing({"gamma * x": "x"}),
    familiar.gain_plus_one({"gamma * x": "(1 + gamma) * x"}),
    *familiar.of_the_mean_square(),
    common.keepdims_missing({SQUARES: "(x**2).mean(axis=-1)"}),
    common.input_mutated({"gamma * x": "np.multiply(x, gamma, out=x)"}),
    common.float64_narrowed({"gamma * x": "gamma * x.astype(np.float32)"}),
)


def _large(x: FloatArray, gamma: FloatArray) -> str | None:
    least = (x**2).mean(axis=-1).min()  # (..., D) -> (...) -> ()
    if least < 1e-4:
        return None
    return f"the least mean square of a row is {least:.3g}, and ε is 1e-6: it is not seen."


def _zeros(x: FloatArray, gamma: FloatArray) -> str | None:
    return None if x.any() else "0 is divided by something in both."


EXHIBIT = Exhibit(
    buggy=buggy_exported_rms_norm,
    right=exported_rms_norm,
    shapes="x (..., D), gamma (D,)",
    shapes_fit=lambda x, gamma: x.ndim > 0 and gamma.shape == x.shape[-1:],
    reasons=(
        Reason("zeros", "x is 0", _zeros),
        Reason("large-rows", "ε is small beside the squares", _large),
    ),
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "Which rows can tell √(v + ε) from √v, if ε is 1e-6?",
        "Those whose mean square is not much larger than ε: numbers of about 0.001.",
        'return {"x": np.array([0.001, 0.0]), "gamma": np.ones(2)}',
    ),
)
REPAIR = Question(
    function="exported_rms_norm",
    levels={FORMULA: 1, ANY_INPUT: 1},
    driver=call("y"),
    reference=exported_rms_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=(SMALL_ROWS, SIZE_ONE),
    hints={
        FORMULA: (
            "√D/‖x‖ is 1/√(mean of x²). To which of the two can ε be added as it is?",
            "To the mean of the squares, under the root. A floor for the length is something else: "
            "it does nothing above itself.",
            "mean_square = (x**2).mean(axis=-1, keepdims=True); return gamma * x / "
            "np.sqrt(mean_square + eps).",
        ),
        ANY_INPUT: (
            "Which axis holds the features of a single token, and which of no token at all?",
            "axis=-1 with keepdims=True serves any number of axes. No line may write into x, and "
            "float64 keeps all its digits.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
