"""Exercise 05, third question: the slope of a power law."""

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import Arguments, Law, Mistake, Outputs, Probe, Question
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


def _arguments(depths: object, values: object) -> Arguments:
    return {"depths": np.array(depths), "values": np.array(values)}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    depths = np.array([2, 4, 8, 16, 32, 64])
    noise = np.exp(0.2 * rng.standard_normal((2, 6)))
    some = np.sort(rng.choice(np.arange(1, 200), 6, replace=False))
    return (
        Probe("two points", _arguments([1.0, 4.0], [3.0, 6.0])),
        Probe("a square, exactly", _arguments([1, 2, 4], [5.0, 20.0, 80.0])),
        Probe("three points not on a line", _arguments([2, 4, 8], [1.0, 3.0, 4.0])),
        Probe("a falling law with noise", _arguments(depths, 0.7 * depths**-0.5 * noise[0])),
        Probe("depths at uneven distances", _arguments(some, 1e-3 * some**1.2 * noise[1])),
        Probe(
            "six depths, one value",
            _arguments(depths, [2.0]),
            special=True,
            error_names=("(6,)", "(1,)"),
        ),
        Probe("a value 0", _arguments([2, 4, 8], [1.0, 0.0, 3.0]), special=True),
        Probe("a negative value", _arguments([2, 4, 8], [1.0, 2.0, -3.0]), special=True),
        Probe("a depth 0", _arguments([0, 4, 8], [1.0, 2.0, 3.0]), special=True),
        Probe("one depth, three times", _arguments([4, 4, 4], [1.0, 2.0, 3.0]), special=True),
    )


SHAPES = "if depths.shape != values.shape"
POSITIVE = "if depths.min() <= 0 or values.min() <= 0"
DIFFERENT = "if depths.min() == depths.max()"
X, Y = "x = np.log(depths)", "y = np.log(values)"
CENTERED, FIT = "centered = x - x.mean()", "float((centered * y).sum() / (centered**2).sum())"

MISTAKES = (
    Mistake(
        "log-of-one-axis",
        "only one of the two axes is logarithmic",
        "values = c · depthsᵖ becomes a line, log c + p · log depth, when both logarithms are "
        "taken.",
        {X: "x = depths"},
        {Y: "y = values"},
    ),
    Mistake(
        "no-logarithm",
        "no logarithm is taken",
        "This is the slope of a straight line through the values themselves. The power p is the "
        "slope of log(values) over log(depths).",
        {X: "x = depths", Y: "y = values"},
    ),
    Mistake(
        "two-bases",
        "the two logarithms have different bases",
        "With the same base on both axes it does not matter which; with two, the slope is off by "
        "their ratio, 2.303 for ln and log₁₀.",
        {X: "x = np.log10(depths)"},
        {Y: "y = np.log10(values)"},
        {X: "x = np.log2(depths)"},
        {Y: "y = np.log2(values)"},
    ),
    Mistake(
        "log-of-one-plus",
        "this is the logarithm of 1 + the number",
        "np.log1p bends a power law, the more the smaller the numbers are. Take np.log.",
        {X: "x = np.log1p(depths)", Y: "y = np.log1p(values)"},
        {X: "x = np.log1p(depths)"},
        {Y: "y = np.log1p(values)"},
    ),
    Mistake(
        "inverse-regression",
        "depths are fitted by values, not values by depths",
        "The values have the noise, so their errors are squared: Σxy/Σx², with both centered. Σy² "
        "in the place of Σx² fits the depths.",
        {FIT: "float((centered * y).sum() / ((y - y.mean()) ** 2).sum())"},
        {FIT: "float(((y - y.mean()) ** 2).sum() / (centered * y).sum())"},
    ),
    Mistake(
        "ends-only",
        "only the first and the last point count",
        "The slope between the ends throws away what was measured between them. Least squares uses "
        "every point.",
        {FIT: "float((y[-1] - y[0]) / (x[-1] - x[0]))"},
    ),
    Mistake(
        "mean-of-slopes",
        "this is the mean of the slopes between neighbours",
        "At even distances all but the two ends cancel in that mean, and at uneven ones a short "
        "step counts as much as a long one. Least squares uses every point.",
        {FIT: "float(np.mean(np.diff(y) / np.diff(x)))"},
    ),
    Mistake(
        "ratio-of-ends",
        "this is a ratio of the ends, not a power",
        "The power is a ratio of differences of logarithms.",
        {FIT: "float(values[-1] / values[0])"},
        {FIT: "float((values[-1] / values[0]) / (depths[-1] / depths[0]))"},
        {FIT: "float(y[-1] / x[-1])"},
    ),
    Mistake(
        "through-origin",
        "the line is forced through the origin",
        "The factor c of c · depthsᵖ is unknown, so the line has an intercept, log c. Subtract the "
        "means first.",
        {CENTERED: "centered = x"},
        {CENTERED: "centered = x; y = y - y.mean()"},
    ),
    Mistake(
        "intercept-for-slope",
        "this is the intercept, or the factor c",
        "np.polyfit gives the highest power first: [slope, intercept].",
        {FIT: f"float(y.mean() - x.mean() * {FIT})"},
        {FIT: f"float(np.exp(y.mean() - x.mean() * {FIT}))"},
    ),
    Mistake(
        "correlation-for-slope",
        "this is the correlation",
        "It divides by both spreads, √(Σx²·Σy²), and is never above 1. The slope divides by Σx².",
        {
            FIT: "float((centered * y).sum() / np.sqrt((centered**2).sum() * "
            "((y - y.mean()) ** 2).sum()))"
        },
    ),
    Mistake(
        "mixed-divisors",
        "one sum is divided by N − 1, the other by N",
        "np.cov divides by N − 1, np.var by N, and the slope is too large by N/(N − 1). Divide "
        "neither, or both by the same.",
        {FIT: "float(np.cov(x, y)[0, 1] / x.var())"},
        {FIT: "float(np.mean(centered * y) / x.var(ddof=1))"},
    ),
    Mistake(
        "sign-lost",
        "the sign is wrong",
        "A gradient that falls with depth has a negative slope.",
        {"return float(": "return abs("},
        {"return float(": "return -float("},
    ),
    Mistake(
        "nonpositive-accepted",
        "a depth or value of 0 or below raises no ValueError",
        "It has no logarithm: NumPy gives −∞ or NaN with no more than a warning, and one such "
        "value makes the slope NaN. Raise a ValueError.",
        {POSITIVE: "if False"},
        {POSITIVE: "if values.min() <= 0"},
        {POSITIVE: "if depths.min() <= 0"},
        {POSITIVE: "if depths.min() < 0 or values.min() < 0"},
    ),
    Mistake(
        "shapes-not-checked",
        "different shapes of depths and values raise no ValueError",
        "Each value belongs to one depth. NumPy stretches a single value over all depths without a "
        "word. Raise a ValueError that names both shapes.",
        {SHAPES: "if False"},
    ),
    Mistake(
        "one-depth-accepted",
        "depths that are all the same raise no ValueError",
        "Then Σx² is 0, and 0/0 is no slope. Raise a ValueError.",
        {DIFFERENT: "if False"},
    ),
)

_DEPTHS = np.array([1.0, 2, 4, 16])
_NOISY = np.array([3.0, 1, 2, 7])


def _power(line: Outputs) -> str | None:
    got = float(line["slope"])
    return None if np.isclose(got, -0.5) else f"values = 3/√depth have the slope {got:.4g}."


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

SLOPE = Question(
    function="loglog_slope",
    points=2,
    driver=call("slope"),
    reference=loglog_slope,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "If values = c · depthsᵖ, what is log(values) as a function of log(depths)? Which number "
        "of that line is p?",
        "With x = log(depths) and y = log(values), subtract the mean of each. The slope of least "
        "squares is Σxy/Σx². np.polyfit(x, y, 1)[0] is the same number.",
        "Raise a ValueError if depths.shape != values.shape, if any number is ≤ 0, or if all "
        "depths are equal. Then return float(np.polyfit(np.log(depths), np.log(values), 1)[0]).",
    ),
)

QUESTIONS = (SLOPE,)
