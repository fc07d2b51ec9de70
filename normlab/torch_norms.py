"""LayerNorm and RMSNorm in PyTorch, written out in tensor operations, for any device.

Names, arguments and `state_dict`s are those of `torch.nn`, so either module loads the other's
weights. The backward passes are written by hand; because they are themselves made of
differentiable operations, second derivatives and `torch.func` transforms work too.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["LayerNorm", "RMSNorm", "layer_norm", "rms_norm"]


def _in_float32_or_more(x: Tensor) -> Tensor:
    """float16 and bfloat16 are widened to float32; float32 and float64 stay as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _standardize(rows: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """x̂ (N, D) and 1/σ_ε (N, 1). Two passes: first μ, then the variance.

    Rounding μ leaves a small mean behind, up to 0.03 at an offset of 1e6 in float32; centering
    once more removes it.
    """
    rows = _in_float32_or_more(rows)
    nearly = rows - rows.mean(-1, keepdim=True)  # (N, D) - (N, 1)
    centered = nearly - nearly.mean(-1, keepdim=True)  # (N, D) - (N, 1)
    variance = centered.square().mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    inverse_std = torch.rsqrt(variance + eps)
    return centered * inverse_std, inverse_std


def _rescale(rows: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """x̂ = x/r_ε (N, D) and 1/r_ε (N, 1)."""
    rows = _in_float32_or_more(rows)
    inverse_rms = torch.rsqrt(rows.square().mean(-1, keepdim=True) + eps)  # (N, D) -> (N, 1)
    return rows * inverse_rms, inverse_rms


class _LayerNorm(torch.autograd.Function):
    """dx = (1/σ_ε) [u − mean(u) − x̂ · mean(u ⊙ x̂)], u = dy ⊙ γ; dγ = Σ dy ⊙ x̂; dβ = Σ dy."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        normalized, _ = _standardize(x, eps)
        return torch.addcmul(bias, normalized, weight).to(x.dtype)  # γ ⊙ x̂ + β in one pass

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, bias, ctx.eps = inputs
        ctx.bias_dtype = bias.dtype
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        normalized, inverse_std = _standardize(x, ctx.eps)
        dy = _in_float32_or_more(dy)
        u = dy * weight
        mean_u = u.mean(-1, keepdim=True)  # (N, D) -> (N, 1)
        mean_ux = (u * normalized).mean(-1, keepdim=True)  # (N, D) -> (N, 1)
        dx = inverse_std * torch.addcmul(u - mean_u, normalized, mean_ux, value=-1)
        dweight = (dy * normalized).sum(0)  # (N, D) -> (D,)
        dbias = dy.sum(0)  # (N, D) -> (D,)
        return dx.to(x.dtype), dweight.to(weight.dtype), dbias.to(ctx.bias_dtype), None


class _RMSNorm(torch.autograd.Function):
    """dx = (1/r_ε) [u − x̂ · mean(u ⊙ x̂)], u = dy ⊙ γ; dγ = Σ dy ⊙ x̂."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, eps: float) -> Tensor:
        normalized, _ = _rescale(x, eps)
        return (normalized * weight).to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, ctx.eps = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        normalized, inverse_rms = _rescale(x, ctx.eps)
        dy = _in_float32_or_more(dy)
        u = dy * weight
        mean_ux = (u * normalized).mean(-1, keepdim=True)  # (N, D) -> (N, 1)
        dx = inverse_rms * torch.addcmul(u, normalized, mean_ux, value=-1)
        dweight = (dy * normalized).sum(0)  # (N, D) -> (D,)
        return dx.to(x.dtype), dweight.to(weight.dtype), None


def layer_norm(
    x: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Layer normalization over the trailing `normalized_shape`.

    Formula: y = γ ⊙ (x − μ)/√(Var + ε) + β, with μ and the biased Var over the trailing
    dimensions of each example.

    Args:
        x: (*, *normalized_shape), float16, bfloat16, float32 or float64, on any device.
        normalized_shape: the trailing *sizes* to normalize over, not an axis.
        weight: gain γ of shape `normalized_shape`; None means 1.
        bias: shift β of shape `normalized_shape`; None means 0.
        eps: ≥ 0, inside the root.

    Returns:
        A tensor like `x`. Half precision is computed in float32 and cast once, at the end.

    Raises:
        ValueError: if `x` does not end in `normalized_shape` or is not floating point, or if
            `weight` or `bias` has another shape.

    Source: Ba, Kiros & Hinton 2016, Eq. 3 and 4 (arXiv:1607.06450).

    >>> layer_norm(torch.tensor([[1.0, 3.0]]), 2, eps=0.0)
    tensor([[-1.,  1.]])
    """
    shape = _check(x, normalized_shape, eps, weight=weight, bias=bias)
    rows = x.reshape(-1, shape.numel())  # (*, *shape) -> (N, D)
    weight = rows.new_ones(shape) if weight is None else weight
    bias = rows.new_zeros(shape) if bias is None else bias
    y: Tensor = _LayerNorm.apply(rows, weight.reshape(-1), bias.reshape(-1), eps)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return y.reshape(x.shape)  # (N, D) -> (*, *shape)


def rms_norm(
    x: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """RMSNorm over the trailing `normalized_shape`.

    Formula: y = γ ⊙ x/√(mean(x²) + ε)

    Args:
        x: (*, *normalized_shape), float16, bfloat16, float32 or float64, on any device.
        normalized_shape: the trailing *sizes* to normalize over, not an axis.
        weight: gain γ of shape `normalized_shape`; None means 1.
        eps: ≥ 0, inside the root. None means the machine epsilon of the dtype in which the
            mean square is computed (1.19e-7 for float32 and half inputs), as PyTorch 2.13 has it.

    Returns:
        A tensor like `x`. Half precision is computed in float32 and cast once, at the end,
        after the gain (Gemma's order; LLaMA casts before the gain).

    Raises:
        ValueError: as `layer_norm`.

    Source: Zhang & Sennrich 2019, Eq. 4 (arXiv:1910.07467).

    >>> rms_norm(torch.tensor([[3.0, 4.0]]), 2, eps=0.0)
    tensor([[0.8485, 1.1314]])
    """
    shape = _check(x, normalized_shape, eps or 0.0, weight=weight)
    if eps is None:
        eps = torch.finfo(torch.promote_types(x.dtype, torch.float32)).eps
    rows = x.reshape(-1, shape.numel())  # (*, *shape) -> (N, D)
    weight = rows.new_ones(shape) if weight is None else weight
    y: Tensor = _RMSNorm.apply(rows, weight.reshape(-1), eps)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return y.reshape(x.shape)  # (N, D) -> (*, *shape)


def _check(
    x: Tensor, normalized_shape: int | Sequence[int], eps: float, **parameters: Tensor | None
) -> torch.Size:
    """The normalized shape as a torch.Size, or a ValueError that says what does not fit."""
    shape = _as_size(normalized_shape)
    if not x.is_floating_point():
        raise ValueError(f"x has dtype {x.dtype}; expected a floating point tensor: use x.float().")
    if x.shape[-len(shape) :] != shape:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and normalized_shape is {tuple(shape)}; "
            "normalized_shape must equal the trailing sizes of x."
        )
    if not eps >= 0:
        raise ValueError(f"eps is {eps}; expected a number ≥ 0, for instance 1e-5.")
    for name, parameter in parameters.items():
        if parameter is not None and parameter.shape != shape:
            raise ValueError(
                f"{name} has shape {tuple(parameter.shape)}; expected normalized_shape, "
                f"{tuple(shape)}."
            )
    return shape


def _as_size(normalized_shape: int | Sequence[int]) -> torch.Size:
    sizes = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not sizes or min(sizes) < 1:
        raise ValueError(f"normalized_shape is {sizes}; expected one or more sizes ≥ 1.")
    return torch.Size(sizes)


class LayerNorm(nn.Module):
    """`layer_norm` with its parameters: a drop-in for `torch.nn.LayerNorm`.

    Formula: y = weight ⊙ (x − μ)/√(Var + eps) + bias

    Args:
        normalized_shape: the trailing sizes to normalize over.
        eps: ≥ 0.
        elementwise_affine: whether there is a `weight`, starting at 1.
        bias: whether there is also a `bias`, starting at 0.
        device, dtype: of the parameters.

    Shape: input and output (*, *normalized_shape).

    Raises:
        ValueError: as the function `layer_norm`.

    Source: Ba, Kiros & Hinton 2016 (arXiv:1607.06450).

    >>> LayerNorm(4)(torch.randn(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = tuple(_as_size(normalized_shape))
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        empty = torch.empty(self.normalized_shape, device=device, dtype=dtype)
        self.weight = nn.Parameter(empty) if elementwise_affine else None
        has_bias = elementwise_affine and bias
        self.bias = nn.Parameter(torch.empty_like(empty)) if has_bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.weight is not None:
            nn.init.ones_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(nn.Module):
    """`rms_norm` with its gain: a drop-in for `torch.nn.RMSNorm`.

    Formula: y = weight ⊙ x/√(mean(x²) + eps)

    Args:
        normalized_shape: the trailing sizes to normalize over.
        eps: ≥ 0, or None for the machine epsilon (see `rms_norm`).
        elementwise_affine: whether there is a `weight`, starting at 1.
        device, dtype: of the parameter.

    Shape: input and output (*, *normalized_shape).

    Raises:
        ValueError: as the function `rms_norm`.

    Source: Zhang & Sennrich 2019 (arXiv:1910.07467).

    >>> sorted(RMSNorm(4).state_dict())
    ['weight']
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = tuple(_as_size(normalized_shape))
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        empty = torch.empty(self.normalized_shape, device=device, dtype=dtype)
        self.weight = nn.Parameter(empty) if elementwise_affine else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.weight is not None:
            nn.init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )
