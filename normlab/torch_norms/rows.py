"""What both norms ask of a tensor and do with its rows, wherever and however they are computed."""

import math
from typing import Any

import torch
from torch import Tensor

from normlab.fused_norms.paths import has_kernels, is_dual, is_tracing
from normlab.fused_norms.tiles import LONGEST
from normlab.fused_norms.written_out import widened

CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
"""For tensors of so many dimensions."""


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
        or any(is_dual(each) for each in tensors if each is not None)
    )


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


def path_of(weight: Tensor | None, shape: tuple[int, ...]) -> str:
    """How rows of a module's device and dtype are computed, in a word for its `extra_repr`.

    >>> path_of(torch.ones(4), (4,)), path_of(None, (4,))
    ('chunks', 'by input')
    """
    if weight is None:
        return "by input"
    if math.prod(shape) <= LONGEST and has_kernels(weight.device, weight.dtype):
        return "fused"
    return "chunks" if weight.device.type == "cpu" else "written out"


def as_given(y: Tensor, x: Tensor) -> Tensor:
    """`y`, in the memory format of `x` if that is channels_last."""
    layout = CHANNELS_LAST.get(x.dim())
    if layout is None or torch._C._are_functorch_transforms_active():  # vmap has no formats
        return y
    if x.is_contiguous() or not x.is_contiguous(memory_format=layout):
        return y
    return y.contiguous(memory_format=layout)
