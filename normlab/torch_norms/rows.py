"""What both norms ask of a tensor and do with its rows, wherever and however they are computed."""

import torch
from torch import Tensor

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


def is_tracing() -> bool:
    """Whether `torch.jit.trace` writes down what is done, for inputs of any size."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]  # torch neither lists nor types it


def as_given(y: Tensor, x: Tensor) -> Tensor:
    """`y`, in the memory format of `x` if that is channels_last."""
    layout = CHANNELS_LAST.get(x.dim())
    if layout is None or x.is_contiguous() or not x.is_contiguous(memory_format=layout):
        return y
    return y.contiguous(memory_format=layout)
