"""Exercise 02: the right answer, and the inputs on which others must agree with it."""

import numpy as np

from normlab.checks.exercise import Probe
from normlab.exercises import backward_laws, common
from normlab.norms import FloatArray


def layer_norm_backward(
    dy: FloatArray, x: FloatArray, gamma: FloatArray, eps: float = 1e-5
) -> tuple[FloatArray, FloatArray, FloatArray]:
    if not (dy.shape == x.shape and gamma.shape == x.shape[-1:]):
        raise ValueError(f"dy {dy.shape} and gamma {gamma.shape} do not fit x {x.shape}.")
    dtype = np.promote_types(x.dtype, np.float32)
    wide = x.astype(dtype)
    upstream = dy.astype(dtype)
    centered = wide - wide.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    std = np.sqrt(variance + eps)
    normalized = centered / std
    g_hat = upstream * gamma
    mean_g = g_hat.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    mean_gx = (g_hat * normalized).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    dx = (g_hat - mean_g - normalized * mean_gx) / std
    tokens = tuple(range(x.ndim - 1))
    dgamma = (upstream * normalized).sum(axis=tokens)  # (..., D) -> (D,)
    dbeta = upstream.sum(axis=tokens)  # (..., D) -> (D,)
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, gain = np.ones(3), np.array([1.0, 2.0, 0.5])
    first = {"dy": np.array([1.0, 0, 0]), "x": np.array([1.0, 2, 6]), "gamma": one}
    two = {
        "dy": np.array([[1.0, 0, 0], [0, 2, -1]]),
        "x": np.array([[1.0, 2, 6], [0, 3, -1]]),
        "gamma": gain,
    }
    dy, x = rng.standard_normal((2, 2, 3, 3))  # (B, T, D) with T = D
    drawn = {"dy": dy, "x": x, "gamma": rng.uniform(0.5, 2.0, 3)}
    wide_dy, wide_x = rng.standard_normal((2, 4, 8))
    wide_gamma = rng.uniform(0.5, 2.0, 8)
    return (
        common.plain("one token", first),
        common.plain("one token and a gain", first | {"gamma": gain}),
        common.plain("two tokens and a gain", two),
        common.plain("a batch of two examples", drawn),
        common.plain("a large ε", drawn | {"eps": 0.5}),
        common.plain("a variance of the size of ε", first | {"x": np.array([0.004, 0, 0])}),
        common.plain("a constant row", first | {"x": np.full(3, 3.0)}),
        common.plain(
            "a single feature",
            {"dy": np.ones((5, 1)), "x": np.full((5, 1), 2.0), "gamma": np.array([2.0])},
        ),
        Probe(
            # A float32 mean of numbers near 1e4 is off by up to 1e-3, and so is x̂.
            "float32 numbers far from 0",
            {
                "dy": wide_dy.astype(np.float32),
                "x": (wide_x + 1e4).astype(np.float32),
                "gamma": wide_gamma.astype(np.float32),
            },
            tolerance=1e-2,
            special=True,
            rounding=True,
        ),
        Probe(
            "float64 numbers far from 0",
            {"dy": wide_dy, "x": wide_x + 1e8, "gamma": wide_gamma},
            tolerance=1e-6,
            special=True,
            rounding=True,
        ),
        *backward_laws.half_probes(dy=[1.0, 0, 0.5], x=[1.0, 2, 6]),
        Probe(
            "float64 numbers, float32 dy and γ",
            {
                "dy": wide_dy.astype(np.float32),
                "x": wide_x + 1e4,
                "gamma": wide_gamma.astype(np.float32),
            },
            tolerance=1e-6,  # dγ and dβ are float32
            special=True,
            rounding=True,
        ),
        *backward_laws.shape_probes(first, two),
    )
