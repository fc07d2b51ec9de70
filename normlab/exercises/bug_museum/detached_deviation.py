"""Exhibit 3: TinyTorch's standard deviation, cut off from the gradient.

Source: github.com/MLSysBook/TinyTorch, src/13_transformers/13_transformers.py, class LayerNorm
(read at commit c4d0bdb). Our copy is the backward pass that its forward pass leads to.
"""

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import FORMULA, Mistake, Probe, Question
from normlab.exercises import common, inputs
from normlab.exercises.bug_museum import familiar
from normlab.exercises.bug_museum.exhibit import (
    Exhibit,
    Reason,
    failing_input_question,
)
from normlab.exercises.bug_museum.laws import FINITE_DIFFERENCES
from normlab.norms import FloatArray


def buggy_layer_norm_dx(
    dy: FloatArray, x: FloatArray, gamma: FloatArray, eps: float = 1e-5
) -> FloatArray:
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    u = dy * gamma
    return (u - u.mean(axis=-1, keepdims=True)) / std


def layer_norm_dx(
    dy: FloatArray, x: FloatArray, gamma: FloatArray, eps: float = 1e-5
) -> FloatArray:
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    normalized = (x - x.mean(axis=-1, keepdims=True)) / std
    u = dy * gamma
    mean_u = u.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    slope = (u * normalized).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (u - mean_u - normalized * slope) / std


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    dy, x = rng.standard_normal((2, 2, 3, 4))  # (B, T, D)
    gamma = rng.uniform(0.5, 2.0, 4)
    first = {
        "dy": np.array([1.0, 0.0, 0.0]),
        "x": np.array([1.0, 2.0, 6.0]),
        "gamma": np.ones(3),
    }

    def another(rng: np.random.Generator) -> dict[str, FloatArray]:
        return {"dy": inputs.whole(rng, 3), "x": inputs.whole(rng, 3), "gamma": np.ones(3)}

    def tokens(rng: np.random.Generator, *shape: int) -> dict[str, FloatArray]:
        dy, x = rng.standard_normal((2, *shape))
        return {"dy": dy, "x": x, "gamma": gamma}

    def gain(rng: np.random.Generator) -> FloatArray:
        return rng.uniform(0.5, 2.0, 3)

    plain, redrawn = inputs.plain, inputs.redrawn
    large = {"dy": dy[0], "x": x[0], "gamma": gamma, "eps": 0.5}
    return (
        redrawn(plain("one token", first), another),
        redrawn(
            plain("one token, a gain", first | {"gamma": np.array([1.0, 2.0, 0.5])}),
            lambda rng: another(rng) | {"gamma": gain(rng)},
        ),
        redrawn(
            plain("a batch of two examples", {"dy": dy, "x": x, "gamma": gamma}),
            lambda rng: tokens(rng, 2, *inputs.sizes(rng, 1, 2, 5), 4),
        ),
        redrawn(plain("a large ε", large), lambda rng: large | {"eps": float(rng.uniform(0.3, 1))}),
        redrawn(
            plain("a variance of the size of ε", first | {"x": 0.001 * first["x"]}),
            lambda rng: another(rng) | {"x": rng.uniform(0.002, 0.004) * inputs.rows(rng, 3)},
        ),
        redrawn(
            plain("a constant row", first | {"x": np.full(3, 2.0)}, corner=True),
            lambda rng: another(rng) | {"x": np.full(3, float(rng.integers(3, 100)))},
        ),
        redrawn(
            plain(
                "x with 5 axes", {"dy": dy[:, None, None], "x": x[:, None, None], "gamma": gamma}
            ),
            lambda rng: tokens(rng, 2, *inputs.sizes(rng, 2, 1, 2), 3, 4),
        ),
        familiar.all_digits(dy=dy[0], x=1e6 * x[0], gamma=gamma),
        redrawn(
            plain(
                "a gradient of ones", first | {"dy": np.ones(3), "gamma": np.array([1.0, 2.0, 0.5])}
            ),
            lambda rng: another(rng) | {"dy": np.ones(3), "gamma": gain(rng)},
        ),
    )


RESULT = "(u - mean_u - normalized * slope) / std"
SLOPE = "(u * normalized).mean(axis=-1, keepdims=True)"
NORMALIZED = "(x - x.mean(axis=-1, keepdims=True)) / std"
NORMALIZED_AS_IS = {SLOPE: SLOPE, NORMALIZED: NORMALIZED}
"""Words kept as they are: with x − mean for x̂, one more 1/σ or two would be right."""
ROOT = "np.sqrt(x.var(axis=-1, keepdims=True) + eps)"

MISTAKES = (
    Mistake(
        "std-detached",
        "the bug is still there: no gradient flows through the standard deviation",
        "σ is computed from x, so x has an influence through it. Its gradient is the missing third "
        "term, x̂·mean(u ⊙ x̂).",
        {" - normalized * slope": ""},
    ),
    Mistake(
        "mean-detached",
        "no gradient flows through the mean",
        "μ is computed from x, too: the term mean(u) is needed beside x̂·mean(u ⊙ x̂).",
        {" - mean_u": ""},
    ),
    Mistake(
        "term-added",
        "the third term is added instead of subtracted",
        "A larger |x − μ| makes σ larger and the output smaller: the term has a minus sign.",
        {"mean_u - normalized": "mean_u + normalized"},
    ),
    Mistake(
        "not-normalized",
        "the third term has x − mean in place of x̂",
        "Both factors in x̂·mean(u ⊙ x̂) are the normalised row, divided by σ.",
        {"normalized * slope": "normalized * std * slope"},
        {SLOPE: "(u * normalized * std).mean(axis=-1, keepdims=True)"},
        {NORMALIZED: "x - x.mean(axis=-1, keepdims=True)"},
    ),
    Mistake(
        "sigma-twice",
        "the third term is divided by σ too often",
        "With x̂, which is divided by σ already, the three terms share one more factor 1/σ.",
        NORMALIZED_AS_IS | {"normalized * slope": "normalized * slope / std"},
        NORMALIZED_AS_IS | {"normalized * slope": "normalized * slope / std**2"},
    ),
    Mistake(
        "not-centered",
        "x̂ is computed without subtracting the mean",
        "x̂ is (x − mean)/σ, the output of the norm before γ and β.",
        {NORMALIZED: "x / std"},
    ),
    Mistake(
        "sum-for-mean",
        "the third term has a sum for the mean",
        "It is mean(u ⊙ x̂): σ is the root of a mean over D numbers, so the sum is divided by D.",
        {SLOPE: "(u * normalized).sum(axis=-1, keepdims=True)"},
    ),
    Mistake(
        "sum-of-u",
        "the second term has a sum for the mean",
        "It is mean(u): μ is a mean over D numbers, so the sum is divided by D.",
        {"u.mean(": "u.sum("},
    ),
    Mistake(
        "factor-two",
        "the third term has a factor 2 too many or too few",
        "The 2 of the square (x − μ)² and the ½ of the root cancel: the term is x̂·mean(u ⊙ x̂).",
        {"normalized * slope": "2 * normalized * slope"},
        {"normalized * slope": "normalized * slope / 2"},
    ),
    Mistake(
        "dy-for-mean",
        "the second term has dy for u",
        "The gradient that arrives at x̂ is u = dy ⊙ γ, in every term.",
        {"u.mean(": "dy.mean("},
    ),
    Mistake(
        "gamma-missing-in-slope",
        "the third term has dy for u",
        "The gradient that arrives at x̂ is u = dy ⊙ γ, in every term.",
        {"(u * normalized)": "(dy * normalized)"},
    ),
    Mistake(
        "gamma-after",
        "γ is applied after the means",
        "γ comes after x̂ in the forward pass, so it comes before everything else in the backward "
        "pass: u = dy ⊙ γ first, then the means.",
        {"dy * gamma": "dy", RESULT: f"gamma * {RESULT}"},
    ),
    Mistake(
        "gamma-missing",
        "γ is not used",
        "The gradient that arrives at x̂ is u = dy ⊙ γ.",
        {"dy * gamma": "dy"},
    ),
    Mistake(
        "not-divided",
        "the result is not divided by σ",
        "A repair changes nothing but the bug: dx is 1/σ times the three terms.",
        {RESULT: "u - mean_u - normalized * slope"},
    ),
    common.eps_missing({ROOT: "np.sqrt(x.var(axis=-1, keepdims=True))"}),
    common.eps_outside({ROOT: "(np.sqrt(x.var(axis=-1, keepdims=True)) + eps)"}),
    familiar.eps_wrong_value(
        {ROOT: "np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
        {"eps: float = 1e-5": "eps: float = 1e-12"},
    ),
    familiar.unbiased_variance({ROOT: "np.sqrt(x.var(axis=-1, ddof=1, keepdims=True) + eps)"}),
    familiar.axis_all(
        {SLOPE: "(u * normalized).mean()"},
        {"mean_u = u.mean(axis=-1, keepdims=True)": "mean_u = u.mean()"},
        {
            SLOPE: "(u * normalized).mean()",
            "mean_u = u.mean(axis=-1, keepdims=True)": "mean_u = u.mean()",
        },
    ),
    familiar.axis_batch(
        {
            SLOPE: "(u * normalized).mean(axis=0)",
            "mean_u = u.mean(axis=-1, keepdims=True)": "mean_u = u.mean(axis=0)",
        },
        {SLOPE: "(u * normalized).mean(axis=0)"},
    ),
    common.float64_narrowed({"dy * gamma": "(dy * gamma).astype(np.float32)"}),
    common.input_mutated(
        {"(x - x.mean(": "np.subtract(x, x.mean(", "True)) / std": "True), x) / std"}
    ),
)


def _fits(dy: FloatArray, x: FloatArray, gamma: FloatArray) -> bool:
    return dy.shape == x.shape and gamma.shape == x.shape[-1:] != ()


def _no_slope(dy: FloatArray, x: FloatArray, gamma: FloatArray) -> str | None:
    u, centered = dy * gamma, x - x.mean(axis=-1, keepdims=True)
    products = u * centered
    slope = products.mean(axis=-1)  # (..., D) -> (...)
    if np.abs(slope).max() > 1e-9 * np.abs(u).max() * np.abs(x).max():
        return None
    return (
        "mean(dy ⊙ γ ⊙ x̂) is 0 in every row, and so is the missing term. A dy of ones, from the "
        "loss y.sum(), does that."
    )


EXHIBIT = Exhibit(
    buggy=buggy_layer_norm_dx,
    right=layer_norm_dx,
    shapes="dy (..., D), x of the same shape, gamma (D,)",
    shapes_fit=_fits,
    reasons=(Reason("no-slope", "nothing flows through σ on this input", _no_slope),),
    zero=lambda dy, x, gamma: 1e-6 * float(np.abs(dy).max() * np.abs(gamma).max()) or 1.0,
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "The missing term is x̂·mean(u ⊙ x̂) with u = dy ⊙ γ. When is it not 0?",
        "Take a gain of ones, a row that is not constant, and a dy that points somewhat in the "
        "direction of x − mean, such as a single 1 at the largest entry of x.",
        'return {"dy": np.array([0.0, 0.0, 1.0]), "x": np.array([1.0, 2.0, 6.0]), '
        '"gamma": np.ones(3)}',
    ),
)
REPAIR = Question(
    function="layer_norm_dx",
    levels={FORMULA: 1},
    driver=call("dx"),
    reference=layer_norm_dx,
    probes=probes,
    mistakes=MISTAKES,
    laws=(FINITE_DIFFERENCES,),
    hints={
        FORMULA: (
            "x reaches y in three ways: directly, through μ, and through σ. Which term belongs to "
            "which way?",
            "The buggy function has u, and −mean(u) for the way through μ. For the way through σ "
            "subtract x̂·mean(u ⊙ x̂), with x̂ = (x − mean)/σ, before dividing by σ.",
            "normalized = (x - x.mean(axis=-1, keepdims=True)) / std; "
            "slope = (u * normalized).mean(axis=-1, keepdims=True); "
            "return (u - u.mean(axis=-1, keepdims=True) - normalized * slope) / std.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
