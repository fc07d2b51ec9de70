"""A right answer to exercise 01, and the inputs on which others must agree with it."""

import numpy as np

from normlab.checks.exercise import PRECISION, Arguments, Probe
from normlab.exercises.inputs import (
    any_input,
    digits,
    far,
    half,
    misfit,
    other_axes,
    overflowing,
    peak,
    plain,
    redrawn,
    remade,
    rows,
    sizes,
    tiny_eps,
    two_examples,
    whole,
    with_variance,
)
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
    return *_formula(rng), *_any_input(rng), *_precision(rng), *_eps(rng)


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, FloatArray]:
    """x of this shape, with a gain and a shift."""
    features = shape[-1]
    gamma, beta = rng.uniform(0.5, 2.0, features), rng.standard_normal(features)
    return {"x": rows(rng, *shape), "gamma": gamma, "beta": beta}


def _formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, zero = np.ones(3), np.zeros(3)
    return (
        redrawn(
            plain("one token", {"x": np.array([[1.0, 2, 6]]), "gamma": one, "beta": zero}),
            lambda rng: {"x": whole(rng, 1, 3), "gamma": one, "beta": zero},
        ),
        plain("two tokens, a gain and a shift", _drawn(rng, 2, 3)),
        plain("two other tokens", _drawn(rng, 2, 3)),
        two_examples(plain, rng, _drawn),
        redrawn(
            plain("a batch of one example", _drawn(rng, 1, 2, 4)),
            lambda rng: _drawn(rng, 1, *sizes(rng, 2, 2, 5)),
        ),
    )


def _any_input(rng: np.random.Generator) -> tuple[Probe, ...]:
    tokens = _drawn(rng, 2, int(rng.integers(3, 9)))
    far_larger = _drawn(rng, 2, 64) | {"x": peak(rng, 2, 64)}
    return (
        *other_axes(rng, _drawn),
        any_input("one feature far larger than 63 others", far_larger),
        any_input("a single feature", _drawn(rng, 2, 1), corner=True),
        *remade(_misfits(tokens), lambda rng: _misfits(_drawn(rng, 2, int(rng.integers(9, 15))))),
    )


def _misfits(tokens: Arguments) -> tuple[Probe, ...]:
    features = tokens["x"].shape[-1]
    one, row, more = np.ones(1), np.ones((1, features)), np.ones(features + 1)
    d = str(features)
    return (
        misfit(
            "a gain and a shift of one number", {**tokens, "gamma": one, "beta": one}, "(1,)", d
        ),
        misfit("a gain of one number", {**tokens, "gamma": one}, "(1,)", d),
        misfit("a shift of two axes", {**tokens, "beta": row}, f"(1, {features})"),
        misfit("a gain with a feature too many", {**tokens, "gamma": more}, f"({features + 1},)"),
    )


def _precision(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, zero = np.ones(4), np.zeros(4)
    drawn = _drawn(rng, 1, 4)
    narrow = {name: drawn[name].astype(np.float32) for name in ("gamma", "beta")}
    x, peaks = drawn["x"], np.array([[300, -300, 0, 0]], np.float16)
    parameters = {"gamma": one.astype(np.float16), "beta": zero.astype(np.float16)}
    return (
        digits(drawn | {"x": 1e6 * x}),
        # A float32 mean of numbers near 1e4 is off by about 1e-3.
        far("float32 numbers far from 0", {"x": (x + 1e4).astype(np.float32), **narrow}, 5e-3),
        far("float64 numbers far from 0", drawn | {"x": 1e3 * (x + 1e8)}, 1e-6),
        redrawn(
            half("float16 numbers whose squares overflow", {"x": peaks, **parameters}),
            lambda rng: {"x": rng.permuted(peaks, axis=-1) / 300 * overflowing(rng), **parameters},
        ),
        half("float16 numbers, float32 γ and β", {"x": x.astype(np.float16), **narrow}, 4e-3),
        Probe(
            # γ may be rounded to float32, the statistics may not
            *("a gain and a shift of another dtype", {"x": 1e3 * (x + 1e4), **narrow}, 1e-6),
            level=PRECISION,
            rounding=True,
        ),
    )


def _eps(rng: np.random.Generator) -> tuple[Probe, ...]:
    """The formula where ε decides: beside a variance of its own size, or a smaller one."""
    drawn = _drawn(rng, 1, 4)
    x, one = drawn["x"], np.ones(4)
    constant = {"x": np.full((1, 4), float(rng.integers(2, 9)))}
    return (
        plain("a variance somewhat below ε", drawn | {"x": with_variance(x, 5e-6)}),
        plain("a variance of twice ε", drawn | {"x": with_variance(x, 2e-5)}),
        plain("an ε above the variance", drawn | {"eps": float(rng.uniform(4.5, 5.5))}),
        tiny_eps(drawn),
        redrawn(
            plain("a constant row", constant | {"gamma": one, "beta": one}, corner=True),
            lambda rng: drawn | {"x": np.full((1, 4), float(rng.integers(10, 100)))},
        ),
    )
