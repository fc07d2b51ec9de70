"""Random inputs that exercises share, and the probes of each level that are made of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from normlab.checks.exercise import ANY_INPUT, PRECISION, Arguments, Probe
from normlab.norms import FloatArray

FORMULA_DIGITS = 1e-4
"""Tolerance where the formula alone is judged: ε = 1e-5 beside a variance of 1 is not seen, so
other probes have an ε of the size of the variance. float32 is not seen either; it is judged at the
level of precision."""
FLOAT32_DIGITS = 1e-6
FLOAT16_DIGITS = 2e-3
"""Ten float32 steps, and two float16 steps."""


def rows(rng: np.random.Generator, *shape: int) -> FloatArray:
    """Random rows, none of which is nearly constant or nearly 0.

    Args:
        rng: draws them.
        shape: (..., D).

    Returns:
        float64, each row with a standard deviation from 1 to 2 and a mean from 0.5 to 1.5.
    """
    drawn = rng.standard_normal(shape)
    if shape[-1] > 1:
        drawn -= drawn.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
        drawn /= drawn.std(axis=-1, keepdims=True)  # (..., D) / (..., 1)
    one = (*shape[:-1], 1)
    return rng.uniform(1, 2, one) * drawn + rng.uniform(0.5, 1.5, one)


def with_variance(x: FloatArray, variance: float) -> FloatArray:
    """Rows of `rows` with their means and differences made smaller or larger in proportion."""
    return x * np.sqrt(variance / x.var(axis=-1, keepdims=True))  # (..., D) * (..., 1)


def whole(rng: np.random.Generator, *shape: int) -> FloatArray:
    """Whole numbers from −9 to 9, (..., D), those of a row all different."""
    digits = np.broadcast_to(np.arange(-9.0, 10), (*shape[:-1], 19))  # (19,) -> (..., 19)
    return rng.permuted(digits, axis=-1)[..., : shape[-1]]


def overflowing(rng: np.random.Generator) -> float:
    """A whole number whose square float16 does not hold."""
    return float(rng.integers(280, 400))


def redrawn(probe: Probe, draw: Callable[[np.random.Generator], Arguments]) -> Probe:
    """The probe, with arguments that `draw` draws where it stands among hidden inputs."""
    return replace(probe, anew=lambda rng: replace(probe, arguments=draw(rng)))


def remade(
    probes: tuple[Probe, ...], make: Callable[[np.random.Generator], tuple[Probe, ...]]
) -> tuple[Probe, ...]:
    """The probes, each with the one that `make` makes in its place among hidden inputs."""

    def at(i: int) -> Callable[[np.random.Generator], Probe]:
        return lambda rng: make(rng)[i]

    return tuple(replace(probe, anew=at(i)) for i, probe in enumerate(probes))


def plain(title: str, arguments: Arguments, corner: bool = False) -> Probe:
    """A probe of the formula alone."""
    return Probe(title, arguments, FORMULA_DIGITS, corner=corner)


def any_input(title: str, arguments: Arguments, corner: bool = False) -> Probe:
    """A probe of another shape."""
    return Probe(title, arguments, FORMULA_DIGITS, level=ANY_INPUT, corner=corner)


def peak(rng: np.random.Generator, *shape: int) -> FloatArray:
    """Rows of zeros but for one number, (..., D); after a norm that is about √D, far beyond 4."""
    x = np.zeros(shape)
    x[..., int(rng.integers(shape[-1]))] = rng.uniform(10, 20, shape[:-1])
    return x


def two_examples(
    probe: Callable[..., Probe],
    rng: np.random.Generator,
    drawn: Callable[..., Mapping[str, FloatArray]],
) -> Probe:
    """A probe of as many tokens as features, (B, T, D) with T = D; `drawn` as in `other_axes`.

    Args:
        probe: makes it: `plain`, or another level's.
        rng: draws it.
        drawn: makes the arguments.
    """
    return redrawn(
        probe("a batch of two examples", drawn(rng, 2, 3, 3)),
        lambda rng: drawn(rng, 2, *sizes(rng, 1, 3, 5) * 2),
    )


def tiny_eps(drawn: Mapping[str, FloatArray]) -> Probe:
    """A probe of an ε that counts only if it is added to the variance, and of that size."""
    x = 1e-5 * drawn["x"]
    return redrawn(
        plain("a tiny ε and a tiny variance", {**drawn, "x": x, "eps": 1e-10}),
        lambda rng: {**drawn, "x": x, "eps": float(rng.uniform(0.5, 2)) * 1e-10},
    )


def squares_beside_eps(
    rng: np.random.Generator,
    drawn: Mapping[str, FloatArray],
    tiny: float = 1e-5,
    tiny_eps: float = 1e-10,
) -> tuple[Probe, ...]:
    """Probes of an RMSNorm where ε decides: beside squares of its own size, or smaller ones.

    Args:
        rng: draws them.
        drawn: the arguments, one token.
        tiny, tiny_eps: what x is multiplied by beside an ε of the size of its squares.
    """
    x = drawn["x"]
    small = {**drawn, "x": tiny * x}
    return (
        plain("squares of the size of ε", {**drawn, "x": rng.uniform(3e-4, 1e-3) * x}),
        plain("a large ε", {**drawn, "eps": float(rng.uniform(0.3, 0.7))}),
        redrawn(
            plain("a tiny ε and tiny squares", {**small, "eps": tiny_eps}),
            lambda rng: {**small, "eps": float(rng.uniform(0.5, 2)) * tiny_eps},
        ),
        plain("a row of zeros", {**drawn, "x": np.zeros_like(x)}, corner=True),
    )


def other_axes(
    rng: np.random.Generator,
    drawn: Callable[..., Mapping[str, FloatArray]],
    features: int = 4,
) -> tuple[Probe, ...]:
    """Probes of an x with other numbers of axes than a batch has, and of none at all.

    Args:
        rng: draws them.
        drawn: `drawn(rng, *shape)` makes the arguments with an x of this shape.
        features: of the token without any other axis.
    """
    return (
        redrawn(
            any_input("a token without any other axis", drawn(rng, features), corner=True),
            lambda rng: drawn(rng, *sizes(rng, 1, 4, 7)),
        ),
        redrawn(
            any_input("x with 4 axes", drawn(rng, 2, 1, 2, 3)),
            lambda rng: drawn(rng, 2, *sizes(rng, 2, 1, 3), *sizes(rng, 1, 3, 6)),
        ),
        redrawn(
            any_input("x with 5 axes", drawn(rng, 1, 2, 1, 2, 3)),
            lambda rng: drawn(rng, 1, 2, *sizes(rng, 2, 1, 3), *sizes(rng, 1, 3, 6)),
        ),
        redrawn(
            any_input("no tokens at all", drawn(rng, 0, 4), corner=True),
            lambda rng: drawn(rng, 0, *sizes(rng, 1, 3, 7)),
        ),
    )


def sizes(rng: np.random.Generator, count: int, least: int, most: int) -> tuple[int, ...]:
    """So many sizes of axes, from `least` to `most`."""
    return tuple(int(size) for size in rng.integers(least, most + 1, count))


def misfit(title: str, arguments: Arguments, *error_names: str) -> Probe:
    """A probe that must raise an error which names what does not fit."""
    return Probe(title, arguments, level=ANY_INPUT, shows="misfit", error_names=error_names)


def digits(arguments: Arguments) -> Probe:
    """A probe that float32 does not pass. Its x is so large that no ε is seen."""
    return Probe("all digits of float64", arguments, level=PRECISION, shows="digits")


def far(title: str, arguments: Arguments, tolerance: float) -> Probe:
    """A probe of rows far from 0, where digits are lost. Its x is so large that no ε is seen."""
    return Probe(title, arguments, tolerance, PRECISION, rounding=True, shows="far")


def half(title: str, arguments: Arguments, tolerance: float = FLOAT16_DIGITS) -> Probe:
    """A probe of float16 numbers."""
    return Probe(title, arguments, tolerance, PRECISION, shows="half")


def hardly_held(rng: np.random.Generator, gain: float = 1000.0) -> dict[str, FloatArray]:
    """A float16 row (1, 2) and a float32 gain for an RMSNorm that multiplies after rounding.

    The second number is so small beside the first that float16 holds what RMSNorm makes of it with
    an error of 5 % or more. The gain brings it back, and makes the first one 0.
    """
    while True:
        x = np.array([[rng.integers(900, 1100), rng.uniform(0.5e-4, 3e-4)]], np.float16)
        small = float(x[0, 1] / np.sqrt((x.astype(np.float64) ** 2).mean()))  # (1, 2) -> ()
        if abs(float(np.float16(small)) / small - 1) > 0.05:
            return {"x": x, "gamma": np.array([0.0, gain], np.float32)}
