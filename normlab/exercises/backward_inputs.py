"""Probes that exercises on backward passes share; each has dy, x and gamma."""

from collections.abc import Callable

import numpy as np

from normlab.checks.exercise import PRECISION, Arguments, Probe
from normlab.exercises.inputs import (
    any_input,
    half,
    misfit,
    other_axes,
    overflowing,
    plain,
    redrawn,
    remade,
    rows,
    sizes,
    two_examples,
    whole,
)
from normlab.norms import FloatArray


def drawn(rng: np.random.Generator, *shape: int) -> dict[str, FloatArray]:
    """dy and x of this shape, with a gain."""
    dy = rng.standard_normal(shape)
    return {"dy": dy, "x": rows(rng, *shape), "gamma": rng.uniform(0.5, 2.0, shape[-1])}


def formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Tokens in rows, (N, D), with N < D, N = D and N > D."""
    token = {"dy": np.array([[1.0, 0, 0]]), "x": np.array([[1.0, 2, 6]]), "gamma": np.ones(3)}
    return (
        redrawn(
            plain("one token", token),
            lambda rng: {"dy": whole(rng, 1, 3), "x": whole(rng, 1, 3), "gamma": np.ones(3)},
        ),
        plain("two tokens and a gain", drawn(rng, 2, 3)),
        plain("two other tokens", drawn(rng, 2, 3)),
        plain("three tokens of three features", drawn(rng, 3, 3)),
        plain("five tokens of four features", drawn(rng, 5, 4)),
    )


def any_inputs(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Other numbers of axes, a large dy, and a γ or a dy that does not fit."""
    tokens = drawn(rng, 2, int(rng.integers(3, 6)))
    large = drawn(rng, 2, 3)
    return (
        two_examples(any_input, rng, drawn),
        redrawn(
            any_input("a batch of one example", drawn(rng, 1, 2, 4)),
            lambda rng: drawn(rng, 1, *sizes(rng, 2, 2, 5)),
        ),
        *other_axes(rng, drawn),
        any_input("a large dy", large | {"dy": 1000 * large["dy"]}),
        *remade(_misfits(tokens), lambda rng: _misfits(drawn(rng, 2, int(rng.integers(6, 12))))),
    )


def _misfits(tokens: Arguments) -> tuple[Probe, ...]:
    features = tokens["x"].shape[-1]
    one, row, more = np.ones(1), np.ones((1, features)), np.ones(features + 1)
    return (
        misfit("a gain of one number", {**tokens, "gamma": one}, "(1,)", str(features)),
        misfit("a gain of two axes", {**tokens, "gamma": row}, f"(1, {features})"),
        misfit("a gain with a feature too many", {**tokens, "gamma": more}, f"({features + 1},)"),
        misfit("a dy of one number", {**tokens, "dy": one}, "(1,)", f"(2, {features})"),
        misfit(
            "a dy of the same size and another shape",
            {**tokens, "dy": tokens["dy"].reshape(features, 2)},  # (2, D) -> (D, 2)
            f"({features}, 2)",
            f"(2, {features})",
        ),
        misfit(
            "a dy of one token for an x of two",
            {**tokens, "dy": row},
            f"(1, {features})",
            f"(2, {features})",
        ),
    )


HALF_TOKENS = 600
"""Above 512, float16 numbers are 0.5 apart: adding 1.1 adds 1."""


def halves(
    rng: np.random.Generator,
    dy: list[float],
    x: list[float],
    drawn_x: Callable[[np.random.Generator], FloatArray],
) -> tuple[Probe, ...]:
    """float16 numbers with a float32 γ: squares and dy ⊙ γ overflow; sums over many tokens.

    Args:
        rng: draws the ordinary ones.
        dy, x: (D,), the rows of each of many tokens.
        drawn_x: draws another x, (D,).
    """
    ordinary = drawn(rng, 2, 4)
    many = Probe(
        f"{HALF_TOKENS} float16 tokens, float32 γ",
        _repeated(np.array(dy), np.array(x)),
        tolerance=2e-3,
        level=PRECISION,
        rounding=True,
        shows="sum",
    )
    return (
        redrawn(
            half(
                "float16 numbers whose products overflow, float32 γ",
                _overflow([300, 0, 0, 0], [300, -300, 0, 0], 300),
            ),
            _drawn_overflow,
        ),
        half("float16 numbers", {k: v.astype(np.float16) for k, v in ordinary.items()}, 4e-3),
        # next to 256 the float16 numbers are 0.25 apart, and adding any of these dy adds 1
        redrawn(many, lambda rng: _repeated(np.array(dy) * rng.uniform(0.97, 1.01), drawn_x(rng))),
    )


def _overflow(dy: list[float], x: list[float], gamma: float) -> Arguments:
    halves = {"dy": np.array([dy], np.float16), "x": np.array([x], np.float16)}
    return halves | {"gamma": np.full(4, gamma, np.float32)}


def _drawn_overflow(rng: np.random.Generator) -> Arguments:
    """Two features of opposite signs; dy at the first, as there are none with a dx of 0."""
    one, other = rng.permutation(4)[:2]
    dy, x = np.zeros(4), np.zeros(4)
    dy[one], x[one], gamma = overflowing(rng), overflowing(rng), overflowing(rng)
    x[other] = -x[one]
    return _overflow([*dy], [*x], gamma)


def _repeated(dy: FloatArray, x: FloatArray) -> Arguments:
    """Many tokens of these rows, each (D,) -> (N, D)."""
    return {
        "dy": np.tile(dy.astype(np.float16), (HALF_TOKENS, 1)),
        "x": np.tile(x.astype(np.float16), (HALF_TOKENS, 1)),
        "gamma": np.ones(len(x), np.float32),
    }


def other_dtypes(arguments: Arguments) -> Probe:
    """float64 numbers with float32 dy and γ, which may be rounded; the statistics may not."""
    narrow = {name: arguments[name].astype(np.float32) for name in ("dy", "gamma")}
    title = "a dy and a gain of another dtype"
    return Probe(title, {**arguments, **narrow}, 1e-6, PRECISION, rounding=True)
