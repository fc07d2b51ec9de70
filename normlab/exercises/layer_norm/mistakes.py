"""The known mistakes of exercise 01, most likely first."""

from normlab.checks.exercise import Mistake
from normlab.exercises import common


def _axis(axis: str) -> dict[str, str]:
    return {
        "wide.mean(axis=-1": f"wide.mean(axis={axis}",
        "(centered**2).mean(axis=-1": f"(centered**2).mean(axis={axis}",
    }


MEAN, VARIANCE = "wide.mean(axis=-1, keepdims=True)", "(centered**2).mean(axis=-1, keepdims=True)"
ONE_PASS = {VARIANCE: "(wide**2).mean(-1, keepdims=True) - mean**2"}
DIVISOR = "np.sqrt(variance + eps)"
WIDE = "x.astype(np.promote_types(x.dtype, np.float32))"

MISTAKES = (
    Mistake(
        "unbiased-variance",
        "the variance is divided by D − 1",
        "Layer norm describes the D numbers in front of it; it does not estimate a variance from a "
        "sample. Divide by D (ddof=0). torch.var divides by D − 1 unless told otherwise.",
        {VARIANCE: "wide.var(axis=-1, ddof=1, keepdims=True)"},
    ),
    common.eps_outside({DIVISOR: "(np.sqrt(variance) + eps)"}),
    common.eps_missing(
        {DIVISOR: "np.sqrt(variance)"},
        {DIVISOR: "np.where(variance == 0, 1.0, np.sqrt(variance))"},
        {DIVISOR: "np.sqrt(variance + 1e-30)"},
    ),
    Mistake(
        "eps-wrong-value",
        "ε has another value than the one given, or another default than 1e-5",
        "1e-5 is the default of torch.nn.LayerNorm; Keras has 1e-3, BERT 1e-12, Flax 1e-6. Weights "
        "carried over with another ε give other outputs.",
        {DIVISOR: "np.sqrt(variance + 1e-5)"},
        {DIVISOR: "np.sqrt(variance + 1e-6)"},
        {DIVISOR: "np.sqrt(variance + 1e-8)"},
        {DIVISOR: "np.sqrt(variance + 1e-12)"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
        {"eps: float = 1e-5": "eps: float = 1e-8"},
        {"eps: float = 1e-5": "eps: float = 1e-12"},
        {"eps: float = 1e-5": "eps: float = 1e-3"},
        {DIVISOR: "np.sqrt(variance + eps**2)"},
        {DIVISOR: "np.sqrt(variance - eps)"},
    ),
    Mistake(
        "eps-as-floor",
        "ε is a lower bound of the divisor",
        "max(variance, ε) changes nothing until the variance is below ε. Here ε is added to the "
        "variance.",
        {DIVISOR: "np.sqrt(np.maximum(variance, eps))"},
        {DIVISOR: "np.maximum(np.sqrt(variance), eps)"},
        {DIVISOR: "np.maximum(np.sqrt(variance), np.sqrt(eps))"},
    ),
    Mistake(
        "eps-in-numerator",
        "ε is added above the fraction, or to x",
        "It belongs to the variance, under the root; above the fraction it moves every output.",
        {"centered / np.sqrt(variance + eps)": "(centered + eps) / np.sqrt(variance)"},
        {"centered / np.sqrt(variance + eps)": "centered / np.sqrt(variance) + eps"},
    ),
    Mistake(
        "variance-for-deviation",
        "the row is divided by its variance instead of its standard deviation",
        "The variance is a square: dividing by it makes the output shrink when the input grows. "
        "Take the root.",
        {DIVISOR: "(variance + eps)"},
    ),
    Mistake(
        "axis-batch",
        "the mean and variance are taken over the batch (axis 0)",
        "That is what batch norm does. Layer norm takes them over the features, the last axis, "
        "each token by itself.",
        _axis("0"),
        _axis("tuple(range(x.ndim - 1))"),
    ),
    Mistake(
        "axis-tokens",
        "the mean and variance are taken over the tokens",
        "The tokens stand in axis −2. Layer norm takes its statistics over the features, axis −1.",
        _axis("-2"),
        _axis("1"),
    ),
    Mistake(
        "axis-all",
        "a mean or a variance is taken over all numbers",
        "Every token has its own mean and variance. One for all lets the tokens, and the examples "
        "of a batch, change each other's outputs.",
        _axis("None"),
        {VARIANCE: "np.array(wide.var())"},
        {MEAN: "np.array(wide.mean())"},
        {VARIANCE: "(centered**2).mean()"},
    ),
    Mistake(
        "length-for-deviation",
        "the row is divided by its length: the squares are summed, not averaged",
        "(x − μ)/‖x − μ‖ has length 1, whatever D is. The variance is the mean of the squares: "
        "divide their sum by D.",
        {VARIANCE: "(centered**2).sum(axis=-1, keepdims=True)"},
    ),
    Mistake(
        "divided-by-rows",
        "the sums are divided by another number than that of the features",
        "A mean over the last axis divides by x.shape[-1]. len(x) is the first axis.",
        {
            MEAN: "wide.sum(axis=-1, keepdims=True) / len(x)",
            VARIANCE: "(centered**2).sum(axis=-1, keepdims=True) / len(x)",
        },
        {VARIANCE: "(centered**2).sum(axis=-1, keepdims=True) / len(x)"},
        {VARIANCE: "(centered**2).sum(axis=-1, keepdims=True) / x.size"},
    ),
    Mistake(
        "mean-of-distances",
        "the row is divided by the mean distance from the mean",
        "The standard deviation is the root of the mean square: square, take the mean, then the "
        "root. The mean of |x − μ| is another number.",
        {VARIANCE: "np.abs(centered).mean(axis=-1, keepdims=True) ** 2"},
    ),
    Mistake(
        "range-for-deviation",
        "the row is divided by its range or its greatest entry",
        "Layer norm divides by the standard deviation, so that the row has variance 1. Its "
        "greatest entry may be of any size.",
        {VARIANCE: "np.ptp(wide, axis=-1, keepdims=True) ** 2"},
        {VARIANCE: "np.abs(centered).max(axis=-1, keepdims=True) ** 2"},
    ),
    Mistake(
        "median-for-mean",
        "the median is subtracted, not the mean",
        "The mean of what is left must be 0. The median halves the number of the entries.",
        {MEAN: "np.median(wide, axis=-1, keepdims=True)"},
    ),
    Mistake(
        "axis-example",
        "one mean and variance for each example, tokens and features together",
        "Then padding changes every token of a sentence. Take the statistics over the last axis "
        "alone.",
        _axis("tuple(range(1, x.ndim)) or -1"),
        _axis("tuple(range(1, x.ndim))"),
    ),
    common.keepdims_missing(
        {VARIANCE: "(centered**2).mean(axis=-1)"},
        {
            MEAN: "wide.mean(axis=-1)",
            VARIANCE: "wide.var(axis=-1)",
        },
    ),
    Mistake(
        "rms-norm",
        "this is RMSNorm: the mean is nowhere subtracted",
        "RMSNorm divides x by the root of mean(x²). Layer norm subtracts the mean first, from x "
        "and within the variance.",
        {"centered = wide - mean": "centered = wide"},
    ),
    Mistake(
        "mean-not-subtracted",
        "the mean is not subtracted from x",
        "The variance is that of x − mean, and so is what it divides. Without it the rows do not "
        "have mean 0.",
        {"centered / ": "wide / "},
    ),
    Mistake(
        "sign-flipped",
        "the sign is flipped: μ − x instead of x − μ",
        "The square does not show it, the output does: subtract the mean from x.",
        {"centered / ": "-centered / "},
    ),
    Mistake(
        "scaled-before-centering",
        "the mean is subtracted after the division, or from something else than x",
        "x/σ has the mean μ/σ. Subtract μ from x first, and divide the difference.",
        {"centered / np.sqrt(variance + eps)": "wide / np.sqrt(variance + eps) - mean"},
    ),
    Mistake(
        "shift-inside",
        "β is multiplied or divided, too",
        "β is added last, to γ ⊙ x̂, and nothing is done to it.",
        {"gamma * normalized + beta": "gamma * (normalized + beta)"},
        {"gamma * normalized + beta": "gamma * normalized + beta / np.sqrt(variance + eps)"},
        {"gamma * normalized + beta": "gamma * normalized - beta"},
    ),
    Mistake(
        "gamma-divides",
        "the row is divided by γ",
        "γ is a gain: it multiplies x̂.",
        {"gamma * normalized": "normalized / gamma"},
    ),
    Mistake(
        "gamma-on-input",
        "γ multiplies x before the statistics",
        "Then γ changes the mean and the variance, and the norm takes a common part of it out "
        "again. It multiplies x̂, after the division.",
        {WIDE: f"gamma * {WIDE}", "gamma * normalized": "normalized"},
    ),
    Mistake(
        "normalized-twice",
        "the row is divided by σ twice, or by its fourth root",
        "One root of (variance + ε), once: σ is that root already.",
        {DIVISOR: "np.sqrt(np.sqrt(variance + eps))"},
        {DIVISOR: "np.sqrt(variance + eps) ** 3"},
    ),
    Mistake(
        "gamma-beta-exchanged",
        "γ and β are exchanged",
        "γ multiplies, β is added: γ ⊙ x̂ + β. The order of the arguments is x, gamma, beta.",
        {"gamma * normalized + beta": "beta * normalized + gamma"},
    ),
    Mistake(
        "gamma-missing",
        "γ is not applied",
        "The output is γ ⊙ x̂ + β: each feature has its own gain.",
        {"gamma * normalized": "normalized"},
    ),
    Mistake(
        "beta-missing",
        "β is not added",
        "The output is γ ⊙ x̂ + β: each feature has its own shift.",
        {"normalized + beta": "normalized"},
    ),
    Mistake(
        "gamma-wrong-axis",
        "γ is applied along the tokens",
        "γ has one entry for each feature, and all tokens share it. NumPy lines it up with the "
        "last axis by itself.",
        {"gamma * normalized": "gamma[:, None] * normalized"},
    ),
    Mistake(
        "gamma-plus-one",
        "the gain is 1 + γ",
        "Gemma stores γ − 1 and multiplies by 1 + w. Here γ is the gain itself.",
        {"gamma * normalized": "(1 + gamma) * normalized"},
    ),
    common.shapes_not_checked(
        "a γ or β",
        {"if not gamma.shape == beta.shape == x.shape[-1:]": "if False"},
        {"gamma.shape == beta.shape == x.shape[-1:]": "gamma.shape == x.shape[-1:]"},
        {"gamma.shape == beta.shape == x.shape[-1:]": "beta.shape == x.shape[-1:]"},
    ),
    common.input_mutated(
        {WIDE: "x", "centered = wide - mean": "wide -= mean; centered = wide"},
    ),
    common.cancellation(ONE_PASS, {WIDE: "x.astype(np.float64)", **ONE_PASS}),
    common.half_statistics({WIDE: "x"}),
    common.float64_narrowed({WIDE: "x.astype(np.float32)"}),
    common.dtype_lost({"+ beta).astype(x.dtype)": "+ beta).astype(float)"}),
)
