"""What both norms do with the rows of a tensor: widen them, scale them, cut them into chunks."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

CHUNK_BYTES = 1024 * 1024
"""A chunk stays in the cache from one step to the next, and is long enough for torch."""
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
"""For tensors of so many dimensions."""
LARGEST = {torch.float32: 2.0**40, torch.float64: 2.0**400}
"""Squares of numbers up to this one, and down to its inverse, are far from overflow and underflow
in sums of any length."""


def dtype_of_statistics(x: Tensor) -> torch.dtype:
    """float32, or float64 for float64."""
    return torch.promote_types(x.dtype, torch.float32)


def widened(x: Tensor) -> Tensor:
    """float16 and bfloat16 as float32; float32 and float64 as they are."""
    return x.to(dtype_of_statistics(x))


def scale_of(rows: Tensor, eps: float) -> Tensor:
    """By what to divide each row (N, D) so that its squares neither overflow nor vanish: (N, 1).

    It is 1 but for rows whose greatest absolute value is above `LARGEST`, or, where ε does not
    hide it, below its inverse.
    """
    largest = LARGEST[rows.dtype]
    greatest = rows.detach().abs().amax(-1, keepdim=True)  # (N, D) -> (N, 1)
    needed = (greatest > largest) & greatest.isfinite()
    if eps < largest**-2:
        needed = needed | ((greatest < 1 / largest) & (greatest > 0))
    return torch.where(needed, greatest.clamp(min=eps**0.5), 1.0)


def are_ordinary(inverse_roots: Tensor) -> bool:
    """Whether no 1/√(mean square + ε) (n, 1) comes from squares that overflowed or vanished."""
    least, most = torch.aminmax(inverse_roots)
    largest = LARGEST[inverse_roots.dtype]
    return least.item() > 1 / largest and most.item() < largest  # False for NaN


def rows_to_mend(inverse_roots: Tensor) -> Tensor:
    """Where they do (n,)."""
    largest = LARGEST[inverse_roots.dtype]
    return ~((inverse_roots > 1 / largest) & (inverse_roots < largest)).squeeze(-1)


def in_place_is_safe(*tensors: Tensor | None) -> bool:
    """Whether steps may be done in place, chunk by chunk: plain tensors on a CPU, and nothing that
    transforms, traces or differentiates what is done.

    There is no public question for the transforms of `torch.func`.
    """
    return not (
        torch._C._are_functorch_transforms_active()
        or torch.is_grad_enabled()
        or torch.compiler.is_compiling()
        or is_tracing()
    ) and all(
        type(tensor) in (Tensor, nn.Parameter) and tensor.device.type == "cpu"
        for tensor in tensors
        if tensor is not None
    )


def is_tracing() -> bool:
    """Whether `torch.jit.trace` writes down what is done, for inputs of any size."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]  # torch leaves it untyped


def chunks(rows: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Rows of some tensors (N, D), of about CHUNK_BYTES each in the dtype of the statistics."""
    row_bytes = rows.shape[1] * dtype_of_statistics(rows).itemsize
    step = max(1, CHUNK_BYTES // row_bytes)
    parts = (torch.split(each, step) for each in (rows, *others))
    return zip(*parts, strict=True) if len(rows) else iter(())


def as_given(y: Tensor, x: Tensor) -> Tensor:
    """`y`, in the memory format of `x` if that is channels_last."""
    layout = CHANNELS_LAST.get(x.dim())
    if layout is None or x.is_contiguous() or not x.is_contiguous(memory_format=layout):
        return y
    return y.contiguous(memory_format=layout)


def pair_of_buffers(rows: Tensor) -> Tensor:
    """Two buffers (2, n, D) for a chunk of rows, and for those after it."""
    return torch.empty((2, *rows.shape), dtype=dtype_of_statistics(rows))


def workspace(out: Tensor, dtype: torch.dtype) -> Tensor:
    """Where to compute: `out` itself, or a buffer if `out` is of lower precision."""
    return out if out.dtype == dtype else torch.empty(out.shape, dtype=dtype)


def row_means(rows: Tensor) -> Tensor:
    """(n, D) -> (n, 1). (`torch.mean` takes twice the time.)"""
    if len(rows) == 1:
        return row_means(_twice(rows))[:1]
    return rows.sum(-1, keepdim=True).div_(rows.shape[1])


def inverse_root_mean_squares(rows: Tensor, eps: float) -> Tensor:
    """1/√(mean square + ε): (n, D) -> (n, 1), in one pass and without a temporary."""
    if len(rows) == 1:
        return inverse_root_mean_squares(_twice(rows), eps)[:1]
    lengths = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    return lengths.square_().mul_(1 / rows.shape[1]).add_(eps).rsqrt_()


def _twice(row: Tensor) -> Tensor:
    """(1, D) -> (2, D). Of one long row torch would give each thread a part to sum, and so another
    rounding than among others."""
    return row.expand(2, -1)
