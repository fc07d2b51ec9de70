"""Exercise 03, second question: the backward pass."""

import numpy as np

from normlab import norms
from normlab.checks.drivers import call
from normlab.checks.examples import number
from normlab.checks.exercise import ANY_INPUT, FORMULA, PRECISION, Law, Outputs, Probe, Question
from normlab.exercises import backward_hints, backward_inputs, backward_laws
from normlab.exercises.inputs import any_input, digits, redrawn, squares_beside_eps
from normlab.exercises.rms_norm.backward_mistakes import MISTAKES
from normlab.norms import FloatArray


def rms_norm_backward(
    dy: FloatArray, x: FloatArray, gamma: FloatArray, eps: float = 1e-6
) -> tuple[FloatArray, FloatArray]:
    if not (dy.shape == x.shape and gamma.shape == x.shape[-1:]):
        raise ValueError(f"dy {dy.shape} and gamma {gamma.shape} do not fit x {x.shape}.")
    dtype = np.promote_types(x.dtype, np.float32)
    tokens = tuple(range(x.ndim - 1))
    wide = x.astype(dtype)
    upstream = dy.astype(dtype)
    mean_square = (wide**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    rms = np.sqrt(mean_square + eps)
    normalized = wide / rms
    g_hat = upstream * gamma
    mean_gx = (g_hat * normalized).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    dx = (g_hat - normalized * mean_gx) / rms
    dgamma = (upstream * normalized).sum(axis=tokens)  # (..., D) -> (D,)
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    general = *backward_inputs.formula(rng), *backward_inputs.any_inputs(rng), _single_feature(rng)
    return *general, *_precision(rng), *squares_beside_eps(rng, backward_inputs.drawn(rng, 2, 4))


def _drawn_row(rng: np.random.Generator) -> FloatArray:
    """Two equal features, (D,)."""
    return np.full(2, float(rng.integers(4, 100)))


def _precision(rng: np.random.Generator) -> tuple[Probe, ...]:
    drawn = backward_inputs.drawn(rng, 2, 4)
    x = drawn["x"]
    return (
        digits(drawn | {"x": 1e6 * x}),
        *backward_inputs.halves(rng, dy=[1.1, 0], x=[3.0, 3], drawn_x=_drawn_row),
        backward_inputs.other_dtypes(drawn | {"x": 1e30 * x}),
    )


def _single_feature(rng: np.random.Generator) -> Probe:
    features = backward_inputs.drawn(rng, 3, 1)
    return redrawn(
        any_input("a single feature", features | {"eps": 0.5}, corner=True),
        lambda rng: features | {"eps": float(rng.uniform(0.3, 0.7))},
    )


_DRAWN = np.random.default_rng(0).standard_normal((3, 2, 4))
_BATCH = {
    "dy": _DRAWN[0],
    "x": _DRAWN[1],
    "gamma": np.array([1.5, 0.5, 1.0, 2.0]),
    "eps": 0.1,
}


def _orthogonal(out: Outputs) -> str | None:
    slope = (out["dx"] * _BATCH["x"]).sum(axis=-1)  # (N, D) -> (N,)
    if np.allclose(slope, 0, atol=1e-6):
        return None
    return f"with ε = 0 scaling x changes no output, but ⟨dx, x⟩ is {number(slope)}."


LAWS = (
    backward_laws.rows_depend(_BATCH),
    Law(
        "not-orthogonal", "the gradient has a part along x", ({**_BATCH, "eps": 0.0},), _orthogonal
    ),
    backward_laws.differs_from_differences(norms.rms_norm, _BATCH),
    backward_laws.not_linear_in_dy(_BATCH),
    backward_laws.scale_not_inverse(_BATCH),
)

HINTS = {
    FORMULA: (
        "Start from the backward pass of layer norm. Which of its three terms came from the mean?",
        "With r = √(mean(x²) + ε), also for ε = 0.5, x̂ = x/r and ĝ = dy ⊙ γ: "
        "dx = (ĝ − x̂·mean(ĝ ⊙ x̂))/r, the mean over the features. dγ = Σ dy ⊙ x̂ over the tokens.",
        "r = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps); x_hat = x / r; "
        "g_hat = dy * gamma; "
        "dx = (g_hat - x_hat * (g_hat * x_hat).mean(axis=-1, keepdims=True)) / r; "
        "dgamma = (dy * x_hat).sum(axis=0) for rows (N, D).",
    ),
    **backward_hints.ANY_SHAPE,
    **backward_hints.precision(),
}

BACKWARD = Question(
    function="rms_norm_backward",
    levels={FORMULA: 2, ANY_INPUT: 1, PRECISION: 1},
    driver=call("dx", "dgamma"),
    reference=rms_norm_backward,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (BACKWARD,)
