"""Exercise 03, first question: the known mistakes, as edits of the reference."""

from normlab.checks.exercise import Mistake
from normlab.exercises import common
from normlab.exercises.rms_norm import familiar

MEAN_SQUARE, ROOT = "(wide**2).mean(axis=-1, keepdims=True)", "np.sqrt(mean_square + eps)"
SUM, LENGTH = (
    "(wide**2).sum(axis=-1, keepdims=True)",
    "np.linalg.norm(wide, axis=-1, keepdims=True)",
)
WIDE = "x.astype(np.promote_types(x.dtype, np.float32))"
Y, CAST = "(gamma * normalized).astype(x.dtype)", "normalized.astype(x.dtype)"


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
    familiar.deviation_for_rms(
        {MEAN_SQUARE: "wide.var(axis=-1, keepdims=True)"},
        {MEAN_SQUARE: "wide.var(axis=-1, ddof=1, keepdims=True)"},
    ),
    familiar.sum_for_mean({MEAN_SQUARE: SUM}),
    familiar.mean_outside({ROOT: f"(np.sqrt({SUM} + eps) / x.shape[-1])"}),
    familiar.unbiased({MEAN_SQUARE: f"{SUM} / (x.shape[-1] - 1)"}),
    familiar.mean_of_sizes(
        {MEAN_SQUARE: "abs(wide).mean(axis=-1, keepdims=True) ** 2"},
        {MEAN_SQUARE: "wide.mean(axis=-1, keepdims=True) ** 2"},
    ),
    familiar.root_missing({ROOT: "(mean_square + eps)"}),
    familiar.root_twice({ROOT: "np.sqrt(np.sqrt(mean_square) + eps)"}),
    familiar.multiplied({"wide / ": "wide * "}),
    familiar.eps_missing({ROOT: "np.sqrt(mean_square)"}),
    common.eps_outside({ROOT: "(np.sqrt(mean_square) + eps)"}),
    familiar.eps_wrong_value(
        {ROOT: "np.sqrt(mean_square + 1e-6)"},
        {ROOT: "np.sqrt(mean_square + 1e-5)"},
        {ROOT: "np.sqrt(mean_square + 1e-8)"},
        {ROOT: "np.sqrt(mean_square + 1e-12)"},
        {"eps: float = 1e-6": "eps: float = 1e-5"},
        {"eps: float = 1e-6": "eps: float = 1e-8"},
        {"eps: float = 1e-6": "eps: float = 1e-3"},
        {"eps: float = 1e-6": "eps: float = 1e-12"},
        {"eps: float = 1e-6": "eps: float = np.finfo(np.float32).eps"},
    ),
    familiar.eps_as_floor(
        {ROOT: "np.maximum(np.sqrt(mean_square), eps)"},
        {ROOT: f"(np.maximum({LENGTH}, eps) / x.shape[-1] ** 0.5)"},
        {ROOT: f"(np.maximum({LENGTH}, 1e-12) / x.shape[-1] ** 0.5)"},
        {ROOT: "np.sqrt(np.maximum(mean_square, eps))"},
    ),
    familiar.eps_in_sum({ROOT: f"np.sqrt(({SUM} + eps) / x.shape[-1])"}),
    familiar.eps_scaled(
        {ROOT: "np.sqrt(mean_square + eps * abs(wide).max(axis=-1, keepdims=True) ** 2)"},
    ),
    familiar.gamma_missing({"gamma * normalized": "normalized"}),
    common.gamma_plus_one({"gamma * normalized": "(1 + gamma) * normalized"}),
    familiar.gain_first({MEAN_SQUARE: "((gamma * wide) ** 2).mean(axis=-1, keepdims=True)"}),
    familiar.part_of_features(
        {MEAN_SQUARE: "(wide[..., : max(1, x.shape[-1] // 4)] ** 2).mean(axis=-1, keepdims=True)"},
        {MEAN_SQUARE: "(wide[..., : max(1, x.shape[-1] // 2)] ** 2).mean(axis=-1, keepdims=True)"},
    ),
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
    Mistake(
        "axis-example",
        "the mean square is taken over an example, tokens and features together",
        "Then padding changes every token of a sentence. Take it over the last axis alone.",
        _axis("tuple(range(1, x.ndim)) or -1"),
        _axis("tuple(range(1, x.ndim))"),
    ),
    Mistake(
        "axis-one",
        "the mean square is taken over axis 1, which is the last one of a matrix alone",
        "x may have any number of leading axes. The features are axis −1.",
        _axis("1"),
    ),
    common.shapes_not_checked(
        "a γ",
        {"if gamma.shape != x.shape[-1:]": "if False"},
        {"if gamma.shape != x.shape[-1:]": "if gamma.shape[-1] != x.shape[-1]"},
        {"if gamma.shape != x.shape[-1:]": "if gamma.size not in (1, x.shape[-1])"},
    ),
    common.input_mutated(
        {WIDE: "x", "normalized = wide / ": "normalized = wide; normalized /= "},
    ),
    common.half_statistics({WIDE: "x"}, {MEAN_SQUARE: "(x**2).mean(axis=-1, keepdims=True)"}),
    common.float64_narrowed({WIDE: "x.astype(np.float32)"}, {Y: f"{Y}.astype(np.float32)"}),
    Mistake(
        "cast-before-gain",
        "x̂ is rounded to half precision before γ multiplies",
        "Below 0.00006 float16 has ever fewer digits. A large gain brings such numbers back, and "
        "their error with them. Multiply in float32, then convert.",
        {Y: f"(gamma * {CAST}).astype(x.dtype)"},
        {Y: f"gamma * {CAST}"},
    ),
    Mistake(
        "gain-rounded",
        "γ is rounded to half precision before it multiplies",
        "float16 ends at 65,504, and has 11 binary digits. The product is converted, and neither "
        "of its factors.",
        {Y: "(gamma.astype(x.dtype) * normalized).astype(x.dtype)"},
    ),
    common.dtype_lost({Y: "(gamma * normalized).astype(float)"}),
)
