"""The known mistakes of exercise 01, most likely first."""

from normlab.checks.exercise import Mistake
from normlab.exercises import common


def _axis(axis: str) -> dict[str, str]:
    return {
        "wide.mean(axis=-1": f"wide.mean(axis={axis}",
        "(centered**2).mean(axis=-1": f"(centered**2).mean(axis={axis}",
    }


ONE_PASS = {
    "(centered**2).mean(axis=-1, keepdims=True)": "(wide**2).mean(-1, keepdims=True) - mean**2"
}
DIVISOR = "np.sqrt(variance + eps)"
WIDE = "x.astype(np.promote_types(x.dtype, np.float32))"

MISTAKES = (
    Mistake(
        "unbiased-variance",
        "the variance is divided by D − 1",
        "Layer norm describes the D numbers in front of it; it does not estimate a variance from a "
        "sample. Divide by D (ddof=0). torch.var divides by D − 1 unless told otherwise.",
        {"(centered**2).mean(axis=-1, keepdims=True)": "wide.var(axis=-1, ddof=1, keepdims=True)"},
    ),
    Mistake(
        "eps-outside",
        "ε stands outside the root",
        "√variance + ε and √(variance + ε) differ as soon as the variance is small: for variance 0 "
        "one divides by ε, the other by √ε.",
        {DIVISOR: "(np.sqrt(variance) + eps)"},
    ),
    Mistake(
        "eps-missing",
        "ε is missing",
        "A constant row has variance 0, and 0/0 is NaN. ε also damps rows of tiny variance.",
        {DIVISOR: "np.sqrt(variance)"},
    ),
    Mistake(
        "eps-wrong-value",
        "ε has another value than the one given, or another default than 1e-5",
        "1e-5 is the default of torch.nn.LayerNorm; Keras has 1e-3, BERT 1e-12, Flax 1e-6. Weights "
        "carried over with another ε give other outputs.",
        {DIVISOR: "np.sqrt(variance + 1e-5)"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
        {"eps: float = 1e-5": "eps: float = 1e-8"},
        {"eps: float = 1e-5": "eps: float = 1e-12"},
        {"eps: float = 1e-5": "eps: float = 1e-3"},
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
    ),
    Mistake(
        "axis-tokens",
        "the mean and variance are taken over the tokens",
        "The tokens stand in axis −2. Layer norm takes its statistics over the features, axis −1.",
        _axis("-2"),
    ),
    Mistake(
        "axis-all",
        "one mean and one variance for all numbers",
        "Every token has its own statistics. One for all lets the tokens, and the examples of a "
        "batch, change each other's outputs.",
        _axis("None"),
    ),
    Mistake(
        "axis-example",
        "one mean and variance for each example, tokens and features together",
        "Then padding changes every token of a sentence. Take the statistics over the last axis "
        "alone.",
        _axis("tuple(range(1, x.ndim)) or -1"),
    ),
    common.keepdims_missing(
        {"(centered**2).mean(axis=-1, keepdims=True)": "(centered**2).mean(axis=-1)"},
        {
            "wide.mean(axis=-1, keepdims=True)": "wide.mean(axis=-1)",
            "(centered**2).mean(axis=-1, keepdims=True)": "wide.var(axis=-1)",
        },
    ),
    Mistake(
        "mean-not-subtracted",
        "the mean is not subtracted",
        "Without it the rows do not have mean 0. (RMSNorm leaves it out, and then has another "
        "divisor too.)",
        {"centered / ": "wide / "},
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
    Mistake(
        "cancellation",
        "the variance is computed as E[x²] − E[x]²",
        "Far from 0 both terms are large and nearly equal, and their difference is rounding error: "
        "it may be negative. Subtract the mean first, then square.",
        ONE_PASS,
        {WIDE: "x.astype(np.float64)", **ONE_PASS},
    ),
    Mistake(
        "half-statistics",
        "the statistics are computed in half precision",
        "float16 ends at 65,504, so the square of 256 is already infinite. Compute in float32, and "
        "give back float16.",
        {WIDE: "x"},
    ),
    common.float64_narrowed({WIDE: "x.astype(np.float32)"}),
    Mistake(
        "dtype-lost",
        "the dtype is lost",
        "A norm gives back the dtype that it is given; otherwise every layer after it pays.",
        {"+ beta).astype(x.dtype)": "+ beta).astype(float)"},
    ),
    Mistake(
        "input-mutated",
        "x is changed in place",
        "The caller still needs x: in a transformer it is the residual stream.",
        {WIDE: "x", "centered = wide - mean": "wide -= mean; centered = wide"},
    ),
    Mistake(
        "shapes-not-checked",
        "a γ or β of the wrong shape raises no ValueError that names the shapes",
        "NumPy stretches a shape (1,) or (1, D) without a word, and the result is no layer norm. "
        "Whoever reads the error wants to see both shapes.",
        {"if not gamma.shape == beta.shape == x.shape[-1:]": "if False"},
        {"gamma.shape == beta.shape == x.shape[-1:]": "gamma.shape == x.shape[-1:]"},
        {"gamma.shape == beta.shape == x.shape[-1:]": "beta.shape == x.shape[-1:]"},
    ),
)
