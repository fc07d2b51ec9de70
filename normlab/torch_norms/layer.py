"""Layer norm of tensors (Ba, Kiros & Hinton 2016)."""

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
    row_means,
)
from normlab.torch_norms.rows import as_given, scale_of, widened

OFFSET = 2.0
"""Up to a mean of so many standard deviations, what its rounding leaves behind never shows."""
ROUNDINGS = 8
"""A mean that is left behind is subtracted if it is more than so many roundings of the result."""


def _standardize(rows: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """x̂ (N, D) and 1/σ_ε (N, 1). Two passes: first μ, then the variance.

    Rounding μ leaves a small mean behind, up to 0.03 at an offset of 1e6 in float32; centering
    once more removes it.
    """
    rows = widened(rows)
    scale = scale_of(rows, eps)
    rows = rows / scale
    nearly = rows - rows.mean(-1, keepdim=True)  # (N, D) - (N, 1)
    centered = nearly - nearly.mean(-1, keepdim=True)  # (N, D) - (N, 1)
    variance = centered.square().mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    inverse_std = torch.rsqrt(variance + eps / scale / scale)
    return centered * inverse_std, inverse_std / scale


def _write_standardized(rows: Tensor, eps: float, out: Tensor) -> Tensor:
    """As `_standardize`, in place and for ordinary rows.

    As in `normlab.norms`, a mean that is left behind is subtracted where it shows.
    """
    if rows.dtype != out.dtype:
        rows = out.copy_(rows)
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
    """As `_tangent`, in place."""
    u.sub_(row_means(u)).addcmul_(normalized, mean_ux, value=-1).mul_(inverse_std)


class _LayerNorm(torch.autograd.Function):
    """dx = (1/σ_ε) [u − mean(u) − x̂ · mean(u ⊙ x̂)], u = dy ⊙ γ; dγ = Σ dy ⊙ x̂; dβ = Σ dy.

    In chunks where that is safe; else with operations that can be differentiated and transformed.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
        if in_place_is_safe(x, weight, bias):
            return forward_in_chunks(_write_standardized, _standardize, x, weight, bias, eps)
        normalized, _ = _standardize(x, eps)
        return _affine(normalized, weight, bias).to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, bias, ctx.eps = inputs
        ctx.bias_dtype = None if bias is None else bias.dtype
        ctx.save_for_backward(x, weight)
        ctx.save_for_forward(x, weight)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, None]:
        x, weight = ctx.saved_tensors
        if in_place_is_safe(dy, x, weight):
            norm = _write_standardized, _standardize, _write_tangent
            dx, dweight, dbias = backward_in_chunks(*norm, dy, x, weight, ctx.eps)
        else:
            normalized, inverse_std = _standardize(x, ctx.eps)
            dy = widened(dy)
            dx = _tangent(dy if weight is None else dy * weight, normalized, inverse_std)
            dweight = (dy * normalized).sum(0)  # (N, D) -> (D,)
            dbias = dy.sum(0)  # (N, D) -> (D,)
        return (
            dx.to(x.dtype),
            None if weight is None else dweight.to(weight.dtype),
            None if ctx.bias_dtype is None else dbias.to(ctx.bias_dtype),
            None,
        )


class _LayerNormWithTangents(_LayerNorm):
    """The same with forward-mode derivatives, which `torch.compile` refuses to read."""

    @staticmethod
    def jvp(
        ctx: Any, dx: Tensor | None, dweight: Tensor | None, dbias: Tensor | None, _: None
    ) -> Tensor:
        x, weight = ctx.saved_tensors
        normalized, inverse_std = _standardize(x, ctx.eps)
        moved = torch.zeros_like(normalized)
        if dx is not None:
            moved = _affine(_tangent(widened(dx), normalized, inverse_std), weight, None)
        if dweight is not None:
            moved = moved + normalized * dweight
        return (moved if dbias is None else moved + dbias).to(x.dtype)


def _affine(normalized: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """γ ⊙ x̂ + β, in one pass where both are there."""
    if weight is not None and bias is not None:
        return torch.addcmul(bias, normalized, weight)
    scaled = normalized if weight is None else normalized * weight
    return scaled if bias is None else scaled + bias


def _tangent(u: Tensor, normalized: Tensor, inverse_std: Tensor) -> Tensor:
    """(1/σ_ε) [u − mean(u) − x̂ · mean(u ⊙ x̂)]: how x̂ moves with x, and, as this is symmetric, what
    x gets of a gradient u of x̂."""
    mean_u = u.mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    mean_ux = (u * normalized).mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    return inverse_std * torch.addcmul(u - mean_u, normalized, mean_ux, value=-1)


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
        row has the same bits alone and among others (on a CPU).

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
    shape = check(input, normalized_shape, eps, weight=weight, bias=bias)
    if not shape.numel():
        return torch.empty_like(input)
    rows = input.reshape(-1, shape.numel())  # (*, *shape) -> (N, D)
    flat = (None if p is None else p.reshape(-1) for p in (weight, bias))  # shape -> (D,)
    norm = _LayerNorm if torch.compiler.is_compiling() else _LayerNormWithTangents
    y: Tensor = norm.apply(rows, *flat, eps)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return as_given(y.reshape(input.shape), input)  # (N, D) -> (*, *shape)


class LayerNorm(nn.LayerNorm):
    """`layer_norm` with its parameters: a drop-in for `torch.nn.LayerNorm`, and one of its kind.

    Formula: y = weight ⊙ (x − μ)/√(Var + eps) + bias

    Arguments, parameters and `state_dict` are those of `torch.nn.LayerNorm`. `torch.jit.script`
    cannot read what is written out here: scripted, it is torch's operator.

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
