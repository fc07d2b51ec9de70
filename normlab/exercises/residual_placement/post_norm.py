"""Exercise 04, first question: the post-norm step."""

import numpy as np
import torch

from normlab.checks.examples import number
from normlab.checks.exercise import FORMULA, STATE, Law, Mistake, Outputs, Question
from normlab.exercises import common
from normlab.exercises.drivers import residual_placement as drivers
from normlab.exercises.residual_placement import steps
from normlab.exercises.residual_placement.steps import TensorMap


def post_norm_step(x: torch.Tensor, sublayer: TensorMap, norm: TensorMap) -> torch.Tensor:
    branch = sublayer(x)
    total = x + branch
    return norm(total)


BRANCH, TOTAL, RETURN = "branch = sublayer(x)", "total = x + branch", "return norm(total)"
F = "torch.nn.functional"

MISTAKES = (
    Mistake(
        "pre-for-post",
        "this is pre-norm",
        "Pre-norm, x + f(norm(x)), gives the sub-layer a normed copy and leaves the stream as it "
        "is. Post-norm takes the norm of the sum: norm(x + f(x)).",
        {BRANCH: "branch = sublayer(norm(x))", RETURN: "return total"},
    ),
    Mistake(
        "norm-missing",
        "there is no norm",
        "x + f(x) grows with every sub-layer. Post-norm takes the norm of that sum.",
        {RETURN: "return total"},
    ),
    Mistake(
        "norm-on-branch",
        "the norm stands on the branch alone",
        "x + norm(f(x)) norms what is added, and the stream still grows. The sum goes through the "
        "norm: norm(x + f(x)).",
        {BRANCH: "branch = norm(sublayer(x))", RETURN: "return total"},
    ),
    Mistake(
        "norm-on-shortcut",
        "the norm stands on the shortcut alone",
        "norm(x) + f(x) norms x before the sum, and what comes out is no output of a norm. The "
        "bracket is to hold both: norm(x + f(x)).",
        {TOTAL: "total = norm(x) + branch", RETURN: "return total"},
    ),
    Mistake(
        "norm-on-both-sides",
        "a norm stands before the sub-layer, and one after",
        "The x that a post-norm sub-layer gets comes out of a norm already. There is one norm in a "
        "step, and it comes after the sum.",
        {BRANCH: "branch = sublayer(norm(x))", RETURN: RETURN},
        {BRANCH: "branch = norm(sublayer(norm(x)))", RETURN: "return total"},
    ),
    Mistake(
        "norm-twice",
        "the norm is taken twice",
        "There is one norm in a step: that of the sum x + f(x).",
        {RETURN: "return norm(norm(total))"},
        {BRANCH: "branch = norm(sublayer(x))", RETURN: RETURN},
        {
            BRANCH: "branch = norm(sublayer(x))",
            TOTAL: "total = norm(x) + branch",
            RETURN: "return total",
        },
    ),
    Mistake(
        "normed-residual",
        "the shortcut carries norm(x)",
        "x itself is added to f(x); the norm comes after the sum.",
        {BRANCH: "x = norm(x); branch = sublayer(x)", RETURN: "return total"},
        {TOTAL: "total = norm(x) + branch", RETURN: RETURN},
        {BRANCH: "x = norm(x); branch = sublayer(x)"},
    ),
    Mistake(
        "residual-missing",
        "x itself is not added",
        "Without the shortcut there is no path on which the signal, or a gradient, passes the "
        "sub-layer by.",
        {TOTAL: "total = branch"},
        {TOTAL: "total = branch", RETURN: "return total"},
        {BRANCH: "branch = sublayer(norm(x))", TOTAL: "total = branch", RETURN: "return total"},
    ),
    Mistake(
        "branch-missing",
        "the sub-layer's output is not added",
        "norm(x) leaves out what the sub-layer found. Take the norm of x + f(x).",
        {TOTAL: "total = x"},
    ),
    Mistake(
        *steps.OVERWRITTEN,
        {TOTAL: "total = branch + branch"},
        {TOTAL: "total = branch + branch", RETURN: "return total"},
    ),
    Mistake(
        "residual-after-norm",
        "x is added after the norm",
        "Then the stream is no output of a norm, and grows. First the sum, then the norm.",
        {TOTAL: TOTAL, RETURN: "return x + norm(total)"},
    ),
    Mistake(
        "sum-averaged",
        "the sum is divided",
        "The norm takes a common factor out again up to ε, which is not divided with it. Add x and "
        "f(x) as they are.",
        {TOTAL: "total = (x + branch) / 2"},
        {TOTAL: "total = (x + branch) / 2**0.5"},
    ),
    Mistake(
        *steps.SCALED,
        {TOTAL: "total = x + 0.5 * branch"},
        {TOTAL: "total = x + 0.1 * branch"},
        {TOTAL: "total = 2 * x + branch"},
        {TOTAL: "total = 2**0.5 * x + branch"},
    ),
    Mistake(*steps.SUBTRACTED, {TOTAL: "total = x - branch"}, {TOTAL: "total = branch - x"}),
    Mistake(*steps.MULTIPLIED, {TOTAL: "total = x * branch"}),
    Mistake(
        *steps.NORM_SHARED,
        {RETURN: f"return {F}.layer_norm(total, total.shape[-1:])"},
        {RETURN: f"return {F}.rms_norm(total, total.shape[-1:])"},
        {RETURN: "return (total - total.mean(-1, keepdim=True)) / total.std(-1, keepdim=True)"},
    ),
    Mistake(
        *steps.GRADIENT_CUT,
        {BRANCH: "branch = sublayer(x).detach()"},
        {BRANCH: "branch = sublayer(x.detach())"},
        {TOTAL: "total = x.detach() + branch"},
        {RETURN: "return norm(total).detach()"},
    ),
    Mistake(
        *steps.CALLED_TWICE,
        {TOTAL: f"{TOTAL}; sublayer(x)"},
        {TOTAL: f"{TOTAL}; norm(x)"},
        seen=steps.calls_more,
    ),
    common.input_mutated({TOTAL: "x += branch; total = x"}),
)


def _normed(out: Outputs) -> str | None:
    y = out["y"]
    mean, square = y.mean(-1), (y**2).mean(-1)  # (N, D) -> (N,)
    if np.allclose(mean, 0, atol=1e-5) and np.all(square < 1 + 1e-5):
        return None
    return f"with a layer norm, the rows have the means {number(mean)} and squares {number(square)}"


def _proportional(one: Outputs, two: Outputs) -> str | None:
    change = np.abs(two["y"] - 2 * one["y"]).max()
    if change < 1e-4:
        return None
    return f"twice the norm's gain gives something else than twice the result, by {change:.3g}."


LAWS = (
    Law(
        "not-normed",
        "the result is not the output of a norm",
        (steps.without_branch(1.0),),
        _normed,
    ),
    Law(
        "gain-not-last",
        "the result is not the output of the norm that is given",
        (steps.without_branch(1.0), steps.without_branch(2.0)),
        _proportional,
    ),
    steps.CALL_COUNT,
)

HINTS = {
    FORMULA: (
        "Draw the thick line of the residual stream. In post-norm it passes through every norm.",
        "Three steps: the branch f(x); the sum of x and the branch; the norm of that sum.",
        "return norm(x + sublayer(x))",
    ),
    STATE: (*steps.STATE_HINTS, "branch = sublayer(x); return norm(x + branch)"),
}

POST_NORM = Question(
    function="post_norm_step",
    levels={FORMULA: 1, STATE: 1},
    library_norms=True,
    driver=drivers.step,
    reference=post_norm_step,
    probes=steps.probes,
    later=steps.LATER,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (POST_NORM,)
