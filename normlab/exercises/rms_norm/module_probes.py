"""Exercise 03, third question: the inputs on which answers must agree with the right one."""

import numpy as np

from normlab.checks.exercise import PRECISION, STATE, Arguments, Probe
from normlab.exercises.inputs import (
    any_input,
    digits,
    other_axes,
    plain,
    redrawn,
    rows,
    sizes,
    squares_beside_eps,
    two_examples,
    whole,
)
from normlab.norms import FloatArray


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        *_formula(rng),
        *_any_input(rng),
        *_precision(rng),
        *squares_beside_eps(rng, _drawn(rng, 1, 4), tiny=1e-8, tiny_eps=1e-16),
        *_halves(),
        *_state(rng),
    )


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, FloatArray]:
    """x of this shape, with a weight."""
    return {"x": rows(rng, *shape), "weight": rng.uniform(0.5, 2.0, shape[-1])}


def _formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        redrawn(
            plain("one token", {"x": np.array([[3.0, 4]]), "weight": np.ones(2)}),
            lambda rng: {"x": whole(rng, 1, 2), "weight": np.ones(2)},
        ),
        plain("two tokens and a gain", _drawn(rng, 2, 3)),
        two_examples(plain, rng, _drawn),
        redrawn(
            plain("a batch of one example", _drawn(rng, 1, 2, 8)),
            lambda rng: _drawn(rng, 1, *sizes(rng, 1, 2, 3), *sizes(rng, 1, 6, 9)),
        ),
    )


def _any_input(rng: np.random.Generator) -> tuple[Probe, ...]:
    peak = np.zeros((2, 64))
    peak[:, int(rng.integers(64))] = rng.uniform(10, 20, 2)
    return (
        *other_axes(rng, _drawn, features=5),
        any_input("one feature far larger than 63 others", _drawn(rng, 2, 64) | {"x": peak}),
    )


def _precision(rng: np.random.Generator) -> tuple[Probe, ...]:
    drawn = _drawn(rng, 1, 4)
    x = drawn["x"]
    return (digits(drawn | {"x": 1e6 * x, "eps": 1e-12}),)


LESS_THAN_A_STEP = 1e-4
"""Half numbers are equal or at least a step apart: 5e-4 of the greatest in float16."""


def _half(
    title: str,
    x: list[float],
    weight: list[float],
    dtype: str,
    weight_dtype: str = "float32",
    shows: str = "",
) -> Probe:
    """One token whose outputs are 0.08 steps or more from where rounding turns, in float32.

    So every right way to compute them gives the same half numbers; rounding twice, or
    statistics in half precision, gives others. That stays so with other signs, in another order
    of the features, and with powers of 2 as factors.
    """
    row, gain = np.array([x], float), np.array(weight, float)
    dtypes = {"dtype": dtype, "weight_dtype": weight_dtype}
    arguments: Arguments = {"x": row, "weight": gain, **dtypes}

    def moved(rng: np.random.Generator) -> Arguments:
        order, signs = rng.permutation(len(gain)), rng.choice([-1.0, 1.0], len(gain))
        larger, heavier = 2.0 ** rng.integers(0, 3), 2.0 ** rng.integers(-1, 2)
        return {"x": larger * signs * row[:, order], "weight": heavier * gain[order], **dtypes}

    return redrawn(Probe(title, arguments, LESS_THAN_A_STEP, PRECISION, shows=shows), moved)


def _halves() -> tuple[Probe, ...]:
    """Where the weight is 1, only the statistics can be wrong."""
    one = [1.0] * 4
    return (
        _half(
            "float16 numbers whose squares overflow",
            [300, -300, 0, 0],
            one,
            "float16",
            "float16",
            shows="half",
        ),
        _half(
            "bfloat16 numbers", [2.25, 4.25, 1.75, 1.5], one, "bfloat16", "bfloat16", shows="half"
        ),
        _half(
            "bfloat16 numbers, float32 weight",
            [1.25, -0.25, -0.75, 2.25],
            [2.9, 0.6, 2.6, 2.4],
            "bfloat16",
        ),
        _half(
            "float16 numbers, float32 weight",
            [-0.75, 4, 1.5, 2.5],
            [0.4, 3.6, 2.7, 1.4],
            "float16",
        ),
        _half(
            "bfloat16 numbers, bfloat16 weight",
            [4.25, 1, -2, -3.25],
            [1.3, 0.2, 2.6, 0.8],
            "bfloat16",
            "bfloat16",
        ),
        _half(
            "float16 numbers, float16 weight",
            [-3.25, 4.5, -1.75, -1.5],
            [2.8, 1.4, 1, 3.7],
            "float16",
            "float16",
        ),
    )


def _state(rng: np.random.Generator) -> tuple[Probe, ...]:
    wanted = {"gradients": True}
    return (
        Probe("gradients of one token", {**_drawn(rng, 1, 3), **wanted}, 1e-4, STATE),
        Probe("gradients of a batch", {**_drawn(rng, 2, 2, 3), **wanted}, 1e-4, STATE),
    )
