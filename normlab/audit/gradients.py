"""What flows back through a norm, once and twice, beside the formula in float64."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import Tensor

from normlab.audit.errors import Measured, compared
from normlab.audit.inputs import ORDINARY, rows
from normlab.audit.subject import Norm, Subject
from normlab.inspection.targets import in_short

FLOAT32 = torch.float32
HALVES = (torch.float16, torch.bfloat16)


def of_x(subject: Subject) -> Iterable[Measured]:
    yield _gradient(subject, "x", "rows of 64", rows(*ORDINARY))
    yield _gradient(subject, "x", "rows × 0.003", 3e-3 * rows(*ORDINARY))
    yield _gradient(subject, "x", "rows + 100", rows(*ORDINARY) + 100)
    yield _gradient(subject, "x", "D = 1,023", rows(3, 1023))
    yield _gradient(subject, "x", "shape (2, 3, 64)", rows(2, 3, 64))
    yield _gradient(subject, "x", "rows of zeros", torch.zeros(2, 64, dtype=torch.float64))
    for dtype in HALVES:
        name = str(dtype).removeprefix("torch.")
        yield _gradient(subject, "x", f"{name} rows", rows(*ORDINARY), dtype)


def of_gain(subject: Subject) -> Iterable[Measured]:
    yield from _of_parameter(subject, "gain")


def of_bias(subject: Subject) -> Iterable[Measured]:
    yield from _of_parameter(subject, "bias")


def twice(subject: Subject) -> Iterable[Measured]:
    yield _second(subject, "rows of 64", rows(*ORDINARY))
    yield _second(subject, "rows × 0.003", 3e-3 * rows(*ORDINARY))


def of_no_rows(subject: Subject) -> Iterable[Measured]:
    yield _gradient(subject, "x", "shape (0, 64)", torch.empty(0, 64, dtype=torch.float64))


def _of_parameter(subject: Subject, which: str) -> Iterable[Measured]:
    yield _gradient(subject, which, "16 rows of 64", rows(*ORDINARY))
    yield _gradient(subject, which, "700 rows of 64", rows(700, 64))
    yield _gradient(subject, which, "shape (2, 3, 64)", rows(2, 3, 64))


def _gradient(
    subject: Subject, which: str, where: str, x: Tensor, dtype: torch.dtype = FLOAT32
) -> Measured:
    """The gradient for x, the gain or the bias of Σ dy ⊙ y."""
    norm = subject.norm(x.shape[-1], dtype)
    leaf = x.to(subject.device, dtype).requires_grad_()
    dy = rows(*x.shape, seed=1).to(dtype)
    wanted = exact_gradients(norm, leaf, dy)[which]
    try:
        (found,) = torch.autograd.grad(norm(leaf), [_watched(norm, leaf, which)], dy.to(leaf))
    except Exception as error:
        return Measured(where, torch.inf, refused=in_short(error))
    return compared(where, found.reshape(wanted.shape), wanted, dtype)  # (*shape) -> (D,)


def _watched(norm: Norm, leaf: Tensor, which: str) -> Tensor:
    name = {"x": None, "gain": norm.parameters.gain, "bias": norm.parameters.bias}[which]
    return leaf if name is None else dict(norm.module.named_parameters())[name]


def exact_gradients(norm: Norm, x: Tensor, dy: Tensor) -> dict[str, Tensor]:
    """The gradients in float64: "x" (..., D), "gain" (D,) and "bias" (D,)."""
    wide = x.detach().double().cpu().requires_grad_()
    gain, bias = (p.clone().requires_grad_() for p in (norm.gain, norm.bias))
    y = norm.definition.exact(wide, gain, bias, norm.definition.eps_for(x.dtype))
    found = torch.autograd.grad(
        y, [wide, gain, bias], dy.double(), allow_unused=True, materialize_grads=True
    )
    return dict(zip(("x", "gain", "bias"), found, strict=True))


def _second(subject: Subject, where: str, x: Tensor) -> Measured:
    """The gradient for x of ⟨dx, v⟩, dx being the gradient of Σ dy ⊙ y."""
    norm = subject.norm(x.shape[-1], FLOAT32)
    leaf = x.to(subject.device, FLOAT32).requires_grad_()
    directions = [rows(*x.shape, seed=seed).float() for seed in (1, 2)]
    wide = leaf.detach().double().cpu().requires_grad_()
    wanted = _curvature(partial(norm.exact, dtype=FLOAT32), wide, [d.double() for d in directions])
    try:
        found = _curvature(norm, leaf, [d.to(leaf) for d in directions])
    except Exception as error:
        return Measured(where, torch.inf, refused=in_short(error))
    return compared(where, found, wanted, FLOAT32)


def _curvature(norm: Callable[[Tensor], Tensor], x: Tensor, directions: Sequence[Tensor]) -> Tensor:
    dy, v = directions
    (dx,) = torch.autograd.grad(norm(x), [x], dy, create_graph=True)
    (found,) = torch.autograd.grad(dx, [x], v)
    return found
