"""What the first two questions of exercise 04 share: their probes, and reasons."""

from collections.abc import Callable

import numpy as np
from torch import Tensor

from normlab.checks.examination import Examination
from normlab.checks.exercise import STATE, Arguments, Law, Outputs, Probe
from normlab.exercises.inputs import any_input, plain, redrawn, sizes
from normlab.norms import FloatArray

TensorMap = Callable[[Tensor], Tensor]

TOLERANCE = 1e-4
"""A thousand float32 steps: the gradient of a weight sums 6 terms behind two norms."""
LATER = {"calls": STATE}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    token = np.array([[[1.0, 0.0]]])  # (B, T, D)
    small = np.array([[[0.5, -1.0], [0.25, 0.75]]])
    weights = rng.standard_normal((2, 4, 4))
    gains = np.array([rng.uniform(1.5, 2.0), rng.uniform(0.5, 0.8)])
    one = _arguments(token, small, np.array([2.0]))

    def drawn(*shape: int) -> Arguments:
        return _arguments(rng.standard_normal(shape), weights, gains)

    def another(rng: np.random.Generator) -> Arguments:
        x, weight = rng.standard_normal((1, 1, 3)), rng.standard_normal((1, 3, 3))
        return _arguments(x, weight, rng.uniform(1.5, 2.5, 1))

    def with_axes(rng: np.random.Generator, *fixed: int) -> Arguments:
        shape = (*fixed, *sizes(rng, 2, 1, 3), 4)
        return _arguments(rng.standard_normal(shape), weights, gains)

    batch = drawn(2, 3, 4)
    wide = {name: value.astype(np.float64) for name, value in batch.items()}
    return (
        redrawn(plain("one token, one sub-layer", one), another),
        plain("two sub-layers, each with its norm", batch),
        any_input("a token without any other axis", drawn(4)),
        any_input("tokens without a batch", drawn(3, 4)),
        redrawn(any_input("x with 4 axes", drawn(2, 1, 2, 4)), lambda rng: with_axes(rng, 2)),
        redrawn(any_input("x with 5 axes", drawn(1, 2, 1, 2, 4)), lambda rng: with_axes(rng, 1, 2)),
        any_input("no tokens at all", drawn(2, 0, 4), corner=True),
        any_input("float64 numbers", wide),
        redrawn(
            _with_gradients("gradients through one sub-layer", one),
            lambda rng: {**another(rng), "upstream": 1.0},
        ),
        _with_gradients("gradients through two sub-layers", batch),
    )


def _with_gradients(title: str, arguments: Arguments) -> Probe:
    return Probe(title, {**arguments, "upstream": 1.0}, TOLERANCE, level=STATE)


def _arguments(x: FloatArray, weights: FloatArray, gains: FloatArray) -> Arguments:
    return {"x": x.astype(np.float32), "weights": weights.astype(np.float32), "gains": gains}


def without_branch(gain: float) -> Arguments:
    """Arguments with a sub-layer that adds nothing."""
    x = np.array([[1.0, 3, -2], [30, 5, 8]])
    return _arguments(x, np.zeros((1, 3, 3)), np.array([gain]))


def _called_once(out: Outputs) -> str | None:
    calls = str(out["calls"])
    if sorted(calls.split(", ")) == ["norm 1", "sub-layer 1"]:
        return None
    return f"one step calls: {calls or 'nothing'}."


CALL_COUNT = Law(
    "call-count",
    "the sub-layer and the norm are not called once each",
    (without_branch(1.0),),
    _called_once,
)


def calls_more(e: Examination) -> list[int]:
    """The sub-layers and the norms are called more often than once each."""
    level = e.first_wrong or ""
    judged = [i for i in e.failing(level) if "calls" in e.names(i, level) and e.got[i].outputs]
    return [i for i in judged if _calls(e.got[i].outputs) > _calls(e.expected[i].outputs)]


def _calls(out: Outputs | None) -> int:
    assert out is not None
    return len(str(out["calls"]).split(", "))


GRADIENT_CUT = (
    "gradient-cut",
    "a gradient is cut off inside the step",
    "detach(), .data and no_grad() take a tensor out of the graph. What lies behind it gets no "
    "gradient on that way, and learns nothing from it.",
)
NORM_SHARED = (
    "norm-shared",
    "the norm that is given is not used",
    "Each sub-layer has a norm of its own, with its own gain, shift and ε. One that is made on the "
    "spot is the same for all of them.",
)
CALLED_TWICE = (
    "called-twice",
    "the sub-layer or the norm is called more than once in a step",
    "Each call costs as much again, and with dropout two calls give two results. Keep the result "
    "in a variable.",
)
SCALED = (
    "summand-scaled",
    "x or the branch is multiplied by a number before the sum",
    "Conformer halves its feed-forward branches, LayerScale starts them near 0, and DeepNorm "
    "multiplies x by α. Here both are added as they are.",
)
SUBTRACTED = (
    "sign-wrong",
    "one of the two is subtracted, not added",
    "The residual stream is a sum: x + the branch.",
)
MULTIPLIED = (
    "product-for-sum",
    "x and the branch are multiplied",
    "The branch is a change that is added to x. A product has no path on which x passes by as it "
    "is.",
)
OVERWRITTEN = (
    "residual-overwritten",
    "the branch is added to itself: x is gone before the sum",
    "x = sublayer(…); x + x adds the branch twice. Keep x under its name until it is added, or "
    "save it first: residual = x.",
)
STATE_HINTS = (
    "Each of the two is called once. The caller's x stays as it was. And a gradient arrives at x "
    "and at the sub-layer's weights by every path of the formula.",
    "x += … writes into the caller's tensor. detach(), .data and no_grad() cut the graph. A result "
    "that is used twice is kept in a variable.",
)
