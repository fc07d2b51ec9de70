"""A right answer to exercise 01, and the inputs on which others must agree with it."""

import numpy as np

from normlab.checks.exercise import Probe
from normlab.exercises import common
from normlab.norms import FloatArray


def layer_norm(x: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float = 1e-5) -> FloatArray:
    if not gamma.shape == beta.shape == x.shape[-1:]:
        raise ValueError(f"gamma {gamma.shape} and beta {beta.shape} do not fit x {x.shape}.")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean = wide.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    centered = wide - mean
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = centered / np.sqrt(variance + eps)
    return (gamma * normalized + beta).astype(x.dtype)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, zero = np.ones(4), np.zeros(4)
    many = rng.standard_normal((2, 3, 3))  # (B, T, D) with T = D
    gamma, beta = rng.uniform(0.5, 2.0, 3), rng.standard_normal(3)
    wide_gamma, wide_beta = rng.uniform(0.5, 2.0, 8), rng.standard_normal(8)
    drawn = rng.standard_normal((4, 8))
    return (
        common.plain("one token", {"x": np.array([1.0, 0, 0, 0]), "gamma": one, "beta": zero}),
        common.plain(
            "two tokens, a gain and a shift",
            {"x": np.array([[0.0, 2], [1, 5]]), "gamma": gamma[:2], "beta": beta[:2]},
        ),
        common.plain("a batch of two examples", {"x": many, "gamma": gamma, "beta": beta}),
        common.plain(
            "a variance of the size of ε",
            {"x": np.array([[0.004, 0, 0, 0]]), "gamma": one, "beta": zero},
        ),
        common.plain("a large ε", {"x": drawn, "gamma": wide_gamma, "beta": wide_beta, "eps": 0.5}),
        common.plain("a constant row", {"x": np.full((2, 4), 3.0), "gamma": one, "beta": one}),
        common.plain(
            "a single feature", {"x": np.array([[2.0]]), "gamma": one[:1], "beta": one[:1]}
        ),
        Probe(
            # A float32 mean of numbers near 1e4 is off by about 1e-3.
            "float32 numbers far from 0",
            {
                "x": (drawn + 1e4).astype(np.float32),
                "gamma": wide_gamma.astype(np.float32),
                "beta": wide_beta.astype(np.float32),
            },
            tolerance=5e-3,
            special=True,
            rounding=True,
        ),
        Probe(
            "float64 numbers far from 0",
            {"x": drawn + 1e8, "gamma": wide_gamma, "beta": wide_beta},
            tolerance=1e-6,
            special=True,
            rounding=True,
        ),
        Probe(
            "float16 numbers whose squares overflow",
            {
                "x": np.array([[300.0, -300, 0, 0]], np.float16),
                "gamma": one.astype(np.float16),
                "beta": zero.astype(np.float16),
            },
            tolerance=2e-3,  # two float16 steps
            special=True,
        ),
        Probe(
            "a gain and a shift of another dtype",
            {
                "x": drawn[:1] + 1e4,
                "gamma": wide_gamma.astype(np.float32),
                "beta": wide_beta.astype(np.float32),
            },
            tolerance=1e-6,  # γ may be rounded to float32, the statistics may not
            special=True,
            rounding=True,
        ),
        Probe(
            "a gain and a shift of one number",
            {"x": drawn[0], "gamma": one[:1], "beta": zero[:1]},
            special=True,
            error_names=("(1,)", "(8,)"),
        ),
        Probe(
            "a gain that does not fit",
            {"x": drawn[0], "gamma": one[:1], "beta": wide_beta},
            special=True,
            error_names=("(1,)", "(8,)"),
        ),
        Probe(
            "a shift that does not fit",
            {"x": drawn, "gamma": wide_gamma, "beta": np.zeros((1, 8))},
            special=True,
            error_names=("(1, 8)",),
        ),
    )
