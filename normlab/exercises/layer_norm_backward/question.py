"""Exercise 02: the backward pass of layer norm."""

import numpy as np

from normlab import norms
from normlab.checks.drivers import call
from normlab.checks.examples import number
from normlab.checks.exercise import ANY_INPUT, FORMULA, PRECISION, Law, Outputs, Question
from normlab.exercises import backward_hints, backward_laws
from normlab.exercises.layer_norm_backward.mistakes import MISTAKES
from normlab.exercises.layer_norm_backward.reference import layer_norm_backward, probes

_DRAWN = np.random.default_rng(0).standard_normal((3, 2, 4))
_BATCH = {
    "dy": _DRAWN[0],
    "x": _DRAWN[1],
    "gamma": np.array([1.5, 0.5, 1.0, 2.0]),
    "eps": 0.1,
}


def _sums_to_zero(out: Outputs) -> str | None:
    total = out["dx"].sum(axis=-1)  # (N, D) -> (N,)
    if np.allclose(total, 0, atol=1e-6):
        return None
    return f"adding a number to a row changes no output, but dx sums to {number(total)}."


def _orthogonal(out: Outputs) -> str | None:
    x = _BATCH["x"] - _BATCH["x"].mean(axis=-1, keepdims=True)  # (N, D) - (N, 1)
    slope = (out["dx"] * x).sum(axis=-1)  # (N, D) -> (N,)
    if np.allclose(slope, 0, atol=1e-6):
        return None
    return f"with ε = 0 scaling x − μ changes no output, but ⟨dx, x − μ⟩ is {number(slope)}."


LAWS = (
    backward_laws.rows_depend(_BATCH),
    Law("sum-not-zero", "the gradient does not sum to 0 over a row", (_BATCH,), _sums_to_zero),
    Law(
        "not-orthogonal",
        "the gradient has a part along x − μ",
        ({**_BATCH, "eps": 0.0},),
        _orthogonal,
    ),
    backward_laws.differs_from_differences(norms.layer_norm, _BATCH),
    backward_laws.not_linear_in_dy(_BATCH),
    backward_laws.scale_not_inverse(_BATCH),
)

HINTS = {
    FORMULA: (
        "Use what you have: x̂ and σ as in the forward pass, then ĝ = dy ⊙ γ, then the three paths "
        "from x̂ back to x. γ and β are shared by the tokens: how do the tokens' parts come "
        "together?",
        "The three paths added up are dx. Put ∂L/∂Var and ∂L/∂μ into the sum, and both become "
        "means over the features. dγ = Σ dy ⊙ x̂ and dβ = Σ dy are sums over the tokens. "
        "Try ε = 0.5: in σ it stands under the root.",
        "dx_hat = dy * gamma; dx = (dx_hat - dx_hat.mean(axis=-1, keepdims=True) "
        "- x_hat * (dx_hat * x_hat).mean(axis=-1, keepdims=True)) / sigma; "
        "dgamma = (dy * x_hat).sum(axis=0); dbeta = dy.sum(axis=0) for rows (N, D).",
    ),
    **backward_hints.ANY_SHAPE,
    **backward_hints.precision(
        "rows near 10,000, ",
        "Subtract the mean before you square. ",
    ),
}

QUESTIONS = (
    Question(
        function="layer_norm_backward",
        levels={FORMULA: 3, ANY_INPUT: 1, PRECISION: 2},
        driver=call("dx", "dgamma", "dbeta"),
        reference=layer_norm_backward,
        probes=probes,
        mistakes=MISTAKES,
        laws=LAWS,
        hints=HINTS,
    ),
)
