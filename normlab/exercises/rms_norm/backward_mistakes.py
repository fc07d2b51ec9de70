"""Exercise 03, second question: the known mistakes, as edits of the reference."""

from normlab.checks.exercise import Mistake
from normlab.exercises import backward, common
from normlab.exercises.rms_norm import familiar

MEAN_SQUARE, RMS = "(wide**2).mean(axis=-1, keepdims=True)", "np.sqrt(mean_square + eps)"
MEAN_GX = "(g_hat * normalized).mean(axis=-1, keepdims=True)"
SUM_GX = "(g_hat * normalized).sum(axis=-1, keepdims=True)"
TERMS = "g_hat - normalized * mean_gx"
DX = f"({TERMS}) / rms"
DGAMMA = "(upstream * normalized).sum(axis=tokens)"
GRADIENTS = "dx.astype(x.dtype), dgamma.astype(gamma.dtype)"
SHAPES = "if not (dy.shape == x.shape and gamma.shape == x.shape[-1:])"


def _axis(axis: str) -> dict[str, str]:
    return {words: words.replace("axis=-1", f"axis={axis}") for words in (MEAN_SQUARE, MEAN_GX)}


OF_DX = (
    backward.deviation_detached("the root mean square", "r", {TERMS: "g_hat"}),
    Mistake(
        "layer-norm-term",
        "dx has the term mean(ĝ) of layer norm",
        "That term comes from the mean, and RMSNorm subtracts none. Its dx need not sum to 0.",
        {TERMS: "g_hat - g_hat.mean(axis=-1, keepdims=True) - normalized * mean_gx"},
        {TERMS: "g_hat - g_hat.mean(axis=-1, keepdims=True)"},
    ),
    familiar.still_centered(
        {
            MEAN_SQUARE: "wide.var(axis=-1, keepdims=True)",
            "wide / rms": "(wide - wide.mean(axis=-1, keepdims=True)) / rms",
        },
        {
            MEAN_SQUARE: "wide.var(axis=-1, keepdims=True)",
            "wide / rms": "(wide - wide.mean(axis=-1, keepdims=True)) / rms",
            TERMS: "g_hat - g_hat.mean(axis=-1, keepdims=True) - normalized * mean_gx",
        },
    ),
    familiar.deviation_for_rms({MEAN_SQUARE: "wide.var(axis=-1, keepdims=True)"}),
    backward.gamma_missing({"upstream * gamma": "upstream"}),
    backward.gamma_after(
        {"upstream * gamma": "upstream", DX: f"gamma * {DX}"}, {DX: f"gamma * {DX}"}
    ),
    backward.gamma_missing_in_mean(
        {"(g_hat * normalized)": "(upstream * normalized)"},
        {TERMS: "upstream - normalized * mean_gx"},
    ),
    backward.term_added({TERMS: "g_hat + normalized * mean_gx"}),
    backward.direct_missing({TERMS: "-normalized * mean_gx"}),
    backward.not_normalized(
        "r",
        {"normalized * mean_gx": "wide * mean_gx"},
        {"(g_hat * normalized)": "(g_hat * wide)"},
        {"normalized * mean_gx": "wide * mean_gx", "(g_hat * normalized)": "(g_hat * wide)"},
        {TERMS: "g_hat - normalized * mean_gx / rms"},
        {TERMS: "g_hat - normalized * mean_gx / rms**2"},
        {TERMS: "g_hat - mean_gx"},
    ),
    backward.factor_two(
        "r",
        {"normalized * mean_gx": "normalized * mean_gx / 2"},
        {"normalized * mean_gx": "2 * normalized * mean_gx"},
    ),
    backward.mean_of_product(
        {MEAN_GX: "g_hat.mean(-1, keepdims=True) * normalized.mean(-1, keepdims=True)"}
    ),
    backward.sum_for_mean({MEAN_GX: SUM_GX}),
    backward.divided_by_rows({MEAN_GX: f"{SUM_GX} / len(x)"}),
    Mistake(
        "length-for-rms",
        "the squares are summed, not averaged",
        "r is the root of the mean of the squares: divide their sum by D.",
        {MEAN_SQUARE: "(wide**2).sum(axis=-1, keepdims=True)"},
    ),
    familiar.unbiased({MEAN_SQUARE: "(wide**2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)"}),
    familiar.root_missing({RMS: "(mean_square + eps)"}),
    backward.not_divided("r", {DX: TERMS}, {DX: f"({TERMS}) * rms"}),
    backward.divided_twice("r", {DX: f"({TERMS}) / rms**2"}, {DX: f"({TERMS}) / rms**3"}),
    backward.divided_by_tokens(
        {"dy.astype(dtype)": "dy.astype(dtype) / (x.size / x.shape[-1])"},
        {DX: f"{DX} / (x.size / x.shape[-1])"},
        {DX: f"{DX} / len(x)"},
    ),
    backward.means_over_tokens(
        {MEAN_GX: "(g_hat * normalized).mean(axis=0)"},
        {MEAN_GX: "(g_hat * normalized).mean(axis=tokens)"},
    ),
)

OF_GAMMA = (
    backward.dgamma_not_summed(
        {DGAMMA: "upstream * normalized"},
        {DGAMMA: "(upstream * normalized).sum(axis=0)"},
    ),
    backward.dgamma_axes_fixed(
        {DGAMMA: "(upstream * normalized).sum(axis=(0, 1))"},
        {DGAMMA: "(upstream * normalized).sum()"},
    ),
    backward.dgamma_over_features({DGAMMA: "(upstream * normalized).sum(axis=-1)"}),
    backward.dgamma_mean({DGAMMA: "(upstream * normalized).mean(axis=tokens)"}),
    backward.dgamma_not_normalized(
        {"(upstream * normalized)": "(upstream * wide)"},
        {"(upstream * normalized)": "(upstream * normalized / rms)"},
    ),
    backward.dgamma_with_gamma({"(upstream * normalized)": "(g_hat * normalized)"}),
    Mistake(
        "dgamma-is-dbeta",
        "dγ is the sum of dy",
        "That is the gradient of a shift. γ multiplies x̂, so its gradient is Σ dy ⊙ x̂.",
        {DGAMMA: "upstream.sum(axis=tokens)"},
    ),
    backward.returned_in_another_order(
        "(dx, dgamma)", {GRADIENTS: "dgamma.astype(gamma.dtype), dx.astype(x.dtype)"}
    ),
)

OF_EPS = (
    common.eps_outside(
        {RMS: "(np.sqrt(mean_square) + eps)"},
        {
            RMS: "(np.sqrt(mean_square) + eps)",
            "normalized * mean_gx": "wide / np.sqrt(mean_square) * mean_gx",
        },
    ),
    familiar.eps_missing(
        {RMS: "np.sqrt(mean_square)"},
        {DX: f"({TERMS}) / np.sqrt(mean_square)"},
        {"wide / rms": "wide / np.sqrt(mean_square)"},
    ),
    familiar.eps_wrong_value(
        {RMS: "np.sqrt(mean_square + 1e-6)"},
        {RMS: "np.sqrt(mean_square + 1e-5)"},
        {RMS: "np.sqrt(mean_square + 1e-8)"},
        {"eps: float = 1e-6": "eps: float = 1e-5"},
        {"eps: float = 1e-6": "eps: float = 1e-8"},
        {"eps: float = 1e-6": "eps: float = 1e-3"},
        {"eps: float = 1e-6": "eps: float = np.finfo(np.float32).eps"},
    ),
    familiar.eps_in_sum({RMS: "np.sqrt(mean_square + eps / x.shape[-1])"}),
)

OF_AXES_AND_DTYPES = (
    common.axis_batch(_axis("0")),
    common.axis_tokens(_axis("-2")),
    common.axis_all(_axis("None"), {MEAN_GX: "(g_hat * normalized).mean()"}),
    backward.axis_example(_axis("tuple(range(1, x.ndim)) or -1"), _axis("tuple(range(1, x.ndim))")),
    backward.axes_of_a_matrix(
        {**_axis("1"), DGAMMA: "(upstream * normalized).sum(axis=0)"}, _axis("1")
    ),
    common.shapes_not_checked(
        "a dy or γ",
        {SHAPES: "if False"},
        {"dy.shape == x.shape and ": ""},
        {" and gamma.shape == x.shape[-1:]": ""},
    ),
    common.input_mutated(
        {"x.astype(dtype)": "x", "normalized = wide / ": "normalized = wide; normalized /= "},
        {"g_hat = upstream * gamma": "g_hat = upstream * gamma; dy[...] = g_hat"},
    ),
    common.half_statistics({"x.astype(dtype)": "x"}),
    backward.half_sums({DGAMMA: "(dy * normalized.astype(dy.dtype)).sum(axis=tokens)"}),
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

MISTAKES = OF_DX + OF_GAMMA + OF_EPS + OF_AXES_AND_DTYPES
