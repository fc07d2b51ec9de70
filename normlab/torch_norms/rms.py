"""RMSNorm of tensors (Zhang & Sennrich 2019)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit import is_scripting  # type: ignore[attr-defined]  # torch does not list it
from torch.nn import functional as F
from torch.overrides import handle_torch_function, has_torch_function

from normlab.torch_norms.arguments import check
from normlab.torch_norms.in_chunks import (
    backward_in_chunks,
    forward_in_chunks,
    in_place_is_safe,
    inverse_root_mean_squares,
)
from normlab.torch_norms.rows import as_given, dtype_of_statistics, scale_of, widened


def _rescale(rows: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """x̂ = x/r_ε (N, D) and 1/r_ε (N, 1)."""
    rows = widened(rows)
    scale = scale_of(rows, eps)
    rows = rows / scale
    mean_square = rows.square().mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    inverse_rms = torch.rsqrt(mean_square + eps / scale / scale)
    return rows * inverse_rms, inverse_rms / scale


def _write_rescaled(rows: Tensor, eps: float, out: Tensor) -> Tensor:
    """As `_rescale`, in place and for ordinary rows."""
    if rows.dtype != out.dtype:
        rows = out.copy_(rows)
    inverse_rms = inverse_root_mean_squares(rows, eps)
    torch.mul(rows, inverse_rms, out=out)
    return inverse_rms


def _write_tangent(u: Tensor, mean_ux: Tensor, normalized: Tensor, inverse_rms: Tensor) -> None:
    """As `_tangent`, in place."""
    u.addcmul_(normalized, mean_ux, value=-1).mul_(inverse_rms)


class _RMSNorm(torch.autograd.Function):
    """dx = (1/r_ε) [u − x̂ · mean(u ⊙ x̂)], u = dy ⊙ γ; dγ = Σ dy ⊙ x̂.

    In chunks where that is safe; else with operations that can be differentiated and transformed.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor | None, eps: float) -> Tensor:
        if in_place_is_safe(x, weight):
            return forward_in_chunks(_write_rescaled, _rescale, x, weight, None, eps)
        normalized, _ = _rescale(x, eps)
        return (normalized if weight is None else normalized * weight).to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, ctx.eps = inputs
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        if in_place_is_safe(dy, x, weight):
            norm = _write_rescaled, _rescale, _write_tangent
            dx, dweight, _ = backward_in_chunks(*norm, dy, x, weight, ctx.eps)
        else:
            normalized, inverse_rms = _rescale(x, ctx.eps)
            dy = widened(dy)
            dx = _tangent(dy if weight is None else dy * weight, normalized, inverse_rms)
            dweight = (dy * normalized).sum(0)  # (N, D) -> (D,)
        return dx.to(x.dtype), None if weight is None else dweight.to(weight.dtype), None


class _RMSNormWithTangents(_RMSNorm):
    """The same with forward-mode derivatives, which `torch.compile` refuses to read."""

    @staticmethod
    def jvp(ctx: Any, dx: Tensor | None, dweight: Tensor | None, _: None) -> Tensor:
        x, weight = ctx.saved_tensors
        normalized, inverse_rms = _rescale(x, ctx.eps)
        moved = torch.zeros_like(normalized)
        if dx is not None:
            moved = _tangent(widened(dx), normalized, inverse_rms)
            moved = moved if weight is None else moved * weight
        return (moved if dweight is None else moved + normalized * dweight).to(x.dtype)


def _tangent(u: Tensor, normalized: Tensor, inverse_rms: Tensor) -> Tensor:
    """(1/r_ε) [u − x̂ · mean(u ⊙ x̂)]: how x̂ moves with x, and, as this is symmetric, what x gets of
    a gradient u of x̂."""
    mean_ux = (u * normalized).mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    return inverse_rms * torch.addcmul(u, normalized, mean_ux, value=-1)


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
        and among others (on a CPU).

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
    shape = check(input, normalized_shape, 0.0 if eps is None else eps, weight=weight)
    if eps is None:
        eps = torch.finfo(dtype_of_statistics(input)).eps
    if not shape.numel():
        return torch.empty_like(input)
    rows = input.reshape(-1, shape.numel())  # (*, *shape) -> (N, D)
    weight = None if weight is None else weight.reshape(-1)  # shape -> (D,)
    norm = _RMSNorm if torch.compiler.is_compiling() else _RMSNormWithTangents
    y: Tensor = norm.apply(rows, weight, eps)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return as_given(y.reshape(input.shape), input)  # (N, D) -> (*, *shape)


class RMSNorm(nn.RMSNorm):
    """`rms_norm` with its gain: a drop-in for `torch.nn.RMSNorm`, and one of its kind.

    Formula: y = weight ⊙ x/√(mean(x²) + eps)

    Arguments, parameter and `state_dict` are those of `torch.nn.RMSNorm`. `torch.jit.script` cannot
    read what is written out here: scripted, it is torch's operator.

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
