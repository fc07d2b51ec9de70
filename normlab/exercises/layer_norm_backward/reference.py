"""Exercise 02: the right answer, and the inputs on which others must agree with it."""

import numpy as np

from normlab.checks.exercise import Probe
from normlab.exercises import backward_inputs
from normlab.exercises.inputs import any_input, digits, far, plain, redrawn, tiny_eps
from normlab.norms import FloatArray


def layer_norm_backward(
    dy: FloatArray, x: FloatArray, gamma: FloatArray, eps: float = 1e-5
) -> tuple[FloatArray, FloatArray, FloatArray]:
    if not (dy.shape == x.shape and gamma.shape == x.shape[-1:]):
        raise ValueError(f"dy {dy.shape} and gamma {gamma.shape} do not fit x {x.shape}.")
    dtype = np.promote_types(x.dtype, np.float32)
    tokens = tuple(range(x.ndim - 1))
    wide = x.astype(dtype)
    upstream = dy.astype(dtype)
    centered = wide - wide.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    std = np.sqrt(variance + eps)
    normalized = centered / std
    dx_hat = upstream * gamma
    mean_g = dx_hat.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    mean_gx = (dx_hat * normalized).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    dx = (dx_hat - mean_g - normalized * mean_gx) / std
    dgamma = (upstream * normalized).sum(axis=tokens)  # (..., D) -> (D,)
    dbeta = upstream.sum(axis=tokens)  # (..., D) -> (D,)
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    general = *backward_inputs.formula(rng), *backward_inputs.any_inputs(rng), _single_feature(rng)
    return *general, *_precision(rng), *_eps(rng)


def _drawn_row(rng: np.random.Generator) -> FloatArray:
    """Three features, (D,), the first of which is farthest from their mean."""
    return float(rng.choice([-1, 1])) * np.array([9.0, *rng.permutation(4)[:2]])


def _precision(rng: np.random.Generator) -> tuple[Probe, ...]:
    drawn = backward_inputs.drawn(rng, 2, 4)
    x, gamma = drawn["x"], drawn["gamma"]
    narrow = {"dy": drawn["dy"].astype(np.float32), "gamma": gamma.astype(np.float32)}
    return (
        digits(drawn | {"x": 1e6 * x}),
        # A float32 mean of numbers near 1e4 is off by up to 1e-3, and so is x̂.
        far(
            "float32 numbers far from 0",
            {"dy": narrow["dy"], "x": (x + 1e4).astype(np.float32), "gamma": narrow["gamma"]},
            1e-2,
        ),
        far("float64 numbers far from 0", drawn | {"x": 1e3 * (x + 1e8)}, 1e-6),
        *backward_inputs.halves(rng, dy=[1.1, 0, 0.55], x=[1.0, 2, 6], drawn_x=_drawn_row),
        backward_inputs.other_dtypes(drawn | {"x": 1e3 * (x + 1e4)}),
    )


def _single_feature(rng: np.random.Generator) -> Probe:
    return any_input("a single feature", backward_inputs.drawn(rng, 3, 1), corner=True)


def _eps(rng: np.random.Generator) -> tuple[Probe, ...]:
    """The formula where ε decides: beside a variance of its own size, or a smaller one."""
    drawn = backward_inputs.drawn(rng, 2, 4)
    token = drawn | {"dy": drawn["dy"][:1]}
    constant = np.full((1, 4), float(rng.integers(2, 9)))
    return (
        plain("a variance of the size of ε", drawn | {"x": rng.uniform(0.001, 0.004) * drawn["x"]}),
        plain("a large ε", drawn | {"eps": float(rng.uniform(0.3, 0.7))}),
        tiny_eps(drawn),
        redrawn(
            plain("a constant row", token | {"x": constant}, corner=True),
            lambda rng: token | {"x": np.full((1, 4), float(rng.integers(10, 100)))},
        ),
    )
