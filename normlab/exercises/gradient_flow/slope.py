"""Exercise 05, third question: the slope of a power law."""

from typing import Any

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import (
    ANY_INPUT,
    FORMULA,
    Arguments,
    Law,
    Outputs,
    Probe,
    Question,
)
from normlab.exercises.gradient_flow.slope_mistakes import MISTAKES
from normlab.exercises.inputs import any_input, misfit, plain, redrawn, remade
from normlab.norms import FloatArray


def loglog_slope(depths: FloatArray, values: FloatArray) -> float:
    if depths.shape != values.shape:
        raise ValueError(f"depths {depths.shape} and values {values.shape} differ in shape.")
    if depths.min() <= 0 or values.min() <= 0:
        raise ValueError("a logarithm needs depths and values above 0.")
    if depths.min() == depths.max():
        raise ValueError("a slope needs two different depths.")
    x = np.log(depths)
    y = np.log(values)
    centered = x - x.mean()
    return float((centered * y).sum() / (centered**2).sum())


def _arguments(depths: object, values: object) -> dict[str, Any]:
    return {"depths": np.array(depths), "values": np.array(values)}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    right = *_formula(rng), *_any_input(rng)
    ten = _arguments(np.full(6, 10.0), np.arange(1.0, 7))
    refused = _refused(rng, int(rng.integers(4, 9)), ten)
    others = remade(refused, lambda rng: _refused(rng, int(rng.integers(9, 15)), _one_depth(rng)))
    return *right, *others


def _drawn(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Depths in rising order, and values about a power law of them."""
    depths = np.sort(rng.choice(np.arange(2.0, 200), count, replace=False))
    noise = np.exp(0.2 * rng.standard_normal(count))
    power = rng.uniform(0.5, 1.5) * rng.choice([-1, 1])
    return _arguments(depths, rng.uniform(5, 50) * depths**power * noise)


def _formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    depths = 2.0 ** np.arange(1, 7)
    falling = 0.7 * depths**-0.5 * np.exp(0.2 * rng.standard_normal(6))
    return (
        redrawn(
            plain("two points", _arguments([1.0, 4.0], [3.0, 6.0])), lambda rng: _drawn(rng, 2)
        ),
        redrawn(
            plain("a square, exactly", _arguments([1.0, 2.0, 4.0], [5.0, 20.0, 80.0])), _square
        ),
        redrawn(
            plain("three points not on a line", _arguments([2.0, 4.0, 8.0], [1.0, 3.0, 4.0])),
            lambda rng: _drawn(rng, 3),
        ),
        plain("a falling law with noise", _arguments(depths, falling)),
        plain("depths at uneven distances", _drawn(rng, 6)),
    )


def _square(rng: np.random.Generator) -> Arguments:
    depths = _drawn(rng, 3)["depths"]
    return _arguments(depths, float(rng.uniform(1, 9)) * depths**2)


def _one_depth(rng: np.random.Generator) -> Arguments:
    """One depth several times, so that the centered logarithms are rounding errors, and not 0."""
    while True:
        depths = np.full(int(rng.integers(5, 12)), float(rng.integers(3, 200)))
        logarithms = np.log(depths)
        if np.any(logarithms != logarithms.mean()):
            return _arguments(depths, np.arange(1.0, len(depths) + 1))


def _any_input(rng: np.random.Generator) -> tuple[Probe, ...]:
    drawn, many = _drawn(rng, 5), _drawn(rng, int(rng.integers(30, 60)))
    order = rng.permutation(5)
    mixed = {name: array[order] for name, array in drawn.items()}
    whole = _arguments([2, 4, 8], rng.integers(1, 40, 3))
    twice = mixed | {"depths": mixed["depths"][[0, 1, 2, 3, 0]]}
    tiny = drawn | {"values": 1e-18 * drawn["values"]}
    return (
        redrawn(
            any_input("whole numbers", whole),
            lambda rng: _arguments(
                rng.choice(np.arange(2, 50, dtype=np.int64), 3, replace=False),
                rng.integers(1, 40, 3),
            ),
        ),
        any_input("depths in no order", mixed),
        any_input("a depth that was measured twice", twice),
        Probe("many points, to 9 digits", many, level=ANY_INPUT),
        any_input("values of vanished gradients", tiny),
    )


def _refused(rng: np.random.Generator, count: int, one_depth: Arguments) -> tuple[Probe, ...]:
    drawn = _drawn(rng, count)
    depths, values = drawn["depths"], drawn["values"]
    negative = -float(rng.uniform(0.5, 5))
    n = f"({count},)"

    def with_one(title: str, name: str, number: float) -> Probe:
        array = drawn[name].copy()
        array[rng.integers(count)] = number
        return Probe(title, drawn | {name: array}, level=ANY_INPUT, shows="nonpositive")

    def alike(title: str, these: Arguments) -> Probe:
        return Probe(title, these, level=ANY_INPUT, shows="one depth")

    return (
        misfit(f"{count} depths, one value", _arguments(depths, values[:1]), n, "(1,)"),
        misfit(
            f"{count} depths, {count - 1} values",
            _arguments(depths, values[1:]),
            *(n, f"({count - 1},)"),
        ),
        misfit(f"one depth, {count} values", _arguments(depths[:1], values), n, "(1,)"),
        misfit("values in a column", _arguments(depths, values[:, None]), n, f"({count}, 1)"),
        with_one("a value 0", "values", 0.0),
        with_one("a negative value", "values", negative),
        with_one("a depth 0", "depths", 0.0),
        with_one("a negative depth", "depths", negative),
        alike("one depth, several times", _arguments(np.full(count, depths[0]), values)),
        # the sum of squares of the centered logarithms is a rounding error here, and not 0
        alike("a depth of 10, six times", one_depth),
        alike("a single point", _arguments(depths[:1], values[:1])),
    )


_DEPTHS = np.array([1.0, 2, 4, 16])
_NOISY = np.array([3.0, 1, 2, 7])


def _power(line: Outputs) -> str | None:
    got = float(line["slope"])
    return (
        None
        if np.isclose(got, -0.5)
        else f"for values = 3/√depth, whose slope is −0.5, it gives {got:.4g}."
    )


def _shifted(one: Outputs, other: Outputs) -> str | None:
    a, b = float(one["slope"]), float(other["slope"])
    return None if np.isclose(a, b) else f"it goes from {a:.4g} to {b:.4g}."


def _added(one: Outputs, steeper: Outputs) -> str | None:
    rise = float(steeper["slope"]) - float(one["slope"])
    return None if np.isclose(rise, 1) else f"it changes by {rise:.4g}."


LAWS = (
    Law(
        "power-not-found",
        "the power of an exact power law is not found",
        (_arguments(_DEPTHS, 3 * _DEPTHS**-0.5),),
        _power,
    ),
    Law(
        "factor-changes",
        "a factor of all values changes the slope",
        (_arguments(_DEPTHS, _NOISY), _arguments(_DEPTHS, 10 * _NOISY)),
        _shifted,
    ),
    Law(
        "unit-changes",
        "counting sub-layers, two for each layer, changes the slope",
        (_arguments(_DEPTHS, _NOISY), _arguments(2 * _DEPTHS, _NOISY)),
        _shifted,
    ),
    Law(
        "not-additive",
        "values times depths do not have a slope that is larger by 1",
        (_arguments(_DEPTHS, _NOISY), _arguments(_DEPTHS, _DEPTHS * _NOISY)),
        _added,
    ),
)

HINTS = {
    FORMULA: (
        "If values = c · depthsᵖ, what is log(values) as a function of log(depths)? Which number "
        "of that line is p?",
        "With x = log(depths) and y = log(values), subtract the mean of each. The slope of least "
        "squares is Σxy/Σx². np.polyfit(x, y, 1)[0] is the same number.",
        "return np.polyfit(np.log(depths), np.log(values), 1)[0]",
    ),
    ANY_INPUT: (
        "What does your line do with one value for six depths, with a 0 among the values, and with "
        "three times the same depth?",
        "Three checks come first, and each raises a ValueError: the shapes differ (both stand in "
        "the message); a number is 0 or below; the smallest depth is also the largest.",
        "if depths.shape != values.shape: raise ValueError(f'{depths.shape} and {values.shape}'); "
        "if min(depths.min(), values.min()) <= 0 or depths.min() == depths.max(): raise "
        "ValueError(…).",
    ),
}

SLOPE = Question(
    function="loglog_slope",
    levels={FORMULA: 1, ANY_INPUT: 1},
    driver=call("slope"),
    reference=loglog_slope,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (SLOPE,)
