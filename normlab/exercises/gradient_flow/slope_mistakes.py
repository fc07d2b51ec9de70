"""The known mistakes of the third question of exercise 05, most likely first."""

from normlab.checks.exercise import Mistake
from normlab.checks.signs import accepts

SHAPES = "if depths.shape != values.shape"
POSITIVE = "if depths.min() <= 0 or values.min() <= 0"
DIFFERENT = "if depths.min() == depths.max()"
X, Y = "x = np.log(depths)", "y = np.log(values)"
CENTERED = "centered = x - x.mean()"
FIT, RETURN = "(centered * y).sum() / (centered**2).sum()", "return float("
Y_CENTERED = "(y - y.mean())"


def _weighted(weight: str) -> dict[str, str]:
    """The slope where each squared error counts with a weight."""
    deviation = f"(x - np.average(x, weights={weight}))"
    return {FIT: f"({weight} * {deviation} * y).sum() / ({weight} * {deviation} ** 2).sum()"}


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
        "With the same base on both axes it does not matter which; with two, the slope is off by a "
        "factor: 2.303 for ln and log₁₀, 3.322 for log₂ and log₁₀.",
        {X: "x = np.log10(depths)"},
        {Y: "y = np.log10(values)"},
        {X: "x = np.log2(depths)"},
        {Y: "y = np.log2(values)"},
        {X: "x = np.log2(depths)", Y: "y = np.log10(values)"},
        {X: "x = np.log10(depths)", Y: "y = np.log2(values)"},
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
        "intercept-for-slope",
        "this is the intercept, or the factor c",
        "np.polyfit gives the highest power first, [slope, intercept]; numpy.polynomial gives it "
        "last.",
        {FIT: f"y.mean() - x.mean() * {FIT}"},
        {FIT: f"np.exp(y.mean() - x.mean() * {FIT})"},
    ),
    Mistake(
        "both-coefficients",
        "the slope and the intercept are returned",
        "Return one number, p: np.polyfit(…)[0].",
        {f"{RETURN}{FIT})": f"p = {FIT}; return np.array([p, y.mean() - p * x.mean()])"},
        {f"{RETURN}{FIT})": f"p = {FIT}; return np.array([y.mean() - p * x.mean(), p])"},
    ),
    Mistake(
        "slope-doubled",
        "the slope is multiplied or divided by 2",
        "Values that are themselves squares have twice the power, and a root has half of it. Asked "
        "is the power of the values as they are.",
        {FIT: f"2 * {FIT}"},
        {FIT: f"{FIT} / 2"},
    ),
    Mistake(
        "power-of-ten",
        "this is 10 or e to the power of the slope",
        "The slope is the power p already: the logarithm of the values is what it is a slope of.",
        {FIT: f"10 ** ({FIT})"},
        {FIT: f"np.exp({FIT})"},
    ),
    Mistake(
        "inverse-regression",
        "depths are fitted by values, not values by depths",
        "The values have the noise, so their errors are squared: Σxy/Σx², with both centered. Σy² "
        "in the place of Σx² fits the depths.",
        {FIT: f"(centered * y).sum() / ({Y_CENTERED} ** 2).sum()"},
        {FIT: f"({Y_CENTERED} ** 2).sum() / (centered * y).sum()"},
    ),
    Mistake(
        "ends-only",
        "only the first and the last point count",
        "The slope between the ends throws away what was measured between them. Least squares uses "
        "every point.",
        {FIT: "(y[-1] - y[0]) / (x[-1] - x[0])"},
        {FIT: "(y[x.argmax()] - y[x.argmin()]) / (x.max() - x.min())"},
    ),
    Mistake(
        "mean-of-slopes",
        "this is the mean, or the median, of the slopes between neighbours",
        "At even distances all but the two ends cancel in that mean, and at uneven ones a short "
        "step counts as much as a long one. Least squares uses every point.",
        {FIT: "np.mean(np.diff(y) / np.diff(x))"},
        {FIT: "np.median(np.diff(y) / np.diff(x))"},
        {FIT: "np.mean(np.gradient(y, x))"},
    ),
    Mistake(
        "ratio-of-ends",
        "this is a ratio of the ends, not a power",
        "The power is a ratio of differences of logarithms.",
        {FIT: "values[-1] / values[0]"},
        {FIT: "(values[-1] / values[0]) / (depths[-1] / depths[0])"},
        {FIT: "y[-1] / x[-1]"},
    ),
    Mistake(
        "mean-of-ratios",
        "this is log(values)/log(depths), point by point",
        "That ratio is the power only where the factor c is 1. The slope is a ratio of "
        "differences.",
        {FIT: "y.mean() / x.mean()"},
        {FIT: "np.mean(y[x != 0] / x[x != 0])"},
    ),
    Mistake(
        "through-origin",
        "the line is forced through the origin",
        "The factor c of c · depthsᵖ is unknown, so the line has an intercept, log c. Subtract the "
        "means first.",
        {CENTERED: "centered = x"},
        {CENTERED: "centered = x; y = y - y.mean()"},
        {CENTERED: "centered = x; y = y - y[0]"},
        {CENTERED: "centered = x - x[0]; y = y - y[0]"},
    ),
    Mistake(
        "correlation-for-slope",
        "this is the correlation, or its square",
        "It divides by both spreads, √(Σx²·Σy²), and is never above 1. The slope divides by Σx².",
        {FIT: f"(centered * y).sum() / np.sqrt((centered**2).sum() * ({Y_CENTERED} ** 2).sum())"},
        {FIT: f"(centered * y).sum() ** 2 / ((centered**2).sum() * ({Y_CENTERED} ** 2).sum())"},
    ),
    Mistake(
        "spread-for-slope",
        "this is the ratio of the two spreads, or the covariance",
        "σ_y/σ_x is the slope only where all points lie on the line, and has no sign. The slope is "
        "Σxy/Σx², with both centered.",
        {FIT: "y.std() / x.std()"},
        {FIT: "(centered * y).mean()"},
        {FIT: "(centered * y).sum() / (len(x) - 1)"},
    ),
    Mistake(
        "mixed-divisors",
        "one sum is divided by N − 1, the other by N",
        "np.cov divides by N − 1, np.var by N, and the slope is off by a factor of N/(N − 1). "
        "Divide neither, or both by the same.",
        {FIT: "np.cov(x, y)[0, 1] / x.var()"},
        {FIT: "np.mean(centered * y) / x.var(ddof=1)"},
    ),
    Mistake(
        "points-weighted",
        "the points do not count alike",
        "Weights 1/depth or √values, or a fit of the values themselves, are other regressions. "
        "Here each point counts once, on both logarithms.",
        _weighted("values"),
        _weighted("values**2"),
        _weighted("depths**-1.0"),
        _weighted("depths**-2.0"),
    ),
    Mistake(
        "sign-lost",
        "the sign is wrong",
        "A gradient that falls with depth has a negative slope.",
        {RETURN: "return abs("},
        {RETURN: "return -float("},
    ),
    Mistake(
        "small-number-added",
        "a small number is added to the values, or they are cut off below",
        "A vanishing gradient of 10⁻¹⁵ is a value like any other, and 10⁻¹² beside it is not "
        "small. What has no logarithm raises a ValueError; all else is taken as it is.",
        {Y: "y = np.log(values + 1e-12)"},
        {Y: "y = np.log(values + 1e-8)"},
        {Y: "y = np.log(values + 1e-10)"},
        {Y: "y = np.log(np.maximum(values, 1e-12))"},
        {Y: "y = np.log(np.maximum(values, 1e-8))"},
    ),
    Mistake(
        "shapes-not-checked",
        "depths and values of different shapes raise no ValueError that names both shapes",
        "Each value belongs to one depth. What NumPy makes of other shapes, a stretched value or "
        "an error of its own, does not say so.",
        {SHAPES: "if False"},
        {SHAPES: "if len(depths) != len(values)"},
        seen=accepts("misfit"),
    ),
    Mistake(
        "nonpositive-accepted",
        "numbers of 0 or below raise no ValueError of their own",
        "They have no logarithm: NumPy gives −∞ or NaN with no more than a warning, and one such "
        "number spoils the slope. To leave them out without a word hides what was measured.",
        {POSITIVE: "if False"},
        {POSITIVE: "if values.min() <= 0"},
        {POSITIVE: "if depths.min() <= 0"},
        {POSITIVE: "if depths.min() < 0 or values.min() < 0"},
        seen=accepts("nonpositive"),
    ),
    Mistake(
        "one-depth-accepted",
        "depths that are all the same raise no ValueError",
        "Then Σx² is 0 or a rounding error, and nothing can be divided by it. Compare the depths "
        "themselves, not that sum with 0.",
        {DIFFERENT: "if False"},
        {DIFFERENT: "if np.log(depths).var() == 0"},
        {DIFFERENT: "if len(depths) < 2"},
        seen=accepts("one depth"),
    ),
)
