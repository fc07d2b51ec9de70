"""Layer norm of tensors (Ba, Kiros & Hinton 2016)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit import is_scripting  # type: ignore[attr-defined]  # torch does not list it
from torch.nn import functional as F
from torch.overrides import handle_torch_function, has_torch_function

from normlab import fused_norms
from normlab.fused_norms import applies
from normlab.fused_norms.written_out import affine, layer_norm_tangent, standardize, widened
from normlab.torch_norms.arguments import check
from normlab.torch_norms.in_chunks import (
    as_work,
    backward_in_chunks,
    forward_in_chunks,
    inverse_root_mean_squares,
    is_plain,
    row_means,
)
from normlab.torch_norms.rows import (
    as_given,
    as_rows,
    in_float32_under_autocast,
    is_watched,
    path_of,
)

OFFSET = 2.0
"""Up to a mean of so many standard deviations, what its rounding leaves behind never shows."""
ROUNDINGS = 8
"""A mean that is left behind is subtracted if it is more than so many roundings of the result."""


def _write_standardized(rows: Tensor, eps: float, out: Tensor) -> Tensor:
    """As `standardize`, in place and for ordinary rows.

    As in `normlab.norms`, a mean that is left behind is subtracted where it shows.
    """
    rows = as_work(rows, out)
    mean = row_means(rows)
    torch.sub(rows, mean, out=out)
    inverse_std = inverse_root_mean_squares(out, eps)
    offset = mean.mul_(inverse_std)
    least, most = torch.aminmax(offset)
    if not (least.item() >= -OFFSET and most.item() <= OFFSET):  # also if they are NaN
        _center_again(out, inverse_std)
        inverse_std = inverse_root_mean_squares(out, eps)
    out.mul_(inverse_std)
    return inverse_std


def _center_again(out: Tensor, inverse_std: Tensor) -> None:
    """Subtract the mean of those rows where it shows; the others keep their bits."""
    left_behind, roundings = row_means(out), ROUNDINGS * torch.finfo(out.dtype).eps
    shows = (left_behind * inverse_std).abs() > roundings
    out.sub_(torch.where(shows, left_behind, 0.0))


def _write_tangent(u: Tensor, mean_ux: Tensor, normalized: Tensor, inverse_std: Tensor) -> None:
    """u ← (1/σ_ε) [u − mean(u) − x̂ · mean(u ⊙ x̂)]."""
    u.sub_(row_means(u)).addcmul_(normalized, mean_ux, value=-1).mul_(inverse_std)


class _LayerNorm(torch.autograd.Function):
    """dx = (1/σ_ε) [u − mean(u) − x̂ · mean(u ⊙ x̂)], u = dy ⊙ γ; dγ = Σ dy ⊙ x̂; dβ = Σ dy.

    In chunks on a CPU; elsewhere, and where the gradient will be differentiated, as the formula.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> Tensor:
        ctx.eps, ctx.bias_dtype = eps, None if bias is None else bias.dtype
        ctx.save_for_backward(x, weight)
        if is_plain(x, weight, bias):
            return forward_in_chunks(_write_standardized, standardize, x, weight, bias, eps)
        return _formula(x, weight, bias, eps)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        given = dy, x, weight
        if is_plain(*given) and not torch.is_grad_enabled() and not is_watched(*given):
            norm = _write_standardized, standardize, _write_tangent
            dx, dweight, dbias = backward_in_chunks(*norm, *given, ctx.eps)
        else:
            normalized, inverse_std = standardize(x, ctx.eps)
            dy = widened(dy)
            u = dy if weight is None else dy * weight
            dx = layer_norm_tangent(u, normalized, inverse_std)
            dweight = (dy * normalized).sum(0)  # (N, D) -> (D,)
            dbias = dy.sum(0)  # (N, D) -> (D,)
        return (
            dx.to(x.dtype),
            None if weight is None else dweight.to(weight.dtype),
            None if ctx.bias_dtype is None else dbias.to(ctx.bias_dtype),
            None,
        )


def _formula(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """γ ⊙ x̂ + β (N, D), with operations that can be differentiated, transformed and traced."""
    normalized, _ = standardize(x, eps)
    return affine(normalized, weight, bias).to(x.dtype)


def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Layer normalization over the trailing `normalized_shape`.

    Formula: y = γ ⊙ (x − μ)/√(Var + ε) + β, with μ and the biased Var over the trailing
    dimensions of each example.

    Args:
        input: x (*, *normalized_shape), float16, bfloat16, float32 or float64, on any device.
        normalized_shape: the trailing *sizes* to normalize over, not an axis.
        weight: gain γ of shape `normalized_shape`; None means 1.
        bias: shift β of shape `normalized_shape`; None means 0.
        eps: ≥ 0, inside the root.

    Returns:
        A tensor like `input`. Half precision is computed in float32 and cast once, at the end. A
        row has the same bits alone and among others (on a CPU; where `fused_norms` applies, if
        rows lie equally far apart).

    Raises:
        TypeError: if `input`, `weight` or `bias` is no tensor, or `eps` no number.
        NotImplementedError: if one is of another dtype.
        RuntimeError: if `input` does not end in `normalized_shape`, or if `weight` or `bias` has
            another shape.
        ValueError: if `eps` is negative.

    Source: Ba, Kiros & Hinton 2016, Eq. 3 and 4 (arXiv:1607.06450).

    >>> layer_norm(torch.tensor([[1.0, 3.0]]), 2, eps=0.0)
    tensor([[-1.,  1.]])
    """
    given = (input, weight, bias)
    if has_torch_function(given):
        return handle_torch_function(
            layer_norm, given, input, normalized_shape, weight=weight, bias=bias, eps=eps
        )
    dimensions = check(input, normalized_shape, eps, weight=weight, bias=bias)
    eps, fused = float(eps), applies(input, weight, bias, dimensions=dimensions)
    if not fused:
        input, weight, bias = in_float32_under_autocast(input, weight, bias)
    if not fused and not is_watched(input, weight, bias) and not input.numel():
        return affine(input.clone(), weight, bias).to(input.dtype)
    rows = as_rows(input, dimensions)  # (*, *shape) -> (N, D)
    flat = [None if p is None else p.flatten() for p in (weight, bias)]  # shape -> (D,)
    norm: Any = _formula if is_watched(input, weight, bias) else _LayerNorm.apply
    norm = fused_norms.layer_norm if fused else norm
    y: Tensor = norm(rows, *flat, eps)
    return as_given(y.reshape(input.shape), input)  # (N, D) -> (*, *shape)


class LayerNorm(nn.LayerNorm):
    """`layer_norm` with its parameters: a drop-in for `torch.nn.LayerNorm`, and one of its kind.

    Formula: y = weight ⊙ (x − μ)/√(Var + eps) + bias

    Arguments, parameters and `state_dict` are those of `torch.nn.LayerNorm`; `repr` adds by which
    path it is computed: fused (`normlab.fused_norms`), in chunks (on a CPU) or written out.
    `torch.jit.script` can read none of these: scripted, it is torch's operator.

    Shape: input and output (*, *normalized_shape).

    Raises:
        as the function `layer_norm`.

    Source: Ba, Kiros & Hinton 2016 (arXiv:1607.06450).

    >>> LayerNorm(4)(torch.randn(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """

    def forward(self, input: Tensor) -> Tensor:
        if is_scripting():
            return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)
        else:
            return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, path={path_of(self.weight, self.normalized_shape)}"
