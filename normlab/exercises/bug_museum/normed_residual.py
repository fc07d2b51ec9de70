"""Exhibit 5: RiNALMo's residual, which carries the normed x.

Source: github.com/lbcb-sci/RiNALMo, rinalmo/model/modules.py, class TransformerBlock (read at
commit 1ad48ee); its issue 9. Our copy has a linear map for the attention.
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
from normlab.exercises.bug_museum.laws import NO_BRANCH
from normlab.norms import FloatArray, layer_norm


def buggy_pre_norm_linear(x: FloatArray, weight: FloatArray, eps: float = 1e-5) -> FloatArray:
    x = layer_norm(x, eps=eps)
    branch = x @ weight  # (..., D) @ (D, D) -> (..., D)
    return x + branch


def pre_norm_linear(x: FloatArray, weight: FloatArray, eps: float = 1e-5) -> FloatArray:
    normalized = layer_norm(x, eps=eps)
    branch = normalized @ weight  # (..., D) @ (D, D) -> (..., D)
    return x + branch


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    weight = rng.standard_normal((3, 3))
    plain, redrawn = inputs.plain, inputs.redrawn
    return (
        redrawn(
            plain(
                "one token",
                {"x": np.array([1.0, 5.0]), "weight": np.array([[0.0, 1.0], [0.0, 0.0]])},
            ),
            lambda rng: {"x": inputs.whole(rng, 2), "weight": inputs.whole(rng, 2, 2)},
        ),
        redrawn(
            plain(
                "a weight of zeros",
                {"x": np.array([1.0, 5.0]), "weight": np.zeros((2, 2))},
                corner=True,
            ),
            lambda rng: {"x": inputs.whole(rng, 2), "weight": np.zeros((2, 2))},
        ),
        inputs.plain("two tokens", {"x": rng.standard_normal((2, 3)), "weight": weight}),
        inputs.plain(
            "a batch of two examples", {"x": rng.standard_normal((2, 3, 3)), "weight": weight}
        ),
        redrawn(
            plain("a large ε", {"x": rng.standard_normal(3), "weight": weight, "eps": 0.5}),
            lambda rng: {
                "x": rng.standard_normal(3),
                "weight": weight,
                "eps": float(rng.uniform(0.3, 0.7)),
            },
        ),
        redrawn(
            plain(
                "a variance of the size of ε",
                {"x": np.array([0.004, 0.0, 0.0]), "weight": weight},
            ),
            lambda rng: {
                "x": rng.permutation([0.004, 0, 0]) * rng.uniform(0.7, 1.4),
                "weight": weight,
            },
        ),
        redrawn(
            plain("a constant row", {"x": np.full((1, 3), 2.0), "weight": weight}, corner=True),
            lambda rng: {"x": np.full((1, 3), float(rng.integers(3, 100))), "weight": weight},
        ),
        redrawn(
            plain("x with 5 axes", {"x": rng.standard_normal((1, 2, 1, 2, 3)), "weight": weight}),
            lambda rng: {
                "x": rng.standard_normal((1, 2, *inputs.sizes(rng, 2, 1, 3), 3)),
                "weight": weight,
            },
        ),
        familiar.all_digits(x=1e6 * rng.standard_normal((1, 3)), weight=1e6 * weight),
    )


STEP = "x + branch"
BRANCH = "normalized @ weight"
NORMED_BRANCH = {BRANCH: BRANCH}
"""Words kept as they are: without the norm in the branch it would be another of the mistakes."""

MISTAKES = (
    Mistake(
        "normed-residual",
        "the bug is still there: the residual carries the normed x",
        "Pre-norm is x + f(LN(x)): the norm stands in the branch alone, and x itself is handed on. "
        "Give the normed x a name of its own.",
        {STEP: "normalized + branch"},
    ),
    Mistake(
        "no-norm",
        "the branch reads x without the norm",
        "The branch reads the normed x: x + f(LN(x)). Take the norm out of the residual only.",
        {BRANCH: "x @ weight"},
    ),
    Mistake(
        "post-norm",
        "this is post-norm: the sum is normed",
        "Pre-norm is x + f(LN(x)). LN(x + f(x)) is the block of the 2017 paper.",
        {BRANCH: "x @ weight", STEP: "layer_norm(x + branch, eps=eps)"},
    ),
    Mistake(
        "norm-twice",
        "the norm is applied twice: to the branch's input and to the sum",
        "Pre-norm has one norm in a sub-layer. A norm after the sum would cut the path on which x "
        "is handed on.",
        NORMED_BRANCH | {STEP: "layer_norm(x + branch, eps=eps)"},
    ),
    Mistake(
        "norm-on-output",
        "the norm stands behind the sub-layer",
        "x + LN(f(x)) is OLMo 2's order. Pre-norm is x + f(LN(x)).",
        {BRANCH: "x @ weight", STEP: "x + layer_norm(branch, eps=eps)"},
    ),
    Mistake(
        "norm-on-both-sides",
        "the branch is normed before and behind the sub-layer",
        "x + LN(f(LN(x))) is the order of Gemma 2 and Peri-LN. Pre-norm is x + f(LN(x)).",
        NORMED_BRANCH | {STEP: "x + layer_norm(branch, eps=eps)"},
    ),
    Mistake(
        "residual-missing",
        "x is not added",
        "Without the residual this is a plain layer. Pre-norm is x + f(LN(x)).",
        {STEP: "branch"},
    ),
    Mistake(
        "both-residuals",
        "x and the normed x are both added",
        "Adding x is right, and the normed x has to go: x + f(LN(x)).",
        {STEP: "x + normalized + branch"},
    ),
    familiar.weight_transposed({BRANCH: "normalized @ weight.T"}),
    familiar.eps_wrong_value(
        {"layer_norm(x, eps=eps)": "layer_norm(x)"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
        {"eps: float = 1e-5": "eps: float = 1e-12"},
    ),
    Mistake(
        "residual-of-norm-alone",
        "x is normed, and the branch is computed from it, but the branch is not added",
        "x + LN(x) leaves the sub-layer out. Pre-norm is x + f(LN(x)).",
        {STEP: "x + normalized"},
    ),
    Mistake(
        "norm-on-sum",
        "the sum is normed in front of the sub-layer",
        "The branch reads LN(x), and nothing is added to x before. Pre-norm is x + f(LN(x)).",
        {BRANCH: "layer_norm(x + normalized, eps=eps) @ weight"},
        {BRANCH: "(x + normalized) @ weight"},
    ),
    Mistake(
        "residual-restored",
        "the residual is a copy of the normed x times the deviation, or x without its mean",
        "Whatever is made of LN(x), the mean of x is gone from it. Keep x itself.",
        {STEP: "x - x.mean(-1, keepdims=True) + branch"},
        {STEP: "normalized * x.std(-1, keepdims=True) + branch"},
    ),
    common.input_mutated({STEP: "np.add(x, branch, out=x)"}),
    common.float64_narrowed({BRANCH: f"({BRANCH}).astype(np.float32)"}),
)


def _fits(x: FloatArray, weight: FloatArray) -> bool:
    return x.ndim > 0 and weight.shape == x.shape[-1:] * 2


def _already_normalized(x: FloatArray, weight: FloatArray) -> str | None:
    change = float(np.abs(layer_norm(x) - x).max())
    if change > 0.1:
        return None
    return f"LN(x) differs from x by at most {change:.2g}, so it does not matter which is added."


EXHIBIT = Exhibit(
    buggy=buggy_pre_norm_linear,
    right=pre_norm_linear,
    shapes="x (..., D), weight (D, D)",
    shapes_fit=_fits,
    reasons=(Reason("already-normalized", "x is already normalised", _already_normalized),),
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "Write both functions as a formula. By how much do their results differ?",
        "They differ by LN(x) − x. Take an x whose mean is not 0 or whose variance is not 1; the "
        "weight may even be 0.",
        'return {"x": np.array([1.0, 5.0]), "weight": np.zeros((2, 2))}',
    ),
)
REPAIR = Question(
    function="pre_norm_linear",
    levels={FORMULA: 1},
    library_norms=True,
    driver=call("y"),
    reference=pre_norm_linear,
    probes=probes,
    mistakes=MISTAKES,
    laws=(NO_BRANCH,),
    hints={
        FORMULA: (
            "Which x does the last line add, after the first line?",
            "The name x is given away in the first line. Give the normed x another name, and use "
            "each where it belongs: x + f(LN(x)).",
            "normalized = layer_norm(x, eps=eps); return x + normalized @ weight.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
