"""The gradients of the operators: of the kernels, or written out where they are differentiated."""

from typing import Any

import torch
from torch import Tensor

from normlab.fused_norms.norm import Norm, gain_of


def tell_gradients(norm: Norm) -> None:
    """Register what autograd does after `forward` and `add_forward`."""

    def setup(ctx: Any, inputs: Any, output: Any) -> None:
        (x, weight, bias, eps, offset, _), (_, statistics) = inputs, output
        _keep(ctx, x, weight, bias, statistics, eps, offset)

    def backward(ctx: Any, dy: Tensor | None, _: Any) -> Any:
        return _gradients(norm, ctx, dy, None)

    def add_setup(ctx: Any, inputs: Any, output: Any) -> None:
        (_, _, weight, bias, eps, offset, _), (total, _, statistics) = inputs, output
        _keep(ctx, total, weight, bias, statistics, eps, offset)

    def add_backward(ctx: Any, dsum: Tensor | None, dy: Tensor | None, _: Any) -> Any:
        dx, *others = _gradients(norm, ctx, dy, dsum)
        return dx, dx, *others

    norm.forward.register_autograd(backward, setup_context=setup)
    norm.add_forward.register_autograd(add_backward, setup_context=add_setup)


def _keep(
    ctx: Any,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    statistics: Tensor,
    eps: float,
    offset: float,
) -> None:
    ctx.mark_non_differentiable(statistics)
    ctx.set_materialize_grads(False)  # no zeros are written for what nobody differentiates
    ctx.save_for_backward(x, weight, statistics)
    ctx.eps, ctx.offset, ctx.bias_dtype = eps, offset, None if bias is None else bias.dtype


def _gradients(norm: Norm, ctx: Any, dy: Tensor | None, dsum: Tensor | None) -> tuple[Any, ...]:
    """dx, dγ, dβ, and None for ε, the offset and the dtype."""
    x, weight, statistics = ctx.saved_tensors
    if dy is None:
        return dsum, *5 * [None]
    if torch.is_grad_enabled():  # they will be differentiated
        dx, dweight, dbias = _written_out_gradients(norm, dy, dsum, x, weight, ctx.eps, ctx.offset)
    else:
        dx, dweight, dbias = norm.backward(
            dy, dsum, x, weight, statistics, ctx.offset, ctx.bias_dtype
        )
    return (
        dx,
        None if weight is None else dweight.to(weight.dtype),
        None if ctx.bias_dtype is None else dbias.to(ctx.bias_dtype),
        *3 * [None],
    )


def _written_out_gradients(
    norm: Norm,
    dy: Tensor,
    dsum: Tensor | None,
    x: Tensor,
    weight: Tensor | None,
    eps: float,
    offset: float,
) -> tuple[Tensor, Tensor, Tensor]:
    normalized, inverse_root = norm.normalize(x, eps)
    dx, dweight, dbias = _pulled_back(norm, dy, weight, normalized, inverse_root, offset)
    return (dx if dsum is None else dx + dsum).to(x.dtype), dweight, dbias


def _pulled_back(
    norm: Norm,
    dy: Tensor,
    weight: Tensor | None,
    normalized: Tensor,
    inverse_root: Tensor,
    offset: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """dx, dγ = Σ dy ⊙ x̂, dβ = Σ dy in the dtype of the statistics."""
    dy, gain = dy.to(normalized.dtype), gain_of(weight, offset)
    dx = norm.tangent(dy if gain is None else dy * gain, normalized, inverse_root)
    return dx, (dy * normalized).sum(0), dy.sum(0)  # (N, D) -> (D,)
