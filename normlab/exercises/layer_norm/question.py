"""Exercise 01: layer norm, forward."""

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.examples import number
from normlab.checks.exercise import ANY_INPUT, FORMULA, PRECISION, Law, Outputs, Question
from normlab.exercises import row_laws
from normlab.exercises.layer_norm.mistakes import MISTAKES
from normlab.exercises.layer_norm.reference import layer_norm, probes

_ROWS = {"x": np.array([[1.0, 3, -2], [5, 5, 8]]), "gamma": np.ones(3), "beta": np.zeros(3)}


def _mean(out: Outputs) -> str | None:
    mean = out["y"].mean(axis=-1)  # (N, D) -> (N,)
    return (
        None
        if np.allclose(mean, 0, atol=1e-6)
        else f"with γ = 1, β = 0 the means are {number(mean)}."
    )


def _variance(out: Outputs) -> str | None:
    variance = out["y"].var(axis=-1)  # (N, D) -> (N,)
    if np.allclose(variance, 1, atol=1e-3):
        return None
    return f"with γ = 1, β = 0 the variances are {number(variance)}."


LAWS = (
    row_laws.rows_depend(_ROWS),
    Law("mean-not-zero", "the rows do not have mean 0", (_ROWS,), _mean),
    Law("variance-not-one", "the rows do not have variance 1", (_ROWS,), _variance),
    row_laws.moved_input_changes(
        "shift-changes",
        "adding a number to the input changes the output",
        _ROWS,
        lambda x: x + 7,
    ),
    row_laws.scale_changes(_ROWS),
)

HINTS = {
    FORMULA: (
        "Which axis holds the features of one token? The mean and the variance belong to that "
        "axis, and need `keepdims=True` to be subtracted from x again.",
        "Four steps: the mean; x minus the mean; the mean of its square; divide by the root of "
        "(variance + ε). Then γ times that, plus β. Try ε = 0.5 and a constant row: ε stands under "
        "the root.",
        "mean = x.mean(axis=-1, keepdims=True); centered = x - mean; "
        "variance = (centered**2).mean(axis=-1, keepdims=True); "
        "y = gamma * centered / np.sqrt(variance + eps) + beta.",
    ),
    ANY_INPUT: (
        "axis=-1 is the last axis, however many there are. And which γ would NumPy stretch without "
        "a word?",
        "First of all compare gamma.shape and beta.shape with x.shape[-1:], and raise a ValueError "
        "whose message holds both shapes. No line may write into x.",
        "if gamma.shape != x.shape[-1:] or beta.shape != x.shape[-1:]: raise "
        'ValueError(f"gamma {gamma.shape}, beta {beta.shape}, x {x.shape}").',
    ),
    PRECISION: (
        "Try float16 numbers near 300, and rows near 10,000. Which one comes out wrong, and in "
        "which line does it happen?",
        "Subtract the mean before you square. float16 is converted to float32 before the first "
        "mean, float64 stays float64, and the result gets the dtype of x.",
        "x_wide = x.astype(np.promote_types(x.dtype, np.float32)) first; the formula with x_wide; "
        "y.astype(x.dtype) last.",
    ),
}

QUESTIONS = (
    Question(
        function="layer_norm",
        levels={FORMULA: 2, ANY_INPUT: 1, PRECISION: 1},
        driver=call("y"),
        reference=layer_norm,
        probes=probes,
        mistakes=MISTAKES,
        laws=LAWS,
        hints=HINTS,
    ),
)
