"""A norm: its operators, and the form of it that is written out."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.library import CustomOpDef  # type: ignore[attr-defined]  # torch does not list it

from normlab.fused_norms.written_out import affine, widened


@dataclass(frozen=True)
class Norm:
    """One of the two norms, on rows (N, D).

    Args:
        forward: (x, weight, bias, eps, offset, dtype) -> y, statistics.
        add_forward: the same of x + residual -> the sum, y, statistics.
        backward: (dy, dsum, x, weight, statistics, offset, dtype of the bias) -> dx, dγ, dβ.
        normalize: x̂ and 1/root of rows and ε.
        tangent: how x̂ moves with x, of u, x̂ and 1/root.
    """

    name: str
    forward: CustomOpDef
    add_forward: CustomOpDef
    backward: CustomOpDef
    normalize: Callable[[Tensor, float], tuple[Tensor, Tensor]]
    tangent: Callable[[Tensor, Tensor, Tensor], Tensor]

    def written_out(
        self,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        offset: float,
        dtype: torch.dtype,
    ) -> Tensor:
        """y (N, D), of operations that can be differentiated, transformed and traced."""
        return affine(self.normalize(x, eps)[0], gain_of(weight, offset), bias).to(dtype)


def gain_of(weight: Tensor | None, offset: float) -> Tensor | None:
    """γ = offset + weight, in the dtype of the statistics; None means 1."""
    return weight if weight is None or not offset else widened(weight) + offset
