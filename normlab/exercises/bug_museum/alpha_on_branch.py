"""Exhibit 6: labml's DeepNorm, with α on the branch.

Source: github.com/labmlai/annotated_deep_learning_paper_implementations,
labml_nn/normalization/deep_norm/__init__.py, class DeepNorm (read at commit 0eb74d7); its issue
145. Our copy has a linear map for the sub-layer.
"""

from typing import Any

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
from normlab.exercises.bug_museum.laws import LARGE_ALPHA
from normlab.norms import FloatArray, layer_norm


def buggy_deepnorm_linear(
    x: FloatArray, weight: FloatArray, alpha: float, eps: float = 1e-5
) -> FloatArray:
    branch = x @ weight  # (..., D) @ (D, D) -> (..., D)
    return layer_norm(x + alpha * branch, eps=eps)


def deepnorm_linear(
    x: FloatArray, weight: FloatArray, alpha: float, eps: float = 1e-5
) -> FloatArray:
    branch = x @ weight  # (..., D) @ (D, D) -> (..., D)
    return layer_norm(alpha * x + branch, eps=eps)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    weight = rng.standard_normal((3, 3))
    row = np.array([1.0, 5.0, 0.0])
    shift = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])

    def another(rng: np.random.Generator) -> dict[str, Any]:
        numbers = {"x": rng.permutation(row), "weight": inputs.whole(rng, 3, 3) / 4}
        return numbers | {"alpha": float(rng.uniform(1.5, 3))}

    plain, redrawn = inputs.plain, inputs.redrawn
    return (
        redrawn(plain("one token", {"x": row, "weight": shift, "alpha": 2.0}), another),
        redrawn(
            plain("α = 1", {"x": row, "weight": shift, "alpha": 1.0}, corner=True),
            lambda rng: another(rng) | {"alpha": 1.0},
        ),
        redrawn(
            plain(
                "12 layers", {"x": rng.standard_normal((2, 3)), "weight": weight, "alpha": 2.213}
            ),
            lambda rng: {
                "x": rng.standard_normal((2, 3)),
                "weight": weight,
                "alpha": (2 * float(rng.integers(6, 48))) ** 0.25,
            },
        ),
        plain(
            "a batch of two examples",
            {"x": rng.standard_normal((2, 3, 3)), "weight": weight, "alpha": 3.0},
        ),
        redrawn(
            plain("a large ε", {"x": row, "weight": weight, "alpha": 2.0, "eps": 0.5}),
            lambda rng: another(rng) | {"eps": float(rng.uniform(0.3, 0.7))},
        ),
        redrawn(
            plain(
                "a variance of the size of ε",
                {"x": 0.001 * row, "weight": shift, "alpha": 2.0},
            ),
            lambda rng: {
                "x": rng.uniform(0.0005, 0.001) * rng.permutation(row),
                "weight": inputs.whole(rng, 3, 3) / 4,
                "alpha": 2.0,
            },
        ),
        redrawn(
            plain(
                "a constant row",
                {"x": np.full((1, 3), 2.0), "weight": weight, "alpha": 2.0},
                corner=True,
            ),
            lambda rng: another(rng) | {"x": np.full((1, 3), float(rng.integers(3, 100)))},
        ),
        redrawn(
            plain(
                "x with 5 axes",
                {"x": rng.standard_normal((1, 2, 1, 2, 3)), "weight": weight, "alpha": 1.5},
            ),
            lambda rng: {
                "x": rng.standard_normal((1, 2, *inputs.sizes(rng, 2, 1, 3), 3)),
                "weight": weight,
                "alpha": float(rng.uniform(1.5, 3)),
            },
        ),
        inputs.plain(
            "one feature far larger than 39 others",
            {"x": inputs.peak(rng, 40), "weight": rng.standard_normal((40, 40)) / 40, "alpha": 2.0},
        ),
        familiar.all_digits(x=1e6 * rng.standard_normal((1, 3)), weight=weight, alpha=2.0),
    )


SUM = "alpha * x + branch"
NORMED = f"layer_norm({SUM}, eps=eps)"

MISTAKES = (
    Mistake(
        "alpha-on-branch",
        "the bug is still there: α is on the branch",
        "DeepNorm is LN(α·x + f(x)): the residual is made large against the branch, so that a "
        "step changes little. On the branch α does the opposite.",
        {SUM: "x + alpha * branch"},
    ),
    Mistake(
        "alpha-on-both",
        "α is on the residual and on the branch",
        "Then the norm divides α out again: LN(α·(x + f(x))) is LN(x + f(x)), apart from ε. The "
        "same happens if a linear f reads α·x.",
        {SUM: "alpha * (x + branch)"},
    ),
    Mistake(
        "alpha-missing",
        "α is not used",
        "LN(x + f(x)) is plain post-norm. DeepNorm multiplies x by α.",
        {SUM: "x + branch"},
    ),
    Mistake(
        "alpha-squared",
        "α is applied twice",
        "LN(α·x + f(x)): the residual has the factor α, not α².",
        {SUM: "alpha**2 * x + branch"},
    ),
    Mistake(
        "alpha-inverted",
        "the residual is divided by α",
        "α is greater than 1 and makes the residual large: α·x.",
        {SUM: "x / alpha + branch"},
    ),
    Mistake(
        "branch-divided",
        "the branch is divided by α",
        "LN(x + f(x)/α) is LN(α·x + f(x)) with ε·α² in place of ε: close, but ε counts more. "
        "Multiply x by α.",
        {SUM: "x + branch / alpha"},
    ),
    Mistake(
        "alpha-after-norm",
        "α multiplies the result of the norm",
        "LN(α·x + f(x)): α stands inside the norm, on x alone.",
        {NORMED: "alpha * layer_norm(x + branch, eps=eps)"},
    ),
    Mistake(
        "no-norm-after",
        "the sum is not normed",
        "DeepNorm is LN(α·x + f(x)). Without the norm the stream grows by the factor α at every "
        "sub-layer.",
        {NORMED: SUM},
    ),
    Mistake(
        "norm-on-input",
        "x is normed before the sub-layer, too",
        "DeepNorm is a post-norm: it has one norm, around the sum.",
        {"x @ weight": "layer_norm(x, eps=eps) @ weight"},
    ),
    Mistake(
        "norm-on-branch",
        "the norm stands on the branch alone",
        "The sum must be normed, else the stream grows by the factor α at every sub-layer: "
        "LN(α·x + f(x)), not α·x + LN(f(x)).",
        {NORMED: "alpha * x + layer_norm(branch, eps=eps)"},
    ),
    Mistake(
        "norm-on-residual",
        "the norm stands on the residual alone",
        "LN(α·x + f(x)): the sum is normed. LN(α·x) is LN(x), so that α has no effect there.",
        {NORMED: "layer_norm(alpha * x, eps=eps) + branch"},
        {NORMED: "alpha * layer_norm(x, eps=eps) + branch"},
    ),
    Mistake(
        "branch-missing",
        "the branch is not added",
        "LN(α·x + f(x)): without f(x) the sub-layer does nothing.",
        {SUM: "alpha * x"},
    ),
    familiar.weight_transposed({"x @ weight": "x @ weight.T"}),
    familiar.eps_wrong_value(
        {NORMED: f"layer_norm({SUM})"},
        {"eps: float = 1e-5": "eps: float = 1e-6"},
        {"eps: float = 1e-5": "eps: float = 1e-12"},
    ),
    common.input_mutated({SUM: "np.multiply(x, alpha, out=x) + branch"}),
    common.float64_narrowed({NORMED: f"{NORMED}.astype(np.float32).astype(x.dtype)"}),
)


def _fits(x: FloatArray, weight: FloatArray, alpha: FloatArray) -> bool:
    return x.ndim > 0 and weight.shape == x.shape[-1:] * 2 and alpha.shape == ()


def _alpha_one(alpha: FloatArray, **_: FloatArray) -> str | None:
    if abs(alpha - 1) > 0.01:
        return None
    return f"α is {float(alpha):g}; with α = 1 it does not matter what it multiplies."


def _branch_along_x(x: FloatArray, weight: FloatArray, alpha: FloatArray) -> str | None:
    one, other = layer_norm(x, eps=1e-12), layer_norm(x @ weight, eps=1e-12)
    if min(np.abs(one - other).max(), np.abs(other).max()) > 1e-2:
        return None
    return (
        "After the norm x @ weight is 0 or the same as x, so both sums point the same way, and the "
        "norm takes the factor out again."
    )


EXHIBIT = Exhibit(
    buggy=buggy_deepnorm_linear,
    right=deepnorm_linear,
    shapes="x (..., D), weight (D, D), alpha a single number",
    shapes_fit=_fits,
    reasons=(
        Reason("alpha-one", "α is 1", _alpha_one),
        Reason("branch-along-x", "the branch has the direction of x", _branch_along_x),
    ),
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "For which α does it not matter what α multiplies?",
        "α must differ from 1. And mind that the norm takes out a common factor: where x @ weight "
        "is 2x, both sums are multiples of x. So neither zeros nor the identity will do as weight.",
        'return {"x": np.array([1.0, 5.0, 0.0]), "weight": np.array([[0.0, 1.0, 0.0], '
        '[0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]), "alpha": 2.0}',
    ),
)
REPAIR = Question(
    function="deepnorm_linear",
    levels={FORMULA: 1},
    library_norms=True,
    driver=call("y"),
    reference=deepnorm_linear,
    probes=probes,
    mistakes=MISTAKES,
    laws=(LARGE_ALPHA,),
    hints={
        FORMULA: (
            "Read the formula in chapter 08: x_{l+1} = LN(α·x_l + G_l(x_l)).",
            "α belongs to the residual x, inside the norm. The branch has no factor.",
            "branch = x @ weight; return layer_norm(alpha * x + branch, eps=eps).",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
