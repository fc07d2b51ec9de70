"""RMSNorm of tensors (Zhang & Sennrich 2019)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit import is_scripting  # type: ignore[attr-defined]  # torch does not list it
from torch.nn import functional as F
from torch.overrides import handle_torch_function, has_torch_function

from normlab import fused_norms
from normlab.fused_norms import applies
from normlab.fused_norms.written_out import (
    affine,
    dtype_of_statistics,
    rescale,
    rms_norm_tangent,
    widened,
)
from normlab.torch_norms.arguments import check
from normlab.torch_norms.in_chunks import (
    as_work,
    backward_in_chunks,
    forward_in_chunks,
    inverse_root_mean_squares,
    is_plain,
)
from normlab.torch_norms.rows import (
    as_given,
    as_rows,
    in_float32_under_autocast,
    is_watched,
    path_of,
)


def _write_rescaled(rows: Tensor, eps: float, out: Tensor) -> Tensor:
    """As `rescale`, in place and for ordinary rows."""
    rows = as_work(rows, out)
    inverse_rms = inverse_root_mean_squares(rows, eps)
    torch.mul(rows, inverse_rms, out=out)
    return inverse_rms


def _write_tangent(u: Tensor, mean_ux: Tensor, normalized: Tensor, inverse_rms: Tensor) -> None:
    """u ← (1/r_ε) [u − x̂ · mean(u ⊙ x̂)]."""
    u.addcmul_(normalized, mean_ux, value=-1).mul_(inverse_rms)


class _RMSNorm(torch.autograd.Function):
    """dx = (1/r_ε) [u − x̂ · mean(u ⊙ x̂)], u = dy ⊙ γ; dγ = Σ dy ⊙ x̂.

    In chunks on a CPU; elsewhere, and where the gradient will be differentiated, as the formula.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, eps: float) -> Tensor:
        ctx.eps = eps
        ctx.save_for_backward(x, weight)
        if is_plain(x, weight):
            return forward_in_chunks(_write_rescaled, rescale, x, weight, None, eps)
        return _formula(x, weight, eps)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        given = dy, x, weight
        if is_plain(*given) and not torch.is_grad_enabled() and not is_watched(*given):
            norm = _write_rescaled, rescale, _write_tangent
            dx, dweight, _ = backward_in_chunks(*norm, *given, ctx.eps)
        else:
            normalized, inverse_rms = rescale(x, ctx.eps)
            dy = widened(dy)
            u = dy if weight is None else dy * weight
            dx = rms_norm_tangent(u, normalized, inverse_rms)
            dweight = (dy * normalized).sum(0)  # (N, D) -> (D,)
        return dx.to(x.dtype), None if weight is None else dweight.to(weight.dtype), None


def _formula(x: Tensor, weight: Tensor | None, eps: float) -> Tensor:
    """γ ⊙ x̂ (N, D), with operations that can be differentiated, transformed and traced."""
    normalized, _ = rescale(x, eps)
    return affine(normalized, weight, None).to(x.dtype)


def rms_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """RMSNorm over the trailing `normalized_shape`.

    Formula: y = γ ⊙ x/√(mean(x²) + ε)

    Args:
        input: x (*, *normalized_shape), float16, bfloat16, float32 or float64, on any device.
        normalized_shape: the trailing *sizes* to normalize over, not an axis.
        weight: gain γ of shape `normalized_shape`; None means 1.
        eps: ≥ 0, inside the root. None means the machine epsilon of the dtype in which the
            mean square is computed (1.19e-7 for float32 and half inputs), as PyTorch 2.13 has it.

    Returns:
        A tensor like `input`. Half precision is computed in float32 and cast once, at the end,
        after the gain (Gemma's order; LLaMA casts before the gain). A row has the same bits alone
        and among others (on a CPU; where `fused_norms` applies, if rows lie equally far apart).

    Raises:
        as `layer_norm`.

    Source: Zhang & Sennrich 2019, Eq. 4 (arXiv:1910.07467).

    >>> rms_norm(torch.tensor([[3.0, 4.0]]), 2, eps=0.0)
    tensor([[0.8485, 1.1314]])
    """
    given = (input, weight)
    if has_torch_function(given):
        return handle_torch_function(
            rms_norm, given, input, normalized_shape, weight=weight, eps=eps
        )
    dimensions = check(input, normalized_shape, 0.0 if eps is None else eps, weight=weight)
    fused = applies(input, weight, dimensions=dimensions)
    if not fused:
        input, weight = in_float32_under_autocast(input, weight)
    eps = torch.finfo(dtype_of_statistics(input)).eps if eps is None else float(eps)
    if not fused and not is_watched(input, weight) and not input.numel():
        return affine(input.clone(), weight, None).to(input.dtype)
    rows = as_rows(input, dimensions)  # (*, *shape) -> (N, D)
    flat = None if weight is None else weight.flatten()  # shape -> (D,)
    norm: Any = _formula if is_watched(input, weight) else _RMSNorm.apply
    norm = fused_norms.rms_norm if fused else norm
    y: Tensor = norm(rows, flat, eps)
    return as_given(y.reshape(input.shape), input)  # (N, D) -> (*, *shape)


class RMSNorm(nn.RMSNorm):
    """`rms_norm` with its gain: a drop-in for `torch.nn.RMSNorm`, and one of its kind.

    Formula: y = weight ⊙ x/√(mean(x²) + eps)

    Arguments, parameter, `state_dict` and the path in `repr` as in `LayerNorm`. `torch.jit.script`
    can read no path: scripted, it is torch's operator.

    Shape: input and output (*, *normalized_shape).

    Raises:
        as the function `rms_norm`.

    Source: Zhang & Sennrich 2019 (arXiv:1910.07467).

    >>> sorted(RMSNorm(4).state_dict())
    ['weight']
    """

    def forward(self, x: Tensor) -> Tensor:
        if is_scripting():
            return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)
        else:
            return rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, path={path_of(self.weight, self.normalized_shape)}"
