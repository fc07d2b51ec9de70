"""What the first two questions of exercise 04 share: their probes, and reasons."""

from collections.abc import Callable

import numpy as np
from torch import Tensor

from normlab.checks.exercise import Arguments, Law, Outputs, Probe
from normlab.norms import FloatArray

TensorMap = Callable[[Tensor], Tensor]

TOLERANCE = 1e-5
"""A hundred float32 steps; the gradient of a weight sums 6 terms."""


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    token = np.array([[1.0, 0.0]])
    small = np.array([[[0.5, -1.0], [0.25, 0.75]]])
    drawn = rng.standard_normal((2, 3, 4))  # (B, T, D)
    weights = rng.standard_normal((2, 4, 4))
    gains = rng.uniform(0.5, 2.0, 2)
    one = _arguments(token, small, np.array([2.0]))
    two = _arguments(drawn, weights, np.array([2.0, 0.5]))
    other = _arguments(drawn[..., ::-1], weights, gains)
    return (
        Probe("one token, one sub-layer", one, TOLERANCE),
        Probe("two sub-layers, each with its norm", two, TOLERANCE),
        Probe("two sub-layers whose norms have random gains", other, TOLERANCE),
    )


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
GRADIENT_CUT = (
    "gradient-cut",
    "no gradient flows through one of the summands",
    "The values are right, but the model cannot learn: detach() and no_grad() take the tensor out "
    "of the graph.",
)
NORM_SHARED = (
    "norm-shared",
    "the norm that is given is not used: both sub-layers share one",
    "Each sub-layer of a block has a norm of its own, with its own gain and shift. Call the `norm` "
    "of this step; one that is made on the spot, or used twice, is the same for both.",
)
CALLED_TWICE = (
    "called-twice",
    "the sub-layer or the norm is called twice for the same input",
    "The values are right, but each call costs as much again, and with dropout two calls give two "
    "results. Keep the result in a variable.",
)
INPUT_MUTATED = (
    "input-mutated",
    "x is changed in place",
    "The caller still needs x: backward does, for one. Write x + f(x), not x += f(x).",
)
