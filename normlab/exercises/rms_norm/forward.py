"""Exercise 03, first question: the forward pass."""

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.examples import number
from normlab.checks.exercise import Law, Mistake, Outputs, Probe, Question
from normlab.exercises import common, row_laws
from normlab.exercises.rms_norm import familiar
from normlab.norms import FloatArray


def rms_norm(x: FloatArray, gamma: FloatArray, eps: float = 1e-6) -> FloatArray:
    if gamma.shape != x.shape[-1:]:
        raise ValueError(f"gamma {gamma.shape} does not fit x {x.shape}.")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean_square = (wide**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = wide / np.sqrt(mean_square + eps)
    return (gamma * normalized).astype(x.dtype)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, gain = np.ones(2), np.array([2.0, 0.5])
    many = rng.standard_normal((2, 3, 3))  # (B, T, D) with T = D
    gamma = rng.uniform(0.5, 2.0, 3)
    return (
        common.plain("one token", {"x": np.array([3.0, 4]), "gamma": one}),
        common.plain("one token and a gain", {"x": np.array([3.0, 4]), "gamma": gain}),
        common.plain("two tokens", {"x": np.array([[3.0, 4], [1, -7]]), "gamma": gain}),
        common.plain("a batch of two examples", {"x": many, "gamma": gamma}),
        common.plain("a large ε", {"x": many, "gamma": gamma, "eps": 0.5}),
        common.plain("squares of the size of ε", {"x": np.array([0.001, 0]), "gamma": one}),
        common.plain("a row of zeros", {"x": np.zeros(2), "gamma": one}),
        common.plain("a single feature", {"x": np.full((3, 1), 2.0), "gamma": one[:1]}),
        common.plain("a constant row", {"x": np.full(3, 3.0), "gamma": gamma}),
        Probe(
            "float16 numbers whose squares overflow",
            {
                "x": np.array([[300, -300, 0, 0]], np.float16),
                "gamma": np.ones(4, np.float16),
            },
            tolerance=2e-3,  # two float16 steps
            special=True,
        ),
        Probe(
            "float16 numbers, float32 γ",
            {"x": many[0].astype(np.float16), "gamma": gamma.astype(np.float32)},
            tolerance=2e-3,
            special=True,
        ),
        Probe(
            "float64 numbers whose squares overflow float32, float32 γ",
            {"x": 1e30 * many[0], "gamma": gamma.astype(np.float32)},
            special=True,
        ),
        Probe(
            "a γ of one number",
            {"x": np.array([3.0, 4]), "gamma": one[:1]},
            special=True,
            error_names=("(1,)", "(2,)"),
        ),
        Probe(
            "a γ of two axes",
            {"x": np.array([[3.0, 4], [1, -7]]), "gamma": np.ones((1, 2))},
            special=True,
            error_names=("(1,2)",),
        ),
    )


MEAN_SQUARE, ROOT = "(wide**2).mean(axis=-1, keepdims=True)", "np.sqrt(mean_square + eps)"
WIDE = "x.astype(np.promote_types(x.dtype, np.float32))"


def _axis(axis: str) -> dict[str, str]:
    return {MEAN_SQUARE: MEAN_SQUARE.replace("axis=-1", f"axis={axis}")}


MISTAKES = (
    familiar.still_centered(
        {"wide / ": "(wide - wide.mean(axis=-1, keepdims=True)) / "},
        {
            "wide / ": "(wide - wide.mean(axis=-1, keepdims=True)) / ",
            MEAN_SQUARE: "wide.var(axis=-1, keepdims=True)",
        },
    ),
    familiar.deviation_for_rms({MEAN_SQUARE: "wide.var(axis=-1, keepdims=True)"}),
    familiar.sum_for_mean({MEAN_SQUARE: "(wide**2).sum(axis=-1, keepdims=True)"}),
    familiar.mean_outside(
        {ROOT: "(np.sqrt((wide**2).sum(-1, keepdims=True) + eps) / x.shape[-1])"}
    ),
    familiar.unbiased({MEAN_SQUARE: "(wide**2).sum(axis=-1, keepdims=True) / (x.shape[-1] - 1)"}),
    familiar.mean_of_sizes(
        {MEAN_SQUARE: "abs(wide).mean(axis=-1, keepdims=True) ** 2"},
        {MEAN_SQUARE: "wide.mean(axis=-1, keepdims=True) ** 2"},
    ),
    familiar.root_missing({ROOT: "(mean_square + eps)"}),
    familiar.eps_missing({ROOT: "np.sqrt(mean_square)"}),
    familiar.eps_as_floor({ROOT: "np.maximum(np.sqrt(mean_square), eps)"}),
    common.eps_outside({ROOT: "(np.sqrt(mean_square) + eps)"}),
    familiar.eps_wrong_value(
        {ROOT: "np.sqrt(mean_square + 1e-6)"},
        {"eps: float = 1e-6": "eps: float = 1e-5"},
        {"eps: float = 1e-6": "eps: float = 1e-8"},
        {"eps: float = 1e-6": "eps: float = np.finfo(np.float32).eps"},
    ),
    familiar.gamma_missing({"gamma * normalized": "normalized"}),
    common.gamma_plus_one({"gamma * normalized": "(1 + gamma) * normalized"}),
    Mistake(
        "gamma-wrong-axis",
        "γ is applied along the tokens",
        "γ has one entry for each feature, and all tokens share it. NumPy lines it up with the "
        "last axis by itself.",
        {"gamma * normalized": "gamma[:, None] * normalized"},
    ),
    common.keepdims_missing({MEAN_SQUARE: "(wide**2).mean(axis=-1)"}),
    common.axis_batch(_axis("0")),
    common.axis_tokens(_axis("-2")),
    common.axis_all(_axis("None")),
    common.half_statistics({WIDE: "x"}),
    common.float64_narrowed({WIDE: "x.astype(np.float32)"}),
    common.dtype_lost(
        {"(gamma * normalized).astype(x.dtype)": "(gamma * normalized).astype(float)"},
        {"(gamma * normalized).astype(x.dtype)": "gamma * normalized.astype(x.dtype)"},
    ),
    common.input_mutated(
        {WIDE: "x", "normalized = wide / ": "normalized = wide; normalized /= "},
    ),
    common.gamma_shape_not_checked(
        {"if gamma.shape != x.shape[-1:]": "if False"},
        {"if gamma.shape != x.shape[-1:]": "if gamma.shape[-1] != x.shape[-1]"},
    ),
)

_ROWS = {"x": np.array([[1.0, 3, -2], [5, 5, 8]]), "gamma": np.ones(3)}


def _direction(out: Outputs) -> str | None:
    x, y = _ROWS["x"], out["y"]
    cosine = (x * y).sum(-1) / np.linalg.norm(x, axis=-1) / np.linalg.norm(y, axis=-1)
    if np.allclose(cosine, 1, atol=1e-6):
        return None
    return f"with γ = 1 the cosines between x and y are {number(cosine)}."


LAWS = (
    row_laws.rows_depend(_ROWS),
    Law("direction-changes", "the rows do not keep their direction", (_ROWS,), _direction),
    row_laws.size_not_one(_ROWS),
    row_laws.scale_changes(_ROWS),
)

FORWARD = Question(
    function="rms_norm",
    points=3,
    driver=call("y"),
    reference=rms_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "No mean is subtracted. One number is computed for each token: the root of the mean of "
        "its squares (and ε).",
        "mean_square has the shape (..., 1): square x, take the mean over the last axis with "
        "keepdims=True. Divide x by the root of (mean_square + ε) and multiply by γ. For float16, "
        "convert x to float32 first and convert the result back at the end.",
        "mean_square = (x**2).mean(axis=-1, keepdims=True); "
        "y = gamma * x / np.sqrt(mean_square + eps). Before it: raise the ValueError if "
        "gamma.shape is not x.shape[-1:]. After it: y.astype(x.dtype).",
    ),
)

QUESTIONS = (FORWARD,)
