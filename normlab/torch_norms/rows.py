"""What both norms ask of a tensor and do with its rows, wherever and however they are computed."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

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


def greatest(rows: Tensor) -> Tensor:
    """The greatest absolute value of each row: (N, D) -> (N, 1)."""
    return rows.detach().abs().amax(-1, keepdim=True)


def scale_for(sizes: Tensor, eps: float) -> Tensor:
    """By what to divide rows of these greatest values (N, 1) so that their squares neither overflow
    nor vanish: 1 but for sizes above `LARGEST`, or, where ε does not hide them, below its inverse.
    """
    largest = LARGEST[sizes.dtype]
    needed = (sizes > largest) & sizes.isfinite()
    if eps < largest**-2:
        needed = needed | ((sizes < 1 / largest) & (sizes > 0))
    least = max(eps**0.5, torch.finfo(sizes.dtype).tiny)  # else 1/scale, or ε/scale², overflows
    return torch.where(needed, sizes.clamp(min=least), 1.0)


def is_watched(*tensors: Tensor | None) -> bool:
    """Whether something transforms, traces or writes down what is done, beyond plain autograd.

    Then it is to see the formula, and nothing that is done in place or by hand. There is no public
    question for the transforms of `torch.func`, nor for dispatch modes.
    """
    return (
        torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack() > 0
        or is_tracing()
        or any(_is_dual(each) for each in tensors if each is not None)
    )


def _is_dual(x: Tensor) -> bool:
    tangent = forward_ad.unpack_dual(x).tangent  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return tangent is not None


def is_tracing() -> bool:
    """Whether `torch.jit.trace` writes down what is done, for inputs of any size."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]  # torch neither lists nor types it


def as_rows(x: Tensor, dimensions: int) -> Tensor:
    """(*, *shape) -> (N, D), with so many dimensions in the shape; sizes may be unknown yet."""
    x = x.flatten(-dimensions)
    return x.flatten(0, -2) if x.dim() > 1 else x[None]


def in_float32_under_autocast(*tensors: Tensor | None) -> list[Any]:
    """On CUDA autocast lists norms among what runs, and returns, in float32."""
    x = tensors[0]
    if x is None or x.device.type != "cuda" or not torch.is_autocast_enabled("cuda"):
        return [*tensors]
    return [None if each is None else widened(each) for each in tensors]


def affine(normalized: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """γ ⊙ x̂ + β, in one pass where both are there."""
    if weight is not None and bias is not None:
        return torch.addcmul(bias, normalized, weight)
    scaled = normalized if weight is None else normalized * weight
    return scaled if bias is None else scaled + bias


def as_given(y: Tensor, x: Tensor) -> Tensor:
    """`y`, in the memory format of `x` if that is channels_last."""
    layout = CHANNELS_LAST.get(x.dim())
    if layout is None or torch._C._are_functorch_transforms_active():  # vmap has no formats
        return y
    if x.is_contiguous() or not x.is_contiguous(memory_format=layout):
        return y
    return y.contiguous(memory_format=layout)
