"""Exercise 02: the known mistakes, as edits of the reference."""

from normlab.checks.exercise import Mistake
from normlab.exercises import backward, common

MEAN, VARIANCE = "wide.mean(axis=-1, keepdims=True)", "(centered**2).mean(axis=-1, keepdims=True)"
MEAN_G, MEAN_GX = (
    "dx_hat.mean(axis=-1, keepdims=True)",
    "(dx_hat * normalized).mean(axis=-1, keepdims=True)",
)
STD, TERMS = "np.sqrt(variance + eps)", "dx_hat - mean_g - normalized * mean_gx"
DX = f"({TERMS}) / std"
SUM_G, SUM_GX = MEAN_G.replace("mean", "sum"), MEAN_GX.replace("mean", "sum")
DGAMMA, DBETA = "(upstream * normalized).sum(axis=tokens)", "upstream.sum(axis=tokens)"
GRADIENTS = "dx.astype(x.dtype), dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)"
SHAPES = "if not (dy.shape == x.shape and gamma.shape == x.shape[-1:])"


def _axis(axis: str) -> dict[str, str]:
    means = (MEAN, VARIANCE, MEAN_G, MEAN_GX)
    return {words: words.replace("axis=-1", f"axis={axis}") for words in means}


OF_DX = (
    backward.deviation_detached("the standard deviation", "σ", {TERMS: "dx_hat - mean_g"}),
    Mistake(
        "mean-detached",
        "the term mean(ĝ) is missing: the mean is treated as a constant",
        "μ is computed from x, so x acts on y through μ, too. Adding a number to a whole row "
        "changes nothing, so dx sums to 0 over the row; mean(ĝ) sees to that.",
        {TERMS: "dx_hat - normalized * mean_gx"},
    ),
    Mistake(
        "statistics-detached",
        "dx has one term of three: mean and deviation are treated as constants",
        "Both are computed from x, so x acts on y through them. mean(ĝ) belongs to the mean, "
        "x̂·mean(ĝ ⊙ x̂) to the deviation.",
        {TERMS: "dx_hat"},
    ),
    backward.gamma_missing({"upstream * gamma": "upstream"}),
    backward.gamma_after(
        {"upstream * gamma": "upstream", DX: f"gamma * {DX}"}, {DX: f"gamma * {DX}"}
    ),
    backward.gamma_missing_in_mean(
        {MEAN_G: "upstream.mean(axis=-1, keepdims=True)"},
        {"(dx_hat * normalized)": "(upstream * normalized)"},
    ),
    backward.term_added(
        {TERMS: "dx_hat - mean_g + normalized * mean_gx"},
        {TERMS: "dx_hat + mean_g - normalized * mean_gx"},
        {TERMS: "dx_hat + mean_g + normalized * mean_gx"},
    ),
    backward.direct_missing({TERMS: "-mean_g - normalized * mean_gx"}),
    Mistake(
        "mean-twice",
        "mean(ĝ) is subtracted twice",
        "There is one path through μ. The path μ → Var → x carries nothing: at the mean the "
        "slope of the variance is 0.",
        {TERMS: "dx_hat - 2 * mean_g - normalized * mean_gx"},
    ),
    backward.not_normalized(
        "σ",
        {"normalized * mean_gx": "centered * mean_gx"},
        {"(dx_hat * normalized)": "(dx_hat * centered)"},
        {
            "normalized * mean_gx": "centered * mean_gx",
            "(dx_hat * normalized)": "(dx_hat * centered)",
        },
        {"normalized * mean_gx": "normalized * mean_gx / std"},
        {"normalized * mean_gx": "normalized * mean_gx / std**2"},
        {"normalized * mean_gx": "mean_gx"},
        {"normalized * mean_gx": "wide * mean_gx"},
        {"(dx_hat * normalized)": "(dx_hat * wide)"},
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
        {MEAN_G: SUM_G},
        {MEAN_GX: SUM_GX},
        {MEAN_G: SUM_G, MEAN_GX: SUM_GX},
    ),
    backward.divided_by_rows(
        {MEAN_G: f"{SUM_G} / len(x)", MEAN_GX: f"{SUM_GX} / len(x)"},
        {MEAN_G: f"{SUM_G} / len(x)"},
        {MEAN_GX: f"{SUM_GX} / len(x)"},
    ),
    Mistake(
        "term-unbiased",
        "the term x̂·mean(ĝ ⊙ x̂) is divided by D − 1 instead of D",
        "That belongs to a variance divided by D − 1. Layer norm divides by D, so this is a mean "
        "over D features.",
        {MEAN_GX: f"{SUM_GX} / (x.shape[-1] - 1)"},
    ),
    backward.not_divided("σ", {DX: TERMS}, {DX: f"({TERMS}) * std"}),
    backward.divided_twice("σ", {DX: f"({TERMS}) / std**2"}, {DX: f"({TERMS}) / std**3"}),
    backward.divided_by_tokens(
        {"dy.astype(dtype)": "dy.astype(dtype) / (x.size / x.shape[-1])"},
        {DX: f"{DX} / (x.size / x.shape[-1])"},
        {DX: f"{DX} / len(x)"},
    ),
    backward.means_over_tokens(
        {MEAN_G: "dx_hat.mean(axis=0)", MEAN_GX: "(dx_hat * normalized).mean(axis=0)"},
        {MEAN_G: "dx_hat.mean(axis=tokens)", MEAN_GX: "(dx_hat * normalized).mean(axis=tokens)"},
    ),
)

OF_PARAMETERS = (
    backward.dgamma_not_summed(
        {DGAMMA: "upstream * normalized", DBETA: "upstream * 1"},
        {DGAMMA: "(upstream * normalized).sum(axis=0)", DBETA: "upstream.sum(axis=0)"},
        {DGAMMA: "(upstream * normalized).sum(axis=0)"},
        {DBETA: "upstream.sum(axis=0)"},
    ),
    backward.dgamma_axes_fixed(
        {DGAMMA: "(upstream * normalized).sum(axis=(0, 1))", DBETA: "upstream.sum(axis=(0, 1))"},
        {DGAMMA: "(upstream * normalized).sum()", DBETA: "upstream.sum()"},
    ),
    backward.dgamma_over_features(
        {DGAMMA: "(upstream * normalized).sum(axis=-1)", DBETA: "upstream.sum(axis=-1)"},
    ),
    backward.dgamma_mean(
        {DGAMMA: "(upstream * normalized).mean(axis=tokens)", DBETA: "upstream.mean(axis=tokens)"},
        {DGAMMA: "(upstream * normalized).mean(axis=tokens)"},
        {DBETA: "upstream.mean(axis=tokens)"},
    ),
    backward.dgamma_not_normalized(
        {"(upstream * normalized)": "(upstream * wide)"},
        {"(upstream * normalized)": "(upstream * centered)"},
        {"(upstream * normalized)": "(upstream * normalized / std)"},
    ),
    backward.dgamma_with_gamma(
        {"(upstream * normalized)": "(dx_hat * normalized)"},
        {DBETA: "dx_hat.sum(axis=tokens)"},
        {"(upstream * normalized)": "(dx_hat * normalized)", DBETA: "dx_hat.sum(axis=tokens)"},
    ),
    Mistake(
        "dbeta-is-dgamma",
        "dβ is what dγ should be",
        "β is added, so its slope is 1 and its gradient Σ dy. γ multiplies x̂, so its gradient is "
        "Σ dy ⊙ x̂.",
        {DBETA: "dgamma"},
    ),
    backward.returned_in_another_order(
        "(dx, dgamma, dbeta). The last two have the same shape, so only the numbers tell",
        {
            "dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)": (
                "dbeta.astype(gamma.dtype), dgamma.astype(gamma.dtype)"
            )
        },
        {GRADIENTS: "dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype), dx.astype(x.dtype)"},
    ),
)

OF_EPS_AND_VARIANCE = (
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
        {DX: f"({TERMS}) / np.sqrt(variance)"},
        {"centered / std": "centered / np.sqrt(variance)"},
    ),
    Mistake(
        "eps-wrong-value",
        "ε has another value than the one given, or another default than 1e-5",
        "The backward pass belongs to a forward pass and must use its ε. The default is that of "
        "torch.nn.LayerNorm, 1e-5.",
        {STD: "np.sqrt(variance + 1e-5)"},
        {STD: "np.sqrt(variance + 1e-6)"},
        {STD: "np.sqrt(variance + 1e-8)"},
        {STD: "np.sqrt(variance + 1e-12)"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
        {"eps: float = 1e-5": "eps: float = 1e-8"},
        {"eps: float = 1e-5": "eps: float = 1e-3"},
        {"eps: float = 1e-5": "eps: float = 1e-12"},
    ),
    Mistake(
        "unbiased-variance",
        "the variance is divided by D − 1",
        "Layer norm divides by D (ddof=0). torch.var divides by D − 1 unless told otherwise.",
        {VARIANCE: "wide.var(axis=-1, ddof=1, keepdims=True)"},
        {
            VARIANCE: "wide.var(axis=-1, ddof=1, keepdims=True)",
            MEAN_GX: "(dx_hat * normalized).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)",
        },
    ),
)

OF_AXES_AND_DTYPES = (
    common.axis_batch(_axis("0")),
    common.axis_tokens(_axis("-2")),
    common.axis_all(
        _axis("None"),
        {MEAN_G: "dx_hat.mean()", MEAN_GX: "(dx_hat * normalized).mean()"},
        {MEAN: "wide.mean()", VARIANCE: "(centered**2).mean()"},
    ),
    backward.axis_example(_axis("tuple(range(1, x.ndim)) or -1"), _axis("tuple(range(1, x.ndim))")),
    backward.axes_of_a_matrix(
        {
            **_axis("1"),
            DGAMMA: "(upstream * normalized).sum(axis=0)",
            DBETA: "upstream.sum(axis=0)",
        },
        _axis("1"),
    ),
    common.shapes_not_checked(
        "a dy or γ",
        {SHAPES: "if False"},
        {"dy.shape == x.shape and ": ""},
        {" and gamma.shape == x.shape[-1:]": ""},
    ),
    common.input_mutated(
        {
            "x.astype(dtype)": "x",
            "centered = wide - wide": "wide -= wide",
            "variance = (": "centered = wide; variance = (",
        },
        {"dx_hat = upstream * gamma": "dx_hat = upstream * gamma; dy[...] = dx_hat"},
    ),
    common.cancellation({VARIANCE: f"(wide**2).mean(axis=-1, keepdims=True) - {MEAN}**2"}),
    common.half_statistics({"x.astype(dtype)": "x"}),
    backward.half_sums(
        {DBETA: "dy.sum(axis=tokens)"},
        {
            DGAMMA: "(dy * normalized.astype(dy.dtype)).sum(axis=tokens)",
            DBETA: "dy.sum(axis=tokens)",
        },
    ),
    common.float64_narrowed(
        {"np.promote_types(x.dtype, np.float32)": "np.float32"},
        {"dx.astype(x.dtype)": "dx.astype(np.float32).astype(x.dtype)"},
        {"dy.astype(dtype)": "dy.astype(np.float32)"},
    ),
    common.dtype_lost(
        {"dx.astype(x.dtype)": "dx.astype(float)"},
        {"dgamma.astype(gamma.dtype)": "dgamma.astype(x.dtype)"},
        {"dgamma.astype(gamma.dtype)": "dgamma"},
    ),
)

MISTAKES = OF_DX + OF_PARAMETERS + OF_EPS_AND_VARIANCE + OF_AXES_AND_DTYPES
