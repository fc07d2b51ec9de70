"""Exercise 05, first question: the norm of the gradient at each layer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normlab.checks.examples import number
from normlab.checks.exercise import (
    ANY_INPUT,
    FORMULA,
    STATE,
    Arguments,
    Law,
    Outputs,
    Probe,
    Question,
)
from normlab.exercises.drivers import gradient_flow as drivers
from normlab.exercises.gradient_flow.gradients_mistakes import MISTAKES
from normlab.exercises.inputs import any_input, plain, redrawn, sizes
from normlab.norms import FloatArray


def layer_gradient_norms(
    blocks: Sequence[nn.Module], x: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> FloatArray:
    stream = [x.detach().requires_grad_()]
    for block in blocks:
        stream.append(block(stream[-1]))
    loss = loss_fn(stream[-1])
    gradients = torch.autograd.grad(loss, stream)
    norms = [gradient.norm().item() for gradient in gradients]
    return np.array(norms)


def _arguments(x: FloatArray, weights: FloatArray, **others: float) -> dict[str, Any]:
    return {"x": x, "weights": weights, **others}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one = np.array([[1.0, 0.5]])
    small = np.array([[[0.5, -1.0], [0.25, 0.75]]])
    weights = rng.standard_normal((3, 4, 4))

    def drawn(*shape: int) -> dict[str, Any]:
        return _arguments(rng.standard_normal(shape), weights)

    def another(rng: np.random.Generator, blocks: int = 1) -> dict[str, Any]:
        return _arguments(rng.standard_normal((1, 2)), rng.standard_normal((blocks, 2, 2)))

    def with_axes(rng: np.random.Generator, *fixed: int) -> dict[str, Any]:
        return _arguments(rng.standard_normal((*fixed, *sizes(rng, 2, 1, 3), 4)), weights)

    batch = drawn(2, 3, 4)  # (B, T, D)
    narrow = {name: array.astype(np.float32) for name, array in batch.items()}
    return (
        redrawn(plain("one block", _arguments(one, small)), another),
        plain("three blocks, a batch of two", batch),
        redrawn(
            any_input("no blocks", _arguments(one, small[:0])), lambda rng: another(rng, blocks=0)
        ),
        any_input("a token without any other axis", drawn(4)),
        redrawn(any_input("x with 4 axes", drawn(2, 1, 2, 4)), lambda rng: with_axes(rng, 2)),
        redrawn(any_input("x with 5 axes", drawn(1, 2, 1, 2, 4)), lambda rng: with_axes(rng, 1, 2)),
        any_input("no tokens at all", drawn(2, 0, 4), corner=True),
        any_input("float32 numbers, ten times the loss", narrow | {"loss_factor": 10.0}),
        redrawn(
            _called_twice("two calls, one block", _arguments(one, small)),
            lambda rng: {**another(rng), "calls": 2},
        ),
        _called_twice("two calls, three blocks, the last one frozen", batch | {"frozen": 1}),
    )


def _called_twice(title: str, arguments: Arguments) -> Probe:
    return Probe(title, {**arguments, "calls": 2}, level=STATE)


_X = np.array([[1.0, 3, -2], [5, 4, 8]])
_IDENTITY = _arguments(_X, np.zeros((2, 3, 3)))


def _output(out: Outputs) -> str | None:
    wanted = float(np.sqrt((_X**4).sum()))  # (N, D) -> ()
    got = out["norms"][-1]
    return (
        None if np.isclose(got, wanted) else f"for L = Σ y³/3, ‖y²‖ = {wanted:.4g}; got {got:.4g}."
    )


def _equal(out: Outputs) -> str | None:
    norms = out["norms"]
    alike = np.ptp(norms) < 1e-4 * norms.max()
    return None if alike else f"the norms are {number(norms)}."


def _doubled(one: Outputs, two: Outputs) -> str | None:
    if np.allclose(2 * one["norms"], two["norms"]):
        return None
    return f"{number(one['norms'])} becomes {number(two['norms'])}."


LAWS = (
    Law(
        "not-proportional",
        "twice the loss does not have twice the gradient",
        (_IDENTITY, {**_IDENTITY, "loss_factor": 2.0}),
        _doubled,
    ),
    Law(
        "identity-changes",
        "blocks that add nothing change the gradient",
        (_IDENTITY,),
        _equal,
    ),
    Law(
        "output-gradient",
        "the last entry is not the norm of the gradient at the output",
        (_IDENTITY,),
        _output,
    ),
)

HINTS = {
    FORMULA: (
        "Keep every activation on the way up: x_0, x_1, …, x_L. Afterwards ask for the gradient of "
        "the loss with respect to each of them.",
        "torch.autograd.grad(loss, list_of_tensors) returns all gradients in one pass, in the "
        "order of the list. The list begins with x_0 = x.detach().requires_grad_().",
        "stream = [x.detach().requires_grad_()]; for block in blocks: "
        "stream.append(block(stream[-1])); gradients = torch.autograd.grad(loss_fn(stream[-1]), "
        "stream); return np.array([g.norm().item() for g in gradients]).",
    ),
    ANY_INPUT: (
        "How many entries does the result have for an empty list of blocks? And for which shapes "
        "of x is your norm the root of the sum of all squares?",
        "Without blocks x_0 is also the output, and has one entry. g.norm() takes all entries of "
        "g, however many axes it has.",
        "stream = [x.detach().requires_grad_()] before the loop, g.norm().item() for each "
        "gradient.",
    ),
    STATE: (
        "Print .grad and requires_grad of a weight and of x, and block.training, before and after "
        "the call. What is different?",
        "torch.autograd.grad returns the gradients and touches no .grad; backward() and "
        "zero_grad() do. x.detach() is a tensor of its own. Remove the hooks, and leave the modes "
        "alone.",
        "gradients = torch.autograd.grad(loss, stream) with stream = "
        "[x.detach().requires_grad_()] leaves nothing behind.",
    ),
}

GRADIENTS = Question(
    function="layer_gradient_norms",
    levels={FORMULA: 2, ANY_INPUT: 1, STATE: 1},
    driver=drivers.norms,
    reference=layer_gradient_norms,
    probes=probes,
    later={"left behind": STATE},
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (GRADIENTS,)
