"""Exercise 02, the known mistakes of the steps on the way, as edits of their references."""

from collections.abc import Mapping

from normlab.checks.exercise import Mistake
from normlab.exercises import common

Form = Mapping[str, str]

MEAN, SQUARES = "x.mean(axis=-1, keepdims=True)", "(centered**2).mean(axis=-1, keepdims=True)"
SIGMA = f"np.sqrt({SQUARES} + eps)"
SUM_GX = "(dx_hat * x_hat).sum(axis=-1, keepdims=True)"
SUM_GC = "(dx_hat * centered).sum(axis=-1, keepdims=True)"
SUM_G = "dx_hat.sum(axis=-1, keepdims=True)"


def _axis(axis: str, *sums: str) -> Form:
    return {words: words.replace("axis=-1", f"axis={axis}") for words in (MEAN, SQUARES, *sums)}


def _sign(symbol: str, why: str, *forms: Form) -> Mistake:
    return Mistake("sign", f"{symbol} has the wrong sign", why, *forms)


def _mean_for_sum(symbol: str, *forms: Form) -> Mistake:
    return Mistake(
        "mean-for-sum",
        f"{symbol} is a mean over the features, not a sum",
        "The loss depends on it through each of the D features, and their parts add up. The 1/D "
        "comes with the next step.",
        *forms,
    )


def _not_summed(*forms: Form) -> Mistake:
    return Mistake(
        "not-summed",
        "the parts of the features are not summed",
        "One statistic serves all D features, so its gradient is one number for each token: a sum "
        "over the last axis, of shape (..., 1).",
        *forms,
    )


def _axis_lost(*forms: Form) -> Mistake:
    return Mistake(
        "keepdims-missing",
        "the sum loses its last axis",
        "One number for each token, in the shape (..., 1): keepdims=True. Then it can be "
        "multiplied by rows.",
        *forms,
    )


def _unbiased(*forms: Form) -> Mistake:
    return Mistake(
        "unbiased-variance",
        "the variance is divided by D − 1",
        "Layer norm divides by D (ddof=0). torch.var divides by D − 1 unless told otherwise.",
        {SQUARES: "x.var(axis=-1, ddof=1, keepdims=True)"},
        *forms,
    )


def _variance_for_sigma(*forms: Form) -> Mistake:
    return Mistake(
        "variance-for-sigma",
        "σ is computed without its root",
        "σ = √(Var + ε).",
        {SIGMA: f"({SQUARES} + eps)"},
        *forms,
    )


def _axes(*sums: str) -> tuple[Mistake, ...]:
    return (
        common.axis_batch(_axis("0", *sums)),
        common.axis_tokens(_axis("-2", *sums)),
        common.axis_all(
            _axis("None", *sums),
            *({words: words.replace("axis=-1", "axis=None")} for words in sums),
        ),
    )


EPSILON = (
    Mistake(
        "eps-missing",
        "ε is missing",
        "The forward pass divides by σ = √(Var + ε), and the backward pass by the same number.",
        {SIGMA: f"np.sqrt({SQUARES})"},
    ),
    common.eps_outside({SIGMA: f"(np.sqrt({SQUARES}) + eps)"}),
    Mistake(
        "eps-wrong-value",
        "ε has another value than the one given, or another default than 1e-5",
        "The backward pass belongs to a forward pass and must use its ε. The default is that of "
        "torch.nn.LayerNorm, 1e-5.",
        {SIGMA: f"np.sqrt({SQUARES} + 1e-5)"},
        {SIGMA: f"np.sqrt({SQUARES} + 1e-8)"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
        {"eps: float = 1e-5": "eps: float = 1e-8"},
    ),
)

OF_VARIANCE = (
    _sign(
        "dvar",
        "A larger variance makes every x̂ᵢ smaller: the slope of (Var + ε)^(−1/2) is negative.",
        {f"-{SUM_GX}": SUM_GX},
    ),
    Mistake(
        "factor-two",
        "dvar is twice or half as large as it should be",
        "The slope of a root, here of (Var + ε)^(−1/2), brings a factor ½.",
        {"(2 * sigma**2)": "sigma**2"},
        {"(2 * sigma**2)": "(4 * sigma**2)"},
    ),
    Mistake(
        "power-of-sigma",
        "dvar has a power of σ too many or too few",
        "The slope is (xᵢ − μ)·(−½)·(Var + ε)^(−3/2): three σ in all, one of which is in x̂ᵢ "
        "already.",
        {"2 * sigma**2": "2 * sigma"},
        {"2 * sigma**2": "2 * sigma**3"},
        {"(2 * sigma**2)": "2"},
        {"(dx_hat * x_hat)": "(dx_hat * centered)", "2 * sigma**2": "2 * sigma"},
        {"(dx_hat * x_hat)": "(dx_hat * centered)"},
        {"2 * sigma**2": "2 * sigma**4"},
    ),
    Mistake(
        "not-centered",
        "the mean is not subtracted from x",
        "x̂ᵢ is (xᵢ − μ)/σ, and its slope with respect to Var has the factor xᵢ − μ.",
        {"centered / sigma": "x / sigma"},
    ),
    Mistake(
        "x-hat-missing",
        "the factor x̂ is missing in the sum",
        "A change of Var moves each x̂ᵢ in proportion to x̂ᵢ itself.",
        {"(dx_hat * x_hat)": "dx_hat"},
    ),
    Mistake(
        "dx-hat-missing",
        "dx_hat is missing in the sum",
        "The chain rule: what arrives at x̂ᵢ times the slope of x̂ᵢ.",
        {"(dx_hat * x_hat)": "x_hat"},
    ),
    _mean_for_sum("dvar", {SUM_GX: SUM_GX.replace("sum", "mean")}),
    Mistake(
        "product-of-sums",
        "sum(ĝ ⊙ x̂) is computed as a product of two sums",
        "First multiply feature by feature, then sum. The x̂ᵢ of a row alone sum to 0.",
        {SUM_GX: f"{SUM_G} * x_hat.sum(axis=-1, keepdims=True)"},
    ),
    _not_summed({SUM_GX: "(dx_hat * x_hat)"}),
    _axis_lost(
        {
            SUM_GX: "(dx_hat * x_hat).sum(axis=-1)",
            "(2 * sigma**2)": "(2 * sigma.squeeze(-1) ** 2)",
        },
        {SUM_GX: "(dx_hat * x_hat).sum(axis=-1)"},
    ),
    _unbiased(),
    _variance_for_sigma(),
    *EPSILON,
    *_axes(SUM_GX),
)

OF_MEAN = (
    _sign(
        "dmean",
        "A larger μ makes every x̂ᵢ = (xᵢ − μ)/σ smaller: the slope is −1/σ.",
        {f"-{SUM_G}": SUM_G},
    ),
    _mean_for_sum("dmean", {SUM_G: SUM_G.replace("sum", "mean")}),
    Mistake(
        "power-of-sigma",
        "dmean has a power of σ too many or too few",
        "x̂ᵢ = (xᵢ − μ)/σ has the slope −1/σ with respect to μ.",
        {"keepdims=True) / sigma": "keepdims=True)"},
        {"keepdims=True) / sigma": "keepdims=True) / sigma**2"},
        {"keepdims=True) / sigma": "keepdims=True) * sigma"},
    ),
    Mistake(
        "x-hat-in-sum",
        "the sum has a factor x̂, or x − μ, too many",
        "A change of μ moves all x̂ᵢ by the same amount, −1/σ times it. The factor x̂ belongs to the "
        "variance.",
        {f"-{SUM_G}": "-(dx_hat * centered / sigma).sum(axis=-1, keepdims=True)"},
        {f"-{SUM_G}": "-(dx_hat * centered).sum(axis=-1, keepdims=True)"},
    ),
    Mistake(
        "variance-through-mean",
        "a term comes through Var that should be 0",
        "∂Var/∂μ = −(2/D)·Σ(xᵢ − μ), and deviations from the mean sum to 0. Without the sum, or "
        "with xᵢ for xᵢ − μ, something is left.",
        {
            "keepdims=True) / sigma": f"keepdims=True) / sigma + {SUM_GC} / sigma**3 * "
            f"{MEAN}".replace("axis=-1", "-1"),
        },
        {
            "keepdims=True) / sigma": f"keepdims=True) / sigma + {SUM_GC} / sigma**3 * "
            "centered / x.shape[-1]",
        },
        {
            "keepdims=True) / sigma": f"keepdims=True) / sigma + {SUM_GC} / sigma**3 * centered",
        },
    ),
    _not_summed({SUM_G: "dx_hat"}),
    _axis_lost(
        {"dx_hat.sum(axis=-1, keepdims=True) / sigma": "dx_hat.sum(axis=-1) / sigma.squeeze(-1)"},
        {SUM_G: "dx_hat.sum(axis=-1)"},
    ),
    _unbiased(),
    *EPSILON,
    *_axes(SUM_G),
)

DIRECT, BY_VARIANCE, BY_MEAN = "dx_hat / sigma + ", "dvar * 2 * centered / size", "+ dmean / size"

OF_INPUT = (
    Mistake(
        "only-direct",
        "dx is the direct path alone",
        "x acts on y through μ and Var, too. Their paths bring dmean and dvar to every feature.",
        {f"{BY_VARIANCE} {BY_MEAN}": "0 * x"},
    ),
    Mistake(
        "variance-path-missing",
        "the path through the variance is missing",
        "Var is computed from x: it brings dvar·2(xᵢ − μ)/D to feature i.",
        {f"{BY_VARIANCE} {BY_MEAN}": "dmean / size"},
    ),
    Mistake(
        "mean-path-missing",
        "the path through the mean is missing",
        "μ is computed from x: it brings dmean/D to every feature.",
        {f" {BY_MEAN}": ""},
    ),
    Mistake(
        "direct-missing",
        "the direct path is missing",
        "xᵢ stands in x̂ᵢ itself, with the slope 1/σ.",
        {DIRECT: ""},
    ),
    Mistake(
        "sum-for-mean",
        "D is forgotten: a path through a mean is not divided by it",
        "μ and Var are means over D features. Moving one feature moves μ by 1/D as much, and Var "
        "by 2(xᵢ − μ)/D.",
        {BY_VARIANCE: "dvar * 2 * centered"},
        {BY_MEAN: "+ dmean"},
        {f"{BY_VARIANCE} {BY_MEAN}": "dvar * 2 * centered + dmean"},
    ),
    Mistake(
        "divided-by-rows",
        "the number of rows stands where D belongs",
        "D is the number of features, x.shape[-1]. len(x) is the size of the first axis.",
        {"x.shape[-1]": "len(x)"},
    ),
    Mistake(
        "factor-two",
        "the path through the variance is twice or half as large as it should be",
        "The square gives ∂Var/∂xᵢ = 2(xᵢ − μ)/D, and the root gives dvar a factor ½.",
        {"dvar * 2 * centered": "dvar * centered"},
        {"(2 * sigma**3)": "sigma**3"},
        {"dvar * 2 * centered": "dvar * centered", "(2 * sigma**3)": "(4 * sigma**3)"},
    ),
    _sign(
        "a path",
        "The signs are in dvar and dmean already: their paths are added.",
        {f"{DIRECT}dvar": "dx_hat / sigma - dvar"},
        {BY_MEAN: "- dmean / size"},
        {f"{DIRECT}dvar": "dx_hat / sigma - dvar", BY_MEAN: "- dmean / size"},
    ),
    Mistake(
        "power-of-sigma",
        "a path has a power of σ too many or too few",
        "The direct path is ĝ/σ. Var and μ depend on x without any σ: 2(xᵢ − μ)/D and 1/D.",
        {DIRECT: "dx_hat + "},
        {DIRECT: "dx_hat * sigma + "},
        {DIRECT: "dx_hat / sigma**2 + "},
        {BY_VARIANCE: "dvar * 2 * centered / sigma / size"},
        {BY_MEAN: "+ dmean / sigma / size"},
        {"(2 * sigma**3)": "(2 * sigma)"},
        {"(2 * sigma**3)": "(2 * sigma**2)"},
    ),
    Mistake(
        "not-centered",
        "the mean is not subtracted from x",
        "∂Var/∂xᵢ = 2(xᵢ − μ)/D: features at the mean do not move the variance.",
        {BY_VARIANCE: "dvar * 2 * x / size"},
        {"(dx_hat * centered)": "(dx_hat * x)"},
    ),
    Mistake(
        "mean-within-variance",
        "1 − 1/D stands in the path through the variance",
        "xᵢ moves Var directly and through μ, but Var does not change with μ: only 2(xᵢ − μ)/D is "
        "left.",
        {BY_VARIANCE: "dvar * 2 * centered / size * (1 - 1 / size)"},
    ),
    Mistake(
        "factor-d",
        "all of dx is D times too large or too small",
        "Only the two paths through the means have a factor 1/D; the direct one has none.",
        {DIRECT: "dx_hat / sigma / size + "},
        {
            DIRECT: "size * dx_hat / sigma + ",
            f"{BY_VARIANCE} {BY_MEAN}": "dvar * 2 * centered + dmean",
        },
    ),
    _unbiased({"x.shape[-1]": "x.shape[-1] - 1"}),
    _variance_for_sigma(),
    *EPSILON,
    *_axes(SUM_GC, SUM_G),
)
