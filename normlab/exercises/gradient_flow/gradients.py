"""Exercise 05, first question: the norm of the gradient at each layer."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from normlab.checks.examples import number
from normlab.checks.exercise import Arguments, Law, Mistake, Outputs, Probe, Question
from normlab.exercises.drivers import gradient_flow as drivers
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


def _arguments(x: FloatArray, weights: FloatArray, loss_factor: float = 1.0) -> Arguments:
    return {"x": x, "weights": weights, "loss_factor": loss_factor}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one = np.array([[1.0, 0.5]])
    small = np.array([[[0.5, -1.0], [0.25, 0.75]]])
    drawn = rng.standard_normal((2, 3, 4))  # (B, T, D)
    weights = rng.standard_normal((3, 4, 4))
    return (
        Probe("one block", _arguments(one, small)),
        Probe("no blocks", _arguments(one, small[:0])),
        Probe("three blocks, a batch of two", _arguments(drawn, weights)),
        Probe(
            "float32 numbers, ten times the loss",
            _arguments(drawn.astype(np.float32), weights.astype(np.float32), loss_factor=10.0),
            tolerance=1e-4,  # a thousand float32 steps: the gradient is a product of four factors
        ),
    )


START = "stream = [x.detach().requires_grad_()]"
TAKE = "gradients = torch.autograd.grad(loss, stream)"
NORMS_LINE = "norms = [gradient.norm().item() for gradient in gradients]"
NORM, RETURN = "gradient.norm().item()", "return np.array(norms)"
ZERO = "[block.zero_grad() for block in blocks]"
BACKWARD = (
    "[s.retain_grad() for s in stream]; loss.backward(); gradients = [s.grad for s in stream]"
)
OF_WEIGHTS = "norms = [block.weight.grad.norm().item() for block in blocks]"

MISTAKES = (
    Mistake(
        "weight-gradients",
        "these are the gradients of the weights, not of the activations",
        "The question is what reaches layer l: ∂L/∂x_l, which has the shape of x. A weight's "
        "gradient also depends on what its block reads, and .grad adds up over calls.",
        {
            NORMS_LINE: "norms = [torch.autograd.grad(loss, block.weight, retain_graph=True)[0]"
            ".norm().item() for block in blocks]"
        },
        {TAKE: "loss.backward()", NORMS_LINE: OF_WEIGHTS},
        {TAKE: f"{ZERO}; loss.backward()", NORMS_LINE: OF_WEIGHTS},
    ),
    Mistake(
        "accumulated-over-calls",
        "the gradient of an earlier call is still there, and the next one is added",
        "backward() adds to .grad; the second call gives twice the first. Take a fresh tensor, "
        "x.detach().requires_grad_(), or ask torch.autograd.grad, which returns the gradients.",
        {START: "stream = [x.requires_grad_()]", TAKE: BACKWARD},
    ),
    Mistake(
        "parameter-gradients-changed",
        "the weights' .grad is changed",
        "backward() adds to the .grad of all parameters, and zero_grad() deletes what was there. "
        "Whoever measures between two steps of training spoils the next one. "
        "torch.autograd.grad(loss, tensors) returns gradients and leaves .grad alone.",
        {START: START, TAKE: BACKWARD},
        {START: START, TAKE: f"{ZERO}; {BACKWARD}"},
        {START: START, TAKE: f"{BACKWARD}; {ZERO}"},
    ),
    Mistake(
        "graph-freed",
        "the graph is used a second time, after it was freed",
        "A backward pass frees the graph behind it. Ask for all gradients at once: "
        "torch.autograd.grad(loss, [x_0, …, x_L]). One by one, each but the last needs "
        "retain_graph=True, and L passes instead of one.",
        {TAKE: "gradients = [torch.autograd.grad(loss, s)[0] for s in stream]", RETURN: RETURN},
    ),
    Mistake(
        "gradient-not-retained",
        "the .grad of an activation is None",
        "backward() keeps .grad for leaves alone, and x_1 … x_L are results of other tensors. Call "
        "retain_grad() on them first, or ask torch.autograd.grad.",
        {TAKE: "loss.backward(); gradients = [s.grad for s in stream]", RETURN: RETURN},
    ),
    Mistake(
        "input-without-gradient",
        "x does not ask for a gradient",
        "The x that is given is data. Only a tensor with requires_grad=True has a gradient: "
        "x.detach().requires_grad_() makes one that shares the numbers and leaves x as it was.",
        {START: "stream = [x]"},
    ),
    Mistake(
        "input-marked",
        "the caller's x is left with requires_grad set",
        "requires_grad_() changes the tensor that it is called on, and everything computed from x "
        "later builds a graph. Take x.detach() first.",
        {START: "stream = [x.requires_grad_()]"},
    ),
    Mistake(
        "parameters-frozen",
        "the weights cannot be trained any more",
        "Their requires_grad was switched off and not on again. torch.autograd.grad computes what "
        "it is asked for and nothing else, without that.",
        {START: f"[block.requires_grad_(False) for block in blocks]; {START}"},
    ),
    Mistake(
        "input-left-out",
        "the gradient at the input x_0 is missing",
        "L blocks have L + 1 activations around them: x_0 before the first, x_L after the last.",
        {RETURN: "return np.array(norms)[1:]"},
    ),
    Mistake(
        "output-left-out",
        "the gradient at the output x_L is missing",
        "L blocks have L + 1 activations around them: x_0 before the first, x_L after the last.",
        {RETURN: "return np.array(norms)[:-1]"},
    ),
    Mistake(
        "order-reversed",
        "the order is reversed",
        "Entry l belongs to x_l: the input comes first, the output last. The backward pass meets "
        "them the other way round.",
        {RETURN: "return np.array(norms)[::-1]"},
    ),
    Mistake(
        "mean-for-norm",
        "a mean of the entries stands in place of the norm",
        "The norm is √Σg², a sum over all entries of one layer. A mean divides by their number.",
        {NORM: "gradient.abs().mean().item()"},
        {NORM: "gradient.square().mean().sqrt().item()"},
    ),
    Mistake(
        "squared-norm",
        "the norm is squared",
        "The root is missing: ‖g‖ = √Σg².",
        {NORM: "gradient.square().sum().item()"},
    ),
    Mistake(
        "other-norm",
        "this is another norm: Σ|g| or the largest |g|",
        "The Frobenius norm is √Σg², whatever the shape. Tensor.norm() computes it.",
        {NORM: "gradient.abs().sum().item()"},
        {NORM: "gradient.abs().max().item()"},
    ),
    Mistake(
        "norm-per-token",
        "the norm is taken of each token or example, and then a mean or sum",
        "One number for a layer: the root of the sum of the squares of all entries, over batch, "
        "tokens and features.",
        {NORM: "gradient.norm(dim=-1).mean().item()"},
        {NORM: "(gradient.norm() / len(gradient)).item()"},
    ),
    Mistake(
        "activations-for-gradients",
        "these are the norms of the activations, not of their gradients",
        "‖x_l‖ says how large the stream is. Asked is how much the loss changes with it: "
        "‖∂L/∂x_l‖.",
        {NORMS_LINE: "norms = [s.norm().item() for s in stream]"},
    ),
    Mistake(
        "relative-or-logarithm",
        "the norms are divided by one of them, or their logarithms",
        "Return the norms themselves; the plot can be logarithmic.",
        {RETURN: "return np.array(norms) / norms[-1]"},
        {RETURN: "return np.array(norms) / norms[0]"},
        {RETURN: "return np.log10(norms)"},
    ),
)

_X = np.array([[1.0, 3, -2], [5, 4, 8]])
_IDENTITY = _arguments(_X, np.zeros((2, 3, 3)))


def _output(out: Outputs) -> str | None:
    wanted = float(np.sqrt((_X**4).sum()))  # (N, D) -> ()
    got = out["norms"][-1]
    return (
        None if np.isclose(got, wanted) else f"for L = Σ y³/3, ‖y²‖ = {wanted:.4g}; got {got:.4g}."
    )


def _equal(out: Outputs) -> str | None:
    return None if np.ptp(out["norms"]) < 1e-9 else f"the norms are {number(out['norms'])}."


def _doubled(one: Outputs, two: Outputs) -> str | None:
    if np.allclose(2 * one["norms"], two["norms"]):
        return None
    return f"{number(one['norms'])} becomes {number(two['norms'])}."


def _again(out: Outputs) -> str | None:
    one, two = out["norms"], out["norms of a second call"]
    if one.shape == two.shape and np.allclose(one, two):
        return None
    return f"first {number(one)}, then {number(two)}."


LAWS = (
    Law("second-call", "a second call gives something else", (_IDENTITY,), _again),
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

GRADIENTS = Question(
    function="layer_gradient_norms",
    points=4,
    driver=drivers.norms,
    reference=layer_gradient_norms,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "Keep every activation on the way up: x_0, x_1, …, x_L. Afterwards ask for the gradient of "
        "the loss with respect to each of them.",
        "x_0 = x.detach().requires_grad_() has a gradient and leaves x alone. "
        "torch.autograd.grad(loss, list_of_tensors) returns all gradients in one pass, in the "
        "order of the list, and touches no .grad.",
        "stream = [x.detach().requires_grad_()]; for block in blocks: "
        "stream.append(block(stream[-1])); gradients = torch.autograd.grad(loss_fn(stream[-1]), "
        "stream); return np.array([g.norm().item() for g in gradients]).",
    ),
)

QUESTIONS = (GRADIENTS,)
