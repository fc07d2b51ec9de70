"""Exhibit 1: the standard deviation of the Annotated Transformer's layer norm.

Source: github.com/harvardnlp/annotated-transformer, the_annotated_transformer.py, class LayerNorm
(read at commit 0a91a25); its pull request 119 and issue 122.
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
from normlab.exercises.bug_museum.laws import VARIANCE_ONE
from normlab.norms import FloatArray


def buggy_annotated_layer_norm(
    x: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float = 1e-6
) -> FloatArray:
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    variance = x.var(axis=-1, ddof=1, keepdims=True)  # (..., D) -> (..., 1)
    return gamma * (x - mean) / np.sqrt(variance + eps) + beta


def annotated_layer_norm(
    x: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float = 1e-6
) -> FloatArray:
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    variance = x.var(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return gamma * (x - mean) / np.sqrt(variance + eps) + beta


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, zero = np.ones(4), np.zeros(4)
    gamma, beta = rng.uniform(0.5, 2.0, 3), rng.standard_normal(3)
    small = {"x": np.array([0.004, 0.0, 0.0, 0.0]), "gamma": one, "beta": zero}
    plain, redrawn = inputs.plain, inputs.redrawn
    return (
        redrawn(
            plain("one token", {"x": np.array([1.0, 0.0, 0.0, 0.0]), "gamma": one, "beta": zero}),
            lambda rng: small | {"x": inputs.whole(rng, 4)},
        ),
        inputs.plain(
            "two tokens, a gain and a shift",
            {"x": rng.standard_normal((2, 3)), "gamma": gamma, "beta": beta},
        ),
        inputs.plain(
            "a batch of two examples",
            {"x": rng.standard_normal((2, 3, 3)), "gamma": gamma, "beta": beta},
        ),
        redrawn(
            plain("a variance of the size of ε", small | {"x": small["x"] / 2}),
            lambda rng: small | {"x": rng.permutation(small["x"]) * rng.uniform(0.4, 0.7)},
        ),
        redrawn(
            plain("a large ε", small | {"x": rng.standard_normal((1, 4)), "eps": 0.5}),
            lambda rng: (
                small | {"x": rng.standard_normal((1, 4)), "eps": float(rng.uniform(0.3, 0.7))}
            ),
        ),
        redrawn(
            plain("a constant row", small | {"x": np.full((2, 4), 3.0)}, corner=True),
            lambda rng: small | {"x": np.full((2, 4), float(rng.integers(4, 100)))},
        ),
        redrawn(
            plain(
                "one feature",
                {"x": np.array([[2.0]]), "gamma": one[:1], "beta": one[:1]},
                corner=True,
            ),
            lambda rng: {"x": inputs.whole(rng, 2, 1), "gamma": gamma[:1], "beta": beta[:1]},
        ),
        redrawn(
            plain(
                "x with 5 axes",
                {"x": rng.standard_normal((1, 2, 1, 2, 3)), "gamma": gamma, "beta": beta},
            ),
            lambda rng: {
                "x": rng.standard_normal((1, 2, *inputs.sizes(rng, 2, 1, 3), 3)),
                "gamma": gamma,
                "beta": beta,
            },
        ),
        inputs.plain(
            "one feature far larger than 39 others",
            {"x": inputs.peak(rng, 40)[None], "gamma": np.ones(40), "beta": np.zeros(40)},
        ),
        familiar.all_digits(x=1e6 * rng.standard_normal((1, 3)), gamma=gamma, beta=beta),
    )


VARIANCE = "x.var(axis=-1, keepdims=True)"
SAMPLE = "x.var(axis=-1, ddof=1, keepdims=True)"
ROOT = "np.sqrt(variance + eps)"
D = "x.shape[-1]"

MISTAKES = (
    Mistake(
        "unbiased-variance",
        "the bug is still there: the variance is divided by D − 1",
        "Layer norm describes the D numbers in front of it; it does not estimate a variance from a "
        "sample. Divide by D (ddof=0, NumPy's default; torch needs correction=0).",
        {VARIANCE: SAMPLE},
    ),
    Mistake(
        "correction-inverted",
        "the variance is corrected the wrong way",
        "The sum of squares was divided by D − 1 and should be divided by D: multiply the sample "
        "variance by (D − 1)/D, or leave the correction out from the start.",
        {VARIANCE: f"{SAMPLE} * {D} / max({D} - 1, 1)"},
        {VARIANCE: "x.var(axis=-1, ddof=-1, keepdims=True)"},
    ),
    Mistake(
        "correction-without-root",
        "the factor (D − 1)/D is applied to the standard deviation",
        "(D − 1)/D belongs to the variance. The standard deviation gets its root.",
        {VARIANCE: f"{SAMPLE} * (({D} - 1) / {D}) ** 2"},
    ),
    common.eps_outside({ROOT: "(np.sqrt(variance) + eps)"}),
    common.eps_missing({ROOT: "np.sqrt(variance)"}),
    familiar.eps_wrong_value(
        {ROOT: "np.sqrt(variance + 1e-6)"},
        {"eps: float = 1e-6": "eps: float = 1e-5"},
        {"eps: float = 1e-6": "eps: float = 1e-12"},
    ),
    Mistake(
        "variance-for-deviation",
        "the row is divided by its variance instead of its standard deviation",
        "The variance is a square: dividing by it makes the output shrink when the input grows. "
        "Take the root.",
        {ROOT: "(variance + eps)"},
    ),
    familiar.axis_batch({"x.mean(axis=-1": "x.mean(axis=0", "x.var(axis=-1": "x.var(axis=0"}),
    familiar.axis_all({"x.mean(axis=-1": "x.mean(axis=None", "x.var(axis=-1": "x.var(axis=None"}),
    Mistake(
        "mean-not-subtracted",
        "the mean is not subtracted",
        "A repair changes nothing but the bug. Without the mean the rows are not centered.",
        {"(x - mean)": "x"},
    ),
    Mistake(
        "gamma-missing",
        "γ is not applied",
        "A repair changes nothing but the bug: the output is γ ⊙ x̂ + β.",
        {"gamma * (x - mean)": "(x - mean)"},
    ),
    Mistake(
        "beta-missing",
        "β is not added",
        "A repair changes nothing but the bug: the output is γ ⊙ x̂ + β.",
        {" + beta": ""},
    ),
    Mistake(
        "rms-norm",
        "this is RMSNorm: the mean is nowhere subtracted",
        "A repair changes nothing but the bug: layer norm subtracts the mean, from x and within "
        "the variance.",
        {"(x - mean)": "x", VARIANCE: "(x**2).mean(axis=-1, keepdims=True)"},
    ),
    Mistake(
        "gamma-beta-exchanged",
        "γ and β are exchanged",
        "γ multiplies, β is added: γ ⊙ x̂ + β.",
        {"gamma * (x - mean)": "beta * (x - mean)", " + beta": " + gamma"},
    ),
    Mistake(
        "beta-before-gamma",
        "β is added before γ multiplies",
        "γ ⊙ (x̂ + β) scales the shift as well. The output is γ ⊙ x̂ + β.",
        {" + beta": " + gamma * beta"},
    ),
    familiar.eps_as_floor({ROOT: "np.sqrt(np.maximum(variance, eps))"}),
    common.input_mutated({"gamma * (x - mean)": "gamma * np.subtract(x, mean, out=x)"}),
    common.float64_narrowed({"(x - mean)": "(x - mean).astype(np.float32)"}),
)


def _fits(x: FloatArray, gamma: FloatArray, beta: FloatArray) -> bool:
    return gamma.shape == beta.shape == x.shape[-1:] != ()


def _many_features(x: FloatArray, **_: FloatArray) -> str | None:
    d = x.shape[-1]
    if d < 500:
        return None
    return f"With D = {d} features √(D/(D − 1)) is 1 + {(d / (d - 1)) ** 0.5 - 1:.2g}."


def _constant_rows(x: FloatArray, **_: FloatArray) -> str | None:
    if np.ptp(x, axis=-1).max() > 1e-9 * np.abs(x).max():  # (..., D) -> (...)
        return None
    return "In a constant row x − mean is 0, whatever it is divided by."


EXHIBIT = Exhibit(
    buggy=buggy_annotated_layer_norm,
    right=annotated_layer_norm,
    shapes="x (..., D), gamma (D,), beta (D,)",
    shapes_fit=_fits,
    reasons=(
        Reason("constant-rows", "every row is constant", _constant_rows),
        Reason("many-features", "there are many features", _many_features),
    ),
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "Compare D − 1 with D. For which D is the difference large?",
        "Take few features, a gain of ones and a shift of zeros, and a row that is not constant.",
        'return {"x": np.array([[1.0, 0.0, 0.0, 0.0]]), "gamma": np.ones(4), "beta": np.zeros(4)}',
    ),
)
REPAIR = Question(
    function="annotated_layer_norm",
    levels={FORMULA: 1},
    driver=call("y"),
    reference=annotated_layer_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=(VARIANCE_ONE,),
    hints={
        FORMULA: (
            "What does ddof=1 mean, and what is it for?",
            "ddof=1 divides by D − 1, to estimate the variance of a population from a sample of "
            "it. Layer norm needs the variance of the row itself.",
            "variance = x.var(axis=-1, keepdims=True); all else stays.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
