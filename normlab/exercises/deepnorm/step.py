"""Exercise 06, second question: the residual step."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from normlab.checks.examples import number
from normlab.checks.exercise import FORMULA, STATE, Law, Mistake, Outputs, Probe, Question
from normlab.checks.signs import changes_arguments, differs
from normlab.exercises import common
from normlab.exercises.drivers import deepnorm as drivers
from normlab.exercises.inputs import FORMULA_DIGITS, plain, redrawn, sizes

TensorMap = Callable[[Tensor], Tensor]


def deepnorm_step(x: Tensor, sublayer: TensorMap, norm: TensorMap, alpha: float) -> Tensor:
    branch = sublayer(x)
    shortcut = alpha * x
    return norm(shortcut + branch)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    small = np.array([[0.5, -1.0], [0.25, 0.75]])
    drawn = rng.standard_normal((2, 3, 4))  # (B, T, D)
    weight = rng.standard_normal((4, 4))
    batch = {"x": drawn, "weight": weight, "alpha": float(rng.uniform(1.5, 2))}
    flow = {"x": drawn[:1, :2], "weight": weight, "alpha": 2.0, "gradients": True}
    five = rng.standard_normal((1, 2, 1, 2, 4))

    def another(rng: np.random.Generator) -> dict[str, Any]:
        x, weight = rng.standard_normal((1, 3)), rng.standard_normal((3, 3))
        return {"x": x, "weight": weight, "alpha": float(rng.uniform(1.5, 2.5))}

    return (
        redrawn(
            plain("one token, α = 2", {"x": np.array([[1.0, 0.0]]), "weight": small, "alpha": 2.0}),
            another,
        ),
        plain("a batch of two examples", batch),
        redrawn(
            plain("the α of 500 layers", batch | {"alpha": 1000**0.25}),
            lambda rng: batch | {"alpha": float(rng.integers(600, 2000)) ** 0.25},
        ),
        redrawn(
            plain("x with 5 axes", batch | {"x": five}),
            lambda rng: batch | {"x": rng.standard_normal((1, 2, *sizes(rng, 2, 1, 3), 4))},
        ),
        redrawn(
            Probe("the gradients", flow, FORMULA_DIGITS, level=STATE),
            lambda rng: flow | {"alpha": float(rng.uniform(1.5, 2.5))},
        ),
        Probe(
            "float32 numbers",
            batch | {"x": drawn[0].astype(np.float32)},
            tolerance=1e-5,  # a hundred float32 steps
            level=STATE,
        ),
        Probe("all digits of float64", batch | {"x": drawn[0]}, level=STATE, shows="digits"),
    )


BRANCH, SHORTCUT, RETURN = "branch = sublayer(x)", "alpha * x", "norm(shortcut + branch)"

OWN_NORM = (
    "((t := shortcut + branch) - t.mean(-1, keepdim=True))"
    " / (t.var(-1, correction=0, keepdim=True) + {}).sqrt()"
)

MISTAKES = (
    Mistake(
        "alpha-on-branch",
        "α multiplies the branch instead of the shortcut",
        "α > 1 is there to hold the branch down, so that a step moves the stream less: "
        "norm(αx + f(x)). On f(x) it does the opposite. labml.ai's code had this error.",
        {SHORTCUT: "x", RETURN: "norm(shortcut + alpha * branch)"},
    ),
    Mistake(
        "norm-missing",
        "there is no norm after the sum",
        "Without it every sub-layer multiplies the stream by α, 2N times: it overflows. DeepNorm "
        "is norm(αx + f(x)).",
        {RETURN: "shortcut + branch"},
    ),
    Mistake(
        "norm-before",
        "the norm stands before the sub-layer, as in pre-norm",
        "DeepNorm is a post-norm: the sub-layer sees x itself, and the norm comes after the sum.",
        {BRANCH: "branch = sublayer(norm(x))", RETURN: "shortcut + branch"},
        {BRANCH: "branch = sublayer(norm(x))"},
    ),
    Mistake(
        "normed-residual",
        "the shortcut carries norm(x)",
        "The shortcut carries αx, and the norm comes after the sum.",
        {
            BRANCH: "branch = sublayer(norm(x))",
            SHORTCUT: "alpha * norm(x)",
            RETURN: "shortcut + branch",
        },
        {SHORTCUT: "alpha * norm(x)", RETURN: "shortcut + branch"},
        {SHORTCUT: "alpha * norm(x)"},
        {SHORTCUT: "norm(alpha * x)", RETURN: "shortcut + branch"},
    ),
    Mistake(
        "norm-on-branch",
        "the norm stands on the branch alone",
        "The sum must be normed, else the stream grows by α at every step: norm(αx + f(x)), not "
        "αx + norm(f(x)).",
        {RETURN: "shortcut + norm(branch)"},
    ),
    Mistake(
        "alpha-missing",
        "α is not used",
        "That is plain post-norm. DeepNorm multiplies the shortcut by α: norm(αx + f(x)).",
        {SHORTCUT: "x"},
    ),
    Mistake(
        "alpha-on-both",
        "α multiplies the whole sum",
        "The norm takes a common factor out again, so α then does nothing (up to ε). It belongs "
        "to the shortcut alone.",
        {RETURN: "norm(alpha * (x + branch))"},
    ),
    Mistake(
        "alpha-power",
        "the factor of the shortcut is α² or √α",
        "norm(αx + f(x)): the shortcut has the factor α itself. Its fourth root is taken already.",
        {SHORTCUT: "alpha * (alpha * x)"},
        {SHORTCUT: "alpha**0.5 * x"},
    ),
    Mistake(
        "convex-sum",
        "the branch is weighted by 1 − α",
        "The branch has no factor: norm(αx + f(x)). α > 1 is no share of a whole.",
        {RETURN: "norm(shortcut + (1 - alpha) * branch)"},
    ),
    Mistake(
        "own-norm",
        "the sum is normed, but not by the norm that was given",
        "The norm is an argument: it may have weights, another ε, or be RMSNorm. Call norm(…).",
        {RETURN: OWN_NORM.format("1e-5")},
        {RETURN: OWN_NORM.format("1e-6")},
        {RETURN: OWN_NORM.format("0")},
    ),
    Mistake(
        "norm-on-branch-too",
        "the branch is normed before the sum",
        "There is one norm, and it stands after the sum: norm(αx + f(x)).",
        {RETURN: "norm(shortcut + norm(branch))"},
    ),
    Mistake(
        "norm-twice",
        "the norm is applied twice",
        "There is one norm. With a gain or an ε a second one changes the result again.",
        {RETURN: "norm(norm(shortcut + branch))"},
    ),
    Mistake(
        "alpha-in-sublayer",
        "the sub-layer sees αx",
        "The sub-layer sees x, the output of the norm before it; only the shortcut is multiplied.",
        {BRANCH: "branch = sublayer(alpha * x)"},
    ),
    Mistake(
        "alpha-after-norm",
        "α multiplies the norm's output",
        "Then the next sub-layer gets α times the usual input. Multiply x by α before the sum.",
        {SHORTCUT: "x", RETURN: "alpha * norm(shortcut + branch)"},
        {RETURN: "alpha * norm(shortcut + branch)"},
    ),
    Mistake(
        "alpha-divides",
        "something is divided by α",
        "norm(x + f(x)/α) has the same direction, but the sum is α times smaller, and ε is not: "
        "the result is another. x/α on the shortcut is the opposite of DeepNorm.",
        {SHORTCUT: "x", RETURN: "norm(shortcut + branch / alpha)"},
        {SHORTCUT: "x / alpha"},
        {RETURN: "norm(shortcut + branch / alpha)"},
    ),
    Mistake(
        "residual-missing",
        "x itself is not added",
        "Without the shortcut there is no path on which a gradient passes the sub-layer by.",
        {RETURN: "norm(branch)"},
        {RETURN: "norm(alpha * branch)"},
        {SHORTCUT: "alpha * branch"},
    ),
    Mistake(
        "gradient-cut",
        "no gradient flows through one of the summands",
        "The values are right, but the model cannot learn: detach(), no_grad() and a way through "
        "NumPy take the tensor out of the graph.",
        {BRANCH: "branch = sublayer(x).detach()"},
        {BRANCH: "branch = sublayer(x.detach())"},
        {SHORTCUT: "alpha * x.detach()"},
        {RETURN: "norm(shortcut + branch).detach()"},
    ),
    Mistake(
        "call-count",
        "the sub-layer and the norm are not called once each",
        "A second call costs as much as the first, and with dropout the two differ. Keep the "
        "result in a variable.",
        {RETURN: "(sublayer(x), norm(shortcut + branch))[1]"},
        {RETURN: "(norm(branch), norm(shortcut + branch))[1]"},
        seen=differs("calls"),
    ),
    Mistake(
        "input-mutated",
        "x is changed in place",
        "The caller still needs x: backward does, for one. Write alpha * x, not x *= alpha.",
        {SHORTCUT: "x.mul_(alpha)"},
        seen=changes_arguments,
    ),
    common.dtype_lost({RETURN: "norm(shortcut + branch).double()"}),
    common.float64_narrowed({RETURN: "norm(shortcut + branch).float().to(x.dtype)"}),
)

_WEIGHT = np.array([[0.5, -1.0, 0.0], [0.25, 0.75, 1.0], [-1.0, 0.5, 0.5]])
_ONE = {"x": np.array([[1.0, 3, -2], [30, 5, 8]]), "weight": _WEIGHT, "alpha": 2.0}


def _normed(out: Outputs) -> str | None:
    mean, square = out["y"].mean(-1), (out["y"] ** 2).mean(-1)  # (N, D) -> (N,)
    if np.allclose(mean, 0, atol=1e-6) and np.all(square < 1 + 1e-6):
        return None
    return f"with a layer norm, the rows have the means {number(mean)} and squares {number(square)}"


def _same(one: Outputs, other: Outputs) -> str | None:
    change = np.abs(one["y"] - other["y"]).max()
    if change < 1e-4:
        return None
    return f"at α = 10⁶, another f(x) changes the result by {change:.3g}."


LAWS = (
    Law("not-normed", "the result is not the output of the norm", (_ONE,), _normed),
    Law(
        "large-alpha",
        "α does not hold the branch down",
        ({**_ONE, "alpha": 1e6}, {**_ONE, "alpha": 1e6, "weight": -_WEIGHT}),
        _same,
    ),
)

STEP = Question(
    function="deepnorm_step",
    levels={FORMULA: 1, STATE: 1},
    driver=drivers.step,
    reference=deepnorm_step,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    later={"calls": STATE},
    hints={
        FORMULA: (
            "DeepNorm is post-norm with one number more. What does post-norm compute?",
            "Post-norm is norm(x + f(x)). α multiplies the summand that goes past the sub-layer.",
            "return norm(alpha * x + sublayer(x))",
        ),
        STATE: (
            "How often do you call sublayer and norm? Does a line write into x, or take a tensor "
            "out of the graph?",
            "Each is called once. Without detach(), no_grad(), .data and NumPy the gradient flows "
            "through both summands, and without a conversion the dtype stays. Not x *= alpha, "
            "which changes x: alpha * x is a new tensor.",
            "return norm(alpha * x + sublayer(x))",
        ),
    },
)

QUESTIONS = (STEP,)
