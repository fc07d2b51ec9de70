"""Exercise 01: layer norm, forward."""

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.examples import number
from normlab.checks.exercise import Exercise, Law, Mistake, Outputs, Probe, Question
from normlab.exercises import common, row_laws
from normlab.norms.rows import FloatArray


def layer_norm(x: FloatArray, gamma: FloatArray, beta: FloatArray, eps: float = 1e-5) -> FloatArray:
    if not gamma.shape == beta.shape == x.shape[-1:]:
        raise ValueError(f"gamma {gamma.shape} and beta {beta.shape} do not fit x {x.shape}.")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean = wide.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    centered = wide - mean
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = centered / np.sqrt(variance + eps)
    return (gamma * normalized + beta).astype(x.dtype)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, zero = np.ones(4), np.zeros(4)
    many = rng.standard_normal((2, 3, 3))  # (B, T, D) with T = D
    gamma, beta = rng.uniform(0.5, 2.0, 3), rng.standard_normal(3)
    wide_gamma, wide_beta = rng.uniform(0.5, 2.0, 8), rng.standard_normal(8)
    drawn = rng.standard_normal((4, 8))
    return (
        common.plain("one token", {"x": np.array([1.0, 0, 0, 0]), "gamma": one, "beta": zero}),
        common.plain(
            "two tokens, a gain and a shift",
            {"x": np.array([[0.0, 2], [1, 5]]), "gamma": gamma[:2], "beta": beta[:2]},
        ),
        common.plain("a batch of two examples", {"x": many, "gamma": gamma, "beta": beta}),
        common.plain(
            "a variance of the size of ε",
            {"x": np.array([[0.004, 0, 0, 0]]), "gamma": one, "beta": zero},
        ),
        common.plain("a large ε", {"x": drawn, "gamma": wide_gamma, "beta": wide_beta, "eps": 0.5}),
        common.plain("a constant row", {"x": np.full((2, 4), 3.0), "gamma": one, "beta": one}),
        common.plain(
            "a single feature", {"x": np.array([[2.0]]), "gamma": one[:1], "beta": one[:1]}
        ),
        Probe(
            # A float32 mean of numbers near 1e4 is off by about 1e-3.
            "float32 numbers far from 0",
            {
                "x": (drawn + 1e4).astype(np.float32),
                "gamma": wide_gamma.astype(np.float32),
                "beta": wide_beta.astype(np.float32),
            },
            tolerance=5e-3,
            special=True,
            rounding=True,
        ),
        Probe(
            "float64 numbers far from 0",
            {"x": drawn + 1e8, "gamma": wide_gamma, "beta": wide_beta},
            tolerance=1e-6,
            special=True,
            rounding=True,
        ),
        Probe(
            "float16 numbers whose squares overflow",
            {
                "x": np.array([[300.0, -300, 0, 0]], np.float16),
                "gamma": one.astype(np.float16),
                "beta": zero.astype(np.float16),
            },
            tolerance=2e-3,  # two float16 steps
            special=True,
        ),
        Probe(
            "a gain and a shift of another dtype",
            {
                "x": drawn[:1] + 1e4,
                "gamma": wide_gamma.astype(np.float32),
                "beta": wide_beta.astype(np.float32),
            },
            tolerance=1e-6,  # γ may be rounded to float32, the statistics may not
            special=True,
            rounding=True,
        ),
        Probe(
            "a gain and a shift of one number",
            {"x": drawn[0], "gamma": one[:1], "beta": zero[:1]},
            special=True,
            error_names=("(1,)", "(8,)"),
        ),
        Probe(
            "a gain that does not fit",
            {"x": drawn[0], "gamma": one[:1], "beta": wide_beta},
            special=True,
            error_names=("(1,)", "(8,)"),
        ),
        Probe(
            "a shift that does not fit",
            {"x": drawn, "gamma": wide_gamma, "beta": np.zeros((1, 8))},
            special=True,
            error_names=("(1, 8)",),
        ),
    )


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

_ROWS = {"x": np.array([[1.0, 3, -2], [5, 5, 8]]), "gamma": np.ones(3), "beta": np.zeros(3)}


def _mean(out: Outputs) -> str | None:
    mean = out["y"].mean(axis=-1)  # (N, D) -> (N,)
    return (
        None
        if np.allclose(mean, 0, atol=1e-6)
        else f"with γ = 1, β = 0 the means are {number(mean)}."
    )


def _variance(out: Outputs) -> str | None:
    variance = out["y"].var(axis=-1)  # (N, D) -> (N,)
    if np.allclose(variance, 1, atol=1e-3):
        return None
    return f"with γ = 1, β = 0 the variances are {number(variance)}."


LAWS = (
    row_laws.rows_depend(_ROWS),
    Law("mean-not-zero", "the rows do not have mean 0", (_ROWS,), _mean),
    Law("variance-not-one", "the rows do not have variance 1", (_ROWS,), _variance),
    row_laws.moved_input_changes(
        "shift-changes",
        "adding a number to the input changes the output",
        _ROWS,
        lambda x: x + 7,
    ),
    row_laws.scale_changes(_ROWS),
)

EXERCISE = Exercise(
    "01_layer_norm",
    (
        Question(
            function="layer_norm",
            points=4,
            driver=call("y"),
            reference=layer_norm,
            probes=probes,
            mistakes=MISTAKES,
            laws=LAWS,
            hints=(
                "Which axis holds the features of one token? The mean and the variance belong to "
                "that axis, and need `keepdims=True` to be subtracted from x again.",
                "Four steps: the mean; x minus the mean; the mean of its square; divide by the "
                "root of (variance + ε). Then γ times that, plus β. For float16, convert x to "
                "float32 first and convert the result back at the end.",
                "mean = x.mean(axis=-1, keepdims=True); centered = x - mean; "
                "variance = (centered**2).mean(axis=-1, keepdims=True); "
                "y = gamma * centered / np.sqrt(variance + eps) + beta. Before it: raise the "
                "ValueError if gamma.shape or beta.shape is not x.shape[-1:]. After it: "
                "y.astype(x.dtype).",
            ),
        ),
    ),
)
