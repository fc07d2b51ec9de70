"""Exercise 03, second question: the backward pass."""

import numpy as np

from normlab import norms
from normlab.checks.drivers import call
from normlab.checks.examples import number
from normlab.checks.exercise import Law, Mistake, Outputs, Probe, Question
from normlab.exercises import backward, backward_laws, common
from normlab.exercises.rms_norm import familiar
from normlab.norms import FloatArray


def rms_norm_backward(
    dy: FloatArray, x: FloatArray, gamma: FloatArray, eps: float = 1e-6
) -> tuple[FloatArray, FloatArray]:
    if not (dy.shape == x.shape and gamma.shape == x.shape[-1:]):
        raise ValueError(f"dy {dy.shape} and gamma {gamma.shape} do not fit x {x.shape}.")
    dtype = np.promote_types(x.dtype, np.float32)
    wide = x.astype(dtype)
    upstream = dy.astype(dtype)
    mean_square = (wide**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    rms = np.sqrt(mean_square + eps)
    normalized = wide / rms
    g_hat = upstream * gamma
    mean_gx = (g_hat * normalized).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    dx = (g_hat - normalized * mean_gx) / rms
    tokens = tuple(range(x.ndim - 1))
    dgamma = (upstream * normalized).sum(axis=tokens)  # (..., D) -> (D,)
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, gain = np.ones(2), np.array([2.0, 0.5])
    first = {"dy": np.array([1.0, 0]), "x": np.array([3.0, 4]), "gamma": one}
    two = {
        "dy": np.array([[1.0, 0], [3, 2]]),
        "x": np.array([[3.0, 4], [1, -7]]),
        "gamma": gain,
    }
    dy, x = rng.standard_normal((2, 2, 3, 3))  # (B, T, D) with T = D
    drawn = {"dy": dy, "x": x, "gamma": rng.uniform(0.5, 2.0, 3)}
    return (
        common.plain("one token", first),
        common.plain("one token and a gain", first | {"gamma": gain}),
        common.plain("two tokens and a gain", two),
        common.plain("a batch of two examples", drawn),
        common.plain("a large ε", drawn | {"eps": 0.5}),
        common.plain("squares of the size of ε", first | {"x": np.array([0.001, 0])}),
        common.plain("a row of zeros", first | {"x": np.zeros(2)}),
        common.plain(
            "a constant row", {"dy": dy[0, 0], "x": np.full(3, 3.0), "gamma": drawn["gamma"]}
        ),
        *backward_laws.half_probes(dy=[1.0, 0], x=[3.0, 3]),
        Probe(
            "float64 numbers whose squares overflow float32, float32 dy and γ",
            {
                "dy": dy.astype(np.float32),
                "x": 1e30 * x,
                "gamma": drawn["gamma"].astype(np.float32),
            },
            tolerance=1e-6,  # dγ is float32
            special=True,
        ),
        *backward_laws.shape_probes(first, two),
    )


MEAN_SQUARE, RMS = "(wide**2).mean(axis=-1, keepdims=True)", "np.sqrt(mean_square + eps)"
MEAN_GX = "(g_hat * normalized).mean(axis=-1, keepdims=True)"
TERMS = "g_hat - normalized * mean_gx"
DX = f"({TERMS}) / rms"
DGAMMA = "(upstream * normalized).sum(axis=tokens)"


def _axis(axis: str) -> dict[str, str]:
    return {words: words.replace("axis=-1", f"axis={axis}") for words in (MEAN_SQUARE, MEAN_GX)}


MISTAKES = (
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
    backward.gamma_missing({"upstream * gamma": "upstream"}),
    backward.gamma_after({"upstream * gamma": "upstream", DX: f"gamma * {DX}"}),
    backward.gamma_missing_in_mean({"(g_hat * normalized)": "(upstream * normalized)"}),
    backward.term_added({TERMS: "g_hat + normalized * mean_gx"}),
    backward.not_normalized(
        "r",
        {"normalized * mean_gx": "wide * mean_gx"},
        {"(g_hat * normalized)": "(g_hat * wide)"},
        {TERMS: "g_hat - normalized * mean_gx / rms"},
    ),
    backward.factor_two(
        "r",
        {"normalized * mean_gx": "normalized * mean_gx / 2"},
        {"normalized * mean_gx": "2 * normalized * mean_gx"},
    ),
    backward.sum_for_mean({MEAN_GX: "(g_hat * normalized).sum(axis=-1, keepdims=True)"}),
    Mistake(
        "length-for-rms",
        "the squares are summed, not averaged",
        "r is the root of the mean of the squares: divide their sum by D.",
        {MEAN_SQUARE: "(wide**2).sum(axis=-1, keepdims=True)"},
    ),
    familiar.unbiased({MEAN_SQUARE: "(wide**2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)"}),
    backward.not_divided("r", {DX: TERMS}),
    backward.divided_twice("r", {DX: f"({TERMS}) / rms**2"}),
    backward.dgamma_not_summed(
        {DGAMMA: "upstream * normalized"},
        {DGAMMA: "(upstream * normalized).sum(axis=0)"},
    ),
    backward.dgamma_over_features({DGAMMA: "(upstream * normalized).sum(axis=-1)"}),
    backward.dgamma_mean({DGAMMA: "(upstream * normalized).mean(axis=tokens)"}),
    backward.dgamma_not_normalized({"(upstream * normalized)": "(upstream * wide)"}),
    backward.dgamma_with_gamma({"(upstream * normalized)": "(g_hat * normalized)"}),
    Mistake(
        "dgamma-is-dbeta",
        "dγ is the sum of dy",
        "That is the gradient of a shift. γ multiplies x̂, so its gradient is Σ dy ⊙ x̂.",
        {DGAMMA: "upstream.sum(axis=tokens)"},
    ),
    common.eps_outside(
        {RMS: "(np.sqrt(mean_square) + eps)"},
        {
            RMS: "(np.sqrt(mean_square) + eps)",
            "normalized * mean_gx": "wide / np.sqrt(mean_square) * mean_gx",
        },
    ),
    familiar.eps_missing({RMS: "np.sqrt(mean_square)"}),
    familiar.eps_wrong_value(
        {RMS: "np.sqrt(mean_square + 1e-6)"},
        {"eps: float = 1e-6": "eps: float = 1e-5"},
        {"eps: float = 1e-6": "eps: float = np.finfo(np.float32).eps"},
    ),
    common.axis_batch(_axis("0")),
    common.axis_tokens(_axis("-2")),
    common.axis_all(_axis("None"), {MEAN_GX: "(g_hat * normalized).mean()"}),
    common.half_statistics({"x.astype(dtype)": "x"}),
    common.float64_narrowed({"np.promote_types(x.dtype, np.float32)": "np.float32"}),
    backward.half_sums({DGAMMA: "(dy * normalized.astype(dy.dtype)).sum(axis=tokens)"}),
    common.dtype_lost(
        {"dx.astype(x.dtype)": "dx.astype(float)"},
        {"dgamma.astype(gamma.dtype)": "dgamma.astype(x.dtype)"},
    ),
    common.input_mutated(
        {"x.astype(dtype)": "x", "normalized = wide / ": "normalized = wide; normalized /= "},
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

_DRAWN = np.random.default_rng(0).standard_normal((3, 2, 4))
_BATCH = {
    "dy": _DRAWN[0],
    "x": _DRAWN[1],
    "gamma": np.array([1.5, 0.5, 1.0, 2.0]),
    "eps": 0.1,
}


def _orthogonal(out: Outputs) -> str | None:
    slope = (out["dx"] * _BATCH["x"]).sum(axis=-1)  # (N, D) -> (N,)
    if np.allclose(slope, 0, atol=1e-6):
        return None
    return f"with ε = 0 scaling x changes no output, but ⟨dx, x⟩ is {number(slope)}."


LAWS = (
    backward_laws.rows_depend(_BATCH),
    Law(
        "not-orthogonal", "the gradient has a part along x", ({**_BATCH, "eps": 0.0},), _orthogonal
    ),
    backward_laws.differs_from_differences(norms.rms_norm, _BATCH),
    backward_laws.not_linear_in_dy(_BATCH),
    backward_laws.scale_not_inverse(_BATCH),
)

BACKWARD = Question(
    function="rms_norm_backward",
    points=4,
    driver=call("dx", "dgamma"),
    reference=rms_norm_backward,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "Start from the backward pass of layer norm. Which of its three terms came from the mean?",
        "With r = √(mean(x²) + ε), x̂ = x/r and ĝ = dy ⊙ γ: dx = (ĝ − x̂·mean(ĝ ⊙ x̂))/r, the mean "
        "over the last axis. dγ = Σ dy ⊙ x̂ over all axes but the last. For float16, convert x and "
        "dy to float32 first.",
        "rms = np.sqrt((x**2).mean(-1, keepdims=True) + eps); x_hat = x / rms; g_hat = dy * gamma; "
        "dx = (g_hat - x_hat * (g_hat * x_hat).mean(-1, keepdims=True)) / rms; "
        "dgamma = (dy * x_hat).sum(axis=tuple(range(x.ndim - 1))). Before it: raise the "
        "ValueError if dy.shape is not x.shape or gamma.shape is not x.shape[-1:]. After it: "
        "dx.astype(x.dtype), dgamma.astype(gamma.dtype).",
    ),
)

QUESTIONS = (BACKWARD,)
