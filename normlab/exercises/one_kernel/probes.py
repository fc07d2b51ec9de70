"""Exercise 09: the inputs on which kernels must agree with the right one."""

from dataclasses import replace

import numpy as np

from normlab.checks.exercise import PRECISION, Arguments, Probe
from normlab.exercises.inputs import (
    FLOAT16_DIGITS,
    any_input,
    half,
    overflowing,
    peak,
    plain,
    redrawn,
    rows,
    squares_beside_eps,
    whole,
)
from normlab.exercises.one_kernel.mistakes import PADDED
from normlab.norms import FloatArray

FLOAT32_ORDER = 1e-5
"""Of sums in float32, which a kernel may take in any order."""


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    beside_eps = squares_beside_eps(rng, _drawn(rng, 1, 4))
    small = _drawn(rng, 1, 4) | {"eps": float(rng.uniform(0.3, 0.7))}
    small["x"] = 1e-3 * small["x"]
    far_below = plain("a large ε and small squares", small)
    coarse = *_formula(rng), *beside_eps, far_below, *_any_input(rng)
    return (*map(_of_three_digits, coarse), *_precision(rng))


def _of_three_digits(probe: Probe) -> Probe:
    """The probe with float32 arrays, among hidden inputs too; a y in float16 is good enough."""
    again, arguments = probe.anew, _narrow(probe.arguments)
    narrow = replace(probe, arguments=arguments, tolerance=FLOAT16_DIGITS)
    if again is None:
        return narrow
    return replace(narrow, anew=lambda rng: _of_three_digits(again(rng)))


def _narrow(arguments: Arguments) -> Arguments:
    return {
        name: value.astype(np.float32) if isinstance(value, np.ndarray) else value
        for name, value in arguments.items()
    }


def _drawn(rng: np.random.Generator, N: int, D: int) -> dict[str, FloatArray]:
    """x (N, D), and a gain, in float32."""
    x, weight = rows(rng, N, D), rng.uniform(0.5, 2.0, D)
    return {"x": x.astype(np.float32), "weight": weight.astype(np.float32)}


def _formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Rows that fill their blocks and lie side by side."""
    one = np.ones(2, np.float32)
    return (
        redrawn(
            plain("one row", {"x": np.array([[3.0, 4]], np.float32), "weight": one}),
            lambda rng: {"x": whole(rng, 1, 2).astype(np.float32), "weight": one},
        ),
        plain("two rows and a gain", _drawn(rng, 2, 4)),
        plain("as many rows as columns", _drawn(rng, 4, 4)),
        redrawn(
            plain("five rows of eight", _drawn(rng, 5, 8)),
            lambda rng: _drawn(rng, int(rng.integers(3, 9)), 8),
        ),
    )


def _any_input(rng: np.random.Generator) -> tuple[Probe, ...]:
    near, far = ({"row_stride": int(rng.integers(*ends))} for ends in ((5, 8), (9, 13)))
    far_larger = _drawn(rng, 2, 64) | {"x": peak(rng, 2, 64).astype(np.float32)}
    return (
        _padded("rows of three in blocks of four", _drawn(rng, 2, 3)),
        _padded("rows of three and a large ε", {**_drawn(rng, 2, 3), "eps": rng.uniform(0.3, 0.7)}),
        redrawn(
            _padded("one row, far shorter than its block", {**_drawn(rng, 1, 5), "BLOCK": 16}),
            lambda rng: {
                **_drawn(rng, 1, int(rng.integers(3, 8))),
                "BLOCK": 2 ** int(rng.integers(3, 6)),
            },
        ),
        any_input("rows that are further apart", {**_drawn(rng, 3, 4), **near}),
        any_input("longer rows that are further apart", {**_drawn(rng, 2, 8), **far}),
        _padded("short rows, further apart", {**_drawn(rng, 3, 6), **far}),
        _padded("a long row", _drawn(rng, 1, 1030)),
        any_input("a single feature", _drawn(rng, 3, 1), corner=True),
        any_input("one feature far larger than 63 others", far_larger),
    )


def _padded(title: str, arguments: Arguments) -> Probe:
    return replace(any_input(title, arguments), shows=PADDED)


def _precision(rng: np.random.Generator) -> tuple[Probe, ...]:
    """Whatever is rounded too early is seen where y is float32, since x is exact.

    What the levels before ask to three digits, padding, strides and ε, is asked to float32's here.
    """
    drawn = _drawn(rng, 2, 4)
    apart = {"row_stride": int(rng.integers(9, 13)), "eps": float(rng.uniform(0.3, 0.7))}
    x, one = drawn["x"].astype(np.float16), np.ones(4, np.float16)
    peaks = np.array([[300, -300, 0, 0]], np.float16)
    long = {"x": (50 * rows(rng, 1, 64)).astype(np.float16), "weight": np.ones(64, np.float16)}
    return (
        redrawn(
            half("float16 numbers whose squares overflow", {"x": peaks, "weight": one}),
            lambda rng: {"x": rng.permuted(peaks, axis=-1) / 300 * overflowing(rng), "weight": one},
        ),
        half("float16 numbers, the sum of whose squares overflows", long),
        half(
            "float16 numbers whose squares vanish",
            {"x": np.float16(5e-5) * x, "weight": one, "eps": 1e-10},
        ),
        Probe(
            "float16 numbers, float32 weight and y",
            {"x": x, "weight": drawn["weight"], "dtype": "float32"},
            FLOAT32_ORDER,
            PRECISION,
        ),
        Probe("float32 numbers and y", drawn, FLOAT32_ORDER, PRECISION),
        Probe("float32 rows, apart", {**_drawn(rng, 3, 6), **apart}, FLOAT32_ORDER, PRECISION),
        Probe(
            "float32 numbers and y, float16 weight",
            {**drawn, "weight": drawn["weight"].astype(np.float16)},
            FLOAT32_ORDER,
            PRECISION,
        ),
        Probe(
            "float32 numbers, float16 y",
            {**drawn, "dtype": "float16"},
            FLOAT16_DIGITS,
            PRECISION,
        ),
    )
