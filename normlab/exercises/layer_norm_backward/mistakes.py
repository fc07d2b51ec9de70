"""Exercise 02: the known mistakes, as edits of the reference."""

from normlab.checks.exercise import Mistake
from normlab.exercises import backward, common

MEAN, VARIANCE = "wide.mean(axis=-1, keepdims=True)", "(centered**2).mean(axis=-1, keepdims=True)"
MEAN_G, MEAN_GX = (
    "g_hat.mean(axis=-1, keepdims=True)",
    "(g_hat * normalized).mean(axis=-1, keepdims=True)",
)
STD, TERMS = "np.sqrt(variance + eps)", "g_hat - mean_g - normalized * mean_gx"
DX = f"({TERMS}) / std"
DGAMMA, DBETA = "(upstream * normalized).sum(axis=tokens)", "upstream.sum(axis=tokens)"


def _axis(axis: str) -> dict[str, str]:
    means = (MEAN, VARIANCE, MEAN_G, MEAN_GX)
    return {words: words.replace("axis=-1", f"axis={axis}") for words in means}


MISTAKES = (
    backward.deviation_detached("the standard deviation", "σ", {TERMS: "g_hat - mean_g"}),
    Mistake(
        "mean-detached",
        "the term mean(ĝ) is missing: the mean is treated as a constant",
        "μ is computed from x, so x acts on y through μ, too. Adding a number to a whole row "
        "changes nothing, so dx sums to 0 over the row; mean(ĝ) sees to that.",
        {TERMS: "g_hat - normalized * mean_gx"},
    ),
    Mistake(
        "statistics-detached",
        "dx has one term of three: mean and deviation are treated as constants",
        "Both are computed from x, so x acts on y through them. mean(ĝ) belongs to the mean, "
        "x̂·mean(ĝ ⊙ x̂) to the deviation.",
        {TERMS: "g_hat"},
    ),
    backward.gamma_missing({"upstream * gamma": "upstream"}),
    backward.gamma_after({"upstream * gamma": "upstream", DX: f"gamma * {DX}"}),
    backward.gamma_missing_in_mean(
        {MEAN_G: "upstream.mean(axis=-1, keepdims=True)"},
        {"(g_hat * normalized)": "(upstream * normalized)"},
    ),
    backward.term_added(
        {TERMS: "g_hat - mean_g + normalized * mean_gx"},
        {TERMS: "g_hat + mean_g - normalized * mean_gx"},
    ),
    backward.not_normalized(
        "σ",
        {"normalized * mean_gx": "centered * mean_gx"},
        {"(g_hat * normalized)": "(g_hat * centered)"},
    ),
    backward.factor_two(
        "σ",
        {"normalized * mean_gx": "normalized * mean_gx / 2"},
        {"normalized * mean_gx": "2 * normalized * mean_gx"},
    ),
    Mistake(
        "not-centered",
        "x̂ is computed without subtracting the mean",
        "x̂ is (x − μ)/σ, the output of the norm before γ and β.",
        {"centered / std": "wide / std"},
    ),
    backward.sum_for_mean(
        {MEAN_G: "g_hat.sum(axis=-1, keepdims=True)"},
        {MEAN_GX: "(g_hat * normalized).sum(axis=-1, keepdims=True)"},
        {
            MEAN_G: "g_hat.sum(axis=-1, keepdims=True)",
            MEAN_GX: "(g_hat * normalized).sum(axis=-1, keepdims=True)",
        },
    ),
    backward.not_divided("σ", {DX: TERMS}),
    backward.divided_twice("σ", {DX: f"({TERMS}) / std**2"}),
    backward.dgamma_not_summed(
        {DGAMMA: "upstream * normalized", DBETA: "upstream * 1"},
        {DGAMMA: "(upstream * normalized).sum(axis=0)", DBETA: "upstream.sum(axis=0)"},
    ),
    backward.dgamma_over_features(
        {DGAMMA: "(upstream * normalized).sum(axis=-1)", DBETA: "upstream.sum(axis=-1)"},
    ),
    backward.dgamma_mean(
        {DGAMMA: "(upstream * normalized).mean(axis=tokens)", DBETA: "upstream.mean(axis=tokens)"},
    ),
    backward.dgamma_not_normalized(
        {"(upstream * normalized)": "(upstream * wide)"},
        {"(upstream * normalized)": "(upstream * centered)"},
    ),
    backward.dgamma_with_gamma(
        {"(upstream * normalized)": "(g_hat * normalized)"},
        {DBETA: "g_hat.sum(axis=tokens)"},
    ),
    Mistake(
        "dbeta-is-dgamma",
        "dβ is what dγ should be",
        "β is added, so its slope is 1 and its gradient Σ dy. γ multiplies x̂, so its gradient is "
        "Σ dy ⊙ x̂.",
        {DBETA: "dgamma"},
    ),
    Mistake(
        "gradients-swapped",
        "dγ and dβ are returned in the wrong order",
        "The order is (dx, dgamma, dbeta). Both have the same shape, so only the numbers tell.",
        {
            "dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)": (
                "dbeta.astype(gamma.dtype), dgamma.astype(gamma.dtype)"
            )
        },
    ),
    common.eps_outside(
        {STD: "(np.sqrt(variance) + eps)"},
        {
            STD: "(np.sqrt(variance) + eps)",
            "normalized * mean_gx": "centered / np.sqrt(variance) * mean_gx",
        },
    ),
    Mistake(
        "eps-missing",
        "ε is missing",
        "The forward pass divides by √(variance + ε), and the backward pass by the same number. "
        "For a constant row dx is finite only because of ε.",
        {STD: "np.sqrt(variance)"},
    ),
    Mistake(
        "eps-wrong-value",
        "ε has another value than the one given, or another default than 1e-5",
        "The backward pass belongs to a forward pass and must use its ε. The default is that of "
        "torch.nn.LayerNorm, 1e-5.",
        {STD: "np.sqrt(variance + 1e-5)"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
    ),
    Mistake(
        "unbiased-variance",
        "the variance is divided by D − 1",
        "Layer norm divides by D (ddof=0). torch.var divides by D − 1 unless told otherwise.",
        {VARIANCE: "wide.var(axis=-1, ddof=1, keepdims=True)"},
        {
            VARIANCE: "wide.var(axis=-1, ddof=1, keepdims=True)",
            MEAN_GX: "(g_hat * normalized).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)",
        },
    ),
    common.axis_batch(_axis("0")),
    common.axis_tokens(_axis("-2")),
    common.axis_all(_axis("None")),
    Mistake(
        "cancellation",
        "the variance is computed as E[x²] − E[x]²",
        "Far from 0 both terms are large and nearly equal, and their difference is rounding error: "
        "it may be negative. Subtract the mean first, then square.",
        {VARIANCE: f"(wide**2).mean(axis=-1, keepdims=True) - {MEAN}**2"},
    ),
    common.half_statistics({"x.astype(dtype)": "x"}),
    common.float64_narrowed({"np.promote_types(x.dtype, np.float32)": "np.float32"}),
    backward.half_sums({DBETA: "dy.sum(axis=tokens)"}),
    common.dtype_lost(
        {"dx.astype(x.dtype)": "dx.astype(float)"},
        {"dgamma.astype(gamma.dtype)": "dgamma.astype(x.dtype)"},
    ),
    common.input_mutated(
        {
            "x.astype(dtype)": "x",
            "centered = wide - wide": "wide -= wide",
            "variance = (": "centered = wide; variance = (",
        },
        {
            "dy.astype(dtype)": "dy",
            "g_hat = upstream * gamma": "upstream *= gamma; g_hat = upstream",
        },
    ),
    backward.shapes_not_checked(
        {"if not (dy.shape == x.shape and gamma.shape == x.shape[-1:])": "if False"},
        {"dy.shape == x.shape and ": ""},
        {" and gamma.shape == x.shape[-1:]": ""},
    ),
)
