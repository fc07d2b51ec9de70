"""What must not change by a single bit."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from normlab.audit.errors import Measured, apart
from normlab.audit.inputs import ORDINARY, rows
from normlab.audit.subject import Norm, Subject
from normlab.inspection.targets import in_short

BATCH = 513
SIZES = (64, 1000)
PLACES = (0, 255, 512)
"""Rows of the batch that are also normalized alone."""
SPOILT = 3
"""The row that holds NaN or inf."""


def batch_invariance(subject: Subject) -> Iterable[Measured]:
    """A row alone and among others."""
    for size in SIZES:
        norm, x = _given(subject, BATCH, size)
        dy = rows(BATCH, size, seed=1).to(x)
        yield _bits(f"y, D = {size:,}", partial(_by_row, _y(norm), x, dy))
        yield _bits(f"dx, D = {size:,}", partial(_by_row, _dx(norm), x, dy))


def determinism(subject: Subject) -> Iterable[Measured]:
    """The same call, twice."""
    norm, x = _given(subject, BATCH, 64)
    dy = rows(BATCH, 64, seed=1).to(x)
    yield _bits("y", lambda: (norm(x.clone()), norm(x.clone())))
    yield _bits("dx", lambda: (_dx(norm)(x.clone(), dy), _dx(norm)(x.clone(), dy)))


def spreading_nan(subject: Subject) -> Iterable[Measured]:
    """The rows beside one that holds NaN or inf."""
    for number in (torch.nan, torch.inf, -torch.inf):
        norm, x = _given(subject, *ORDINARY)
        spoilt = x.clone()
        spoilt[SPOILT, 5] = number
        yield _bits(f"rows beside one with {number}", partial(_beside, norm, spoilt, x))
        yield _hidden(norm, spoilt, number)


def unchanged(subject: Subject) -> Iterable[Measured]:
    """The input and the parameters, after a call forward and backward."""
    norm, x = _given(subject, *ORDINARY)
    held = [p.detach().clone() for p in norm.module.parameters()]
    before, dy = x.clone(), rows(*ORDINARY, seed=1).to(x)
    yield _bits("x after forward", lambda: (norm(x), (x, before))[1])
    given = before.clone().requires_grad_() * 1  # no leaf: that would refuse to be written to
    yield _bits("x after backward", partial(_after_backward, norm, given, dy, before))
    yield _bits("dy after backward", lambda: (dy, rows(*ORDINARY, seed=1).to(x)))
    after = [p.detach() for p in norm.module.parameters()]
    for one, other in zip(held, after, strict=True):
        yield apart("a parameter", other, one)


def _given(subject: Subject, count: int, size: int) -> tuple[Norm, Tensor]:
    x = rows(count, size).float().to(subject.device)
    return subject.norm(size, torch.float32), x


def _y(norm: Norm) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, dy: norm(x.clone())


def _dx(norm: Norm) -> Callable[[Tensor, Tensor], Tensor]:
    def gradient(x: Tensor, dy: Tensor) -> Tensor:
        leaf = x.detach().requires_grad_()
        (found,) = torch.autograd.grad(norm(leaf * 1), [leaf], dy)
        return found

    return gradient


def _by_row(
    call: Callable[[Tensor, Tensor], Tensor], x: Tensor, dy: Tensor
) -> tuple[Tensor, Tensor]:
    """Some rows of a batch, and the same rows alone, (N, D) each."""
    together = call(x, dy)[list(PLACES)]
    alone = [call(x[i : i + 1], dy[i : i + 1]) for i in PLACES]
    return together, torch.cat(alone)


def _beside(norm: Norm, spoilt: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """All rows but the spoilt one, with and without it."""
    others = [i for i in range(len(x)) if i != SPOILT]
    return norm(spoilt)[others], norm(x)[others]


def _after_backward(norm: Norm, x: Tensor, dy: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
    """x after a backward pass, and what it was."""
    torch.autograd.grad(norm(x), [x], dy)
    return x, before


def _bits(where: str, call: Callable[[], tuple[Tensor, Tensor]]) -> Measured:
    try:
        one, other = call()
    except Exception as error:
        return Measured(where, torch.inf, refused=in_short(error))
    return apart(where, one.detach(), other.detach())


def _hidden(norm: Norm, spoilt: Tensor, number: float) -> Measured:
    """Whether NaN or inf is still seen in its own row: a hidden one is found much later."""
    where = f"the row with {number}"
    try:
        row = norm(spoilt)[SPOILT]
    except Exception as error:
        return Measured(where, torch.inf, refused=in_short(error))
    if row.isfinite().all():
        return Measured(
            where, torch.inf, wrong=f"a row with {number} comes out as ordinary numbers"
        )
    return Measured(where)
