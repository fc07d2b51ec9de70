"""Exercise 04, second question: the pre-norm step."""

import numpy as np
import torch

from normlab.checks.examples import number
from normlab.checks.exercise import FORMULA, STATE, Law, Mistake, Outputs, Question
from normlab.exercises import common
from normlab.exercises.drivers import residual_placement as drivers
from normlab.exercises.residual_placement import steps
from normlab.exercises.residual_placement.steps import TensorMap


def pre_norm_step(x: torch.Tensor, sublayer: TensorMap, norm: TensorMap) -> torch.Tensor:
    normed = norm(x)
    branch = sublayer(normed)
    return x + branch


NORMED, BRANCH, RETURN = "normed = norm(x)", "branch = sublayer(normed)", "return x + branch"
F = "torch.nn.functional"

MISTAKES = (
    Mistake(
        "normed-residual",
        "the shortcut carries norm(x)",
        "h = norm(x); h + f(h) looks like pre-norm, but the stream passes through the norm and "
        "loses its size. RiNALMo had this error. x itself is added: x + f(norm(x)).",
        {RETURN: "return normed + branch"},
    ),
    Mistake(
        "post-for-pre",
        "this is post-norm",
        "Post-norm takes the norm of the sum, norm(x + f(x)). In pre-norm nothing on the stream "
        "itself is normed: x + f(norm(x)).",
        {NORMED: "normed = x", RETURN: "return norm(x + branch)"},
    ),
    Mistake(
        "norm-missing",
        "the sub-layer gets x without a norm",
        "x + f(x) has no norm at all: the larger the stream grows, the larger is what the next "
        "sub-layer adds. Give it norm(x).",
        {NORMED: "normed = x"},
    ),
    Mistake(
        "norm-on-branch",
        "the norm stands after the sub-layer, not before it",
        "x + norm(f(x)) is the reordered norm of OLMo 2. In pre-norm the sub-layer reads a normed "
        "copy, and its output is added as it is.",
        {NORMED: "normed = x", BRANCH: "branch = norm(sublayer(normed))"},
    ),
    Mistake(
        "norm-on-shortcut",
        "the norm stands on the shortcut, and the sub-layer gets x without one",
        "norm(x) + f(x) is the wrong way round: the sub-layer reads norm(x), and x itself is "
        "added.",
        {NORMED: "normed = x", RETURN: "return norm(x) + branch"},
    ),
    Mistake(
        "norm-on-both-sides",
        "a norm stands before the sub-layer, and one after",
        "x + norm(f(norm(x))) is Peri-LN, and norm(x + f(norm(x))) puts post-norm on top. "
        "Pre-norm has one norm in a step, before the sub-layer.",
        {NORMED: NORMED, BRANCH: "branch = norm(sublayer(normed))"},
        {NORMED: NORMED, RETURN: "return norm(x + branch)"},
        {NORMED: NORMED, RETURN: "return norm(normed + branch)"},
    ),
    Mistake(
        "norm-twice",
        "the norm is taken twice before the sub-layer",
        "The sub-layer reads norm(x), normed once.",
        {NORMED: "normed = norm(norm(x))"},
    ),
    Mistake(
        "shortcut-inside",
        "x is added before the sub-layer, not after it",
        "f(x + norm(x)) has no path past the sub-layer. x is added to what comes out of it: "
        "x + f(norm(x)).",
        {BRANCH: "branch = sublayer(x + normed)", RETURN: "return branch"},
        {NORMED: "normed = x", BRANCH: "branch = sublayer(x + norm(x))"},
    ),
    Mistake(
        "residual-missing",
        "x itself is not added",
        "Without the shortcut there is no path on which the signal, or a gradient, passes the "
        "sub-layer by.",
        {RETURN: "return branch"},
        {NORMED: "normed = x", RETURN: "return norm(branch)"},
    ),
    Mistake(
        "branch-missing",
        "the sub-layer is left out",
        "The branch is f(norm(x)), and it is added to x: x + f(norm(x)).",
        {BRANCH: "branch = normed"},
        {RETURN: "return x"},
    ),
    Mistake(*steps.OVERWRITTEN, {RETURN: "return branch + branch"}),
    Mistake(
        "residual-doubled",
        "more is added than x and the branch",
        "The result is x + f(norm(x)): norm(x) goes into the sub-layer, and is no summand.",
        {RETURN: "return x + normed + branch"},
        {RETURN: "return x + x + branch"},
    ),
    Mistake(
        "sum-averaged",
        "the sum is divided",
        "Then the identity path shrinks by that factor at each sub-layer, and after many of them "
        "nothing of the input is left.",
        {RETURN: "return (x + branch) / 2"},
        {RETURN: "return (x + branch) / 2**0.5"},
    ),
    Mistake(
        *steps.SCALED,
        {RETURN: "return x + 0.5 * branch"},
        {RETURN: "return x + 0.1 * branch"},
        {RETURN: "return 2**0.5 * x + branch"},
    ),
    Mistake(*steps.SUBTRACTED, {RETURN: "return x - branch"}, {RETURN: "return branch - x"}),
    Mistake(*steps.MULTIPLIED, {RETURN: "return x * branch"}),
    Mistake(
        *steps.NORM_SHARED,
        {NORMED: f"normed = {F}.layer_norm(x, x.shape[-1:])"},
        {NORMED: f"normed = {F}.rms_norm(x, x.shape[-1:])"},
        {NORMED: "normed = (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)"},
    ),
    Mistake(
        *steps.GRADIENT_CUT,
        {NORMED: "normed = norm(x).detach()"},
        {BRANCH: "branch = sublayer(normed).detach()"},
        {RETURN: "return x.detach() + branch"},
        {RETURN: "return (x + branch).detach()"},
    ),
    Mistake(
        *steps.CALLED_TWICE,
        {BRANCH: f"{BRANCH}; sublayer(normed)"},
        {BRANCH: f"{BRANCH}; norm(x)"},
        seen=steps.calls_more,
    ),
    common.input_mutated({RETURN: "x += branch; return x"}),
)


def _identity(out: Outputs) -> str | None:
    y, x = out["y"], steps.without_branch(1.0)["x"]
    change = np.abs(y - x).max()
    return None if change < 1e-5 else f"{number(x[0])} becomes {number(y[0])}."


def _same(one: Outputs, other: Outputs) -> str | None:
    change = np.abs(one["y"] - other["y"]).max()
    return None if change < 1e-5 else f"twice the norm's gain changes it by {change:.3g}."


LAWS = (
    Law(
        "stream-changed",
        "a sub-layer that adds nothing changes the stream",
        (steps.without_branch(1.0),),
        _identity,
    ),
    Law(
        "gain-on-stream",
        "the norm's gain reaches the stream past the sub-layer",
        (steps.without_branch(1.0), steps.without_branch(2.0)),
        _same,
    ),
    steps.CALL_COUNT,
)

HINTS = {
    FORMULA: (
        "Draw the thick line of the residual stream. In pre-norm it passes through no norm, only "
        "through the sums.",
        "Three steps: a normed copy of x; the branch, which is the sub-layer of that copy; the sum "
        "of the branch and x itself.",
        "return x + sublayer(norm(x))",
    ),
    STATE: (*steps.STATE_HINTS, "branch = sublayer(norm(x)); return x + branch"),
}

PRE_NORM = Question(
    function="pre_norm_step",
    levels={FORMULA: 1, STATE: 1},
    library_norms=True,
    driver=drivers.step,
    reference=pre_norm_step,
    probes=steps.probes,
    later=steps.LATER,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (PRE_NORM,)
