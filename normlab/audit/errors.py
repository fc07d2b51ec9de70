"""How far a tensor is from what it should be, in units of the last place of its dtype."""

from dataclasses import dataclass

import torch
from torch import Tensor

WRONG = {torch.float16: 0.03, torch.bfloat16: 0.1, torch.float32: 3e-4, torch.float64: 1e-5}
"""The relative error from which on numbers are wrong, and not only rounded: about 30 units of
float16, 13 of bfloat16 and 2,500 of float32. For float64 it is what float32 would do."""
ROUNDED = {torch.float16: 2.0, torch.bfloat16: 2.0, torch.float32: 4.0, torch.float64: 4.0}
"""The error up to which numbers count as well rounded, in units of the last place. Half-precision
numbers are computed in float32, so that little more is left than the last rounding."""


@dataclass(frozen=True)
class Measured:
    """What was seen on one input.

    Attributes:
        where: what is special about the input.
        ulps: the greatest error, in units of the last place.
        rounded: up to which that is mere rounding.
        limit: from which on it is wrong.
        wrong: what is wrong beside the numbers; "" if nothing is.
        refused: the error that was raised; "" if none was.
    """

    where: str
    ulps: float = 0.0
    rounded: float = 0.0
    limit: float = 0.0
    wrong: str = ""
    refused: str = ""


def ulps(y: Tensor, exact: Tensor) -> float:
    """The greatest error of y (..., D), in units of the last place of its dtype.

    The unit of a number is that of its exact value or, for numbers near 0, that of the root mean
    square of its row: 0.5 is the best that can be, and 1 of a thousand is not 1 of a thousandth.

    Args:
        y: what was computed.
        exact: what is right, float64; where it is not finite nothing is compared.

    Example:
        >>> ulps(torch.tensor([1.0, 1.0 + 2**-22]), torch.ones(2, dtype=torch.float64))
        2.0
    """
    if not exact.numel():
        return 0.0
    computed = y.detach().double().cpu()
    exact = exact.detach()
    info = torch.finfo(y.dtype)
    size = exact.square().mean(-1, keepdim=True).sqrt()  # (..., D) -> (..., 1)
    size = torch.where(size > 0, size, 1.0)
    greatest = torch.maximum(exact.abs(), size.expand_as(exact))
    unit = (2 ** greatest.log2().floor() * info.eps).clamp_min(info.tiny * info.eps)
    error = ((computed - exact).abs() / unit).nan_to_num(torch.inf, posinf=torch.inf)
    return float(torch.where(exact.isfinite(), error, 0.0).max())


def compared(where: str, y: object, exact: Tensor, dtype: torch.dtype) -> Measured:
    """A result beside the exact one; its shape and dtype count, too."""
    if not isinstance(y, Tensor):
        return Measured(where, torch.inf, wrong=f"it gives a {type(y).__name__}, no tensor")
    if y.shape != exact.shape:
        shapes = f"{tuple(y.shape)} for {tuple(exact.shape)}"
        return Measured(where, torch.inf, wrong=f"it gives the shape {shapes}")
    if y.dtype != dtype:
        given, got = (str(d).removeprefix("torch.") for d in (dtype, y.dtype))
        return Measured(where, torch.inf, wrong=f"it gives {got} for {given}")
    return Measured(where, ulps(y, exact), ROUNDED[dtype], WRONG[dtype] / torch.finfo(dtype).eps)


def apart(where: str, y: Tensor, other: Tensor) -> Measured:
    """Two results that must have the same bits."""
    if y.shape != other.shape:
        return Measured(where, torch.inf)
    same = torch.equal(y.isnan(), other.isnan()) and torch.equal(y.nan_to_num(), other.nan_to_num())
    return Measured(where, 0.0 if same else max(ulps(y, other.double().cpu()), 0.01))
