"""Where the kernels run, and who must see the written-out form instead."""

import functools
import os
import shutil
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.autograd import forward_ad

from normlab.fused_norms.tiles import LONGEST

INSTALLED = find_spec("triton") is not None
INTERPRETED = INSTALLED and os.environ.get("TRITON_INTERPRET") == "1"
"""Triton's interpreter runs kernels on a CPU, slowly. It looks at the variable when it is imported,
and so do we."""
REAL = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def applies(x: Tensor, *others: Tensor | None, dimensions: int = 1) -> bool:
    """Whether the kernels take these tensors, and whoever looks on takes the operators.

    A row is what lies in so many trailing dimensions of x.

    Forward-mode derivatives and `torch.func.grad` do not (torch 2.13: an operator's gradient is
    not theirs), nor tensors of other classes; and what is exported is to run elsewhere too.
    """
    tensors = [x, *(each for each in others if each is not None)]
    return (
        has_kernels(x.device, x.dtype)
        and not is_tracing()
        and 0 < x.shape[-dimensions:].numel() <= LONGEST
        and all(each.device == x.device and each.dtype in REAL for each in tensors)
        and all(type(each) in (Tensor, torch.nn.Parameter) for each in tensors)
        and not torch.compiler.is_exporting()
        and not _derives(tensors)
    )


def _derives(tensors: list[Tensor]) -> bool:
    """Whether a transform of `torch.func` other than vmap is at work, or a tensor has a tangent.

    torch.compile does not say which transform it is.
    """
    compiling = torch.compiler.is_compiling()
    if torch._C._are_functorch_transforms_active():
        return compiling or any(level != VMAP for level in _transforms())
    return not compiling and any(map(is_dual, tensors))


VMAP = torch._C._functorch.TransformType.Vmap


def _transforms() -> list[torch._C._functorch.TransformType]:
    """There is no public question for them."""
    return [level.key() for level in torch._C._functorch.get_interpreter_stack() or ()]


def is_dual(x: Tensor) -> bool:
    """Whether x has a tangent (forward-mode derivatives)."""
    tangent = forward_ad.unpack_dual(x).tangent  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return tangent is not None


def is_tracing() -> bool:
    """Whether `torch.jit.trace` writes down what is done, for inputs of any size."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]  # torch neither lists nor types it


def has_kernels(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether there are kernels for a device: with Triton, and the C compiler that it needs.

    >>> has_kernels(torch.device("meta"), torch.float32)
    False
    """
    return INSTALLED and dtype in REAL and _runs(device, dtype == torch.bfloat16)


# as torch.compiler.assume_constant_result does, which would load all of torch._dynamo
has_kernels._dynamo_marked_constant = True  # type: ignore[attr-defined]  # functions have none


@functools.cache
def _runs(device: torch.device, bfloat16: bool) -> bool:
    """Triton runs on GPUs from compute capability 7.0 on, with bfloat16 from 8.0 on."""
    if INTERPRETED:
        return device.type in ("cpu", "cuda")
    if device.type != "cuda" or not torch.cuda.is_available():
        return False
    least = (8, 0) if bfloat16 else (7, 0)
    capable = torch.version.hip is not None or torch.cuda.get_device_capability(device) >= least
    return capable and any(map(shutil.which, ("cc", "gcc", "clang")))
