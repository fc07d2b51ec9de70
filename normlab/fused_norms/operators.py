"""The kernels as operators of torch: `torch.ops.normlab.layer_norm` and its kin, on rows (N, D).

torch.compile, torch.export and vmap take an operator whole: they are told its shapes (a fake
kernel), its gradient, and what a batch of it is. It stays opaque to them, since there is nothing
left to fuse.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op

from normlab.fused_norms import launches
from normlab.fused_norms.batches import tell_batches
from normlab.fused_norms.gradients import tell_gradients
from normlab.fused_norms.launches import STATISTICS
from normlab.fused_norms.norm import Norm
from normlab.fused_norms.written_out import (
    dtype_of_statistics,
    layer_norm_tangent,
    rescale,
    rms_norm_tangent,
    standardize,
)


def define(
    name: str,
    normalize: Callable[[Tensor, float], tuple[Tensor, Tensor]],
    tangent: Callable[[Tensor, Tensor, Tensor], Tensor],
) -> Norm:
    """Register the three operators of a norm with torch."""

    @custom_op(f"normlab::{name}", mutates_args=())
    def forward(
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        offset: float,
        dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        return launches.forward(name, x, None, weight, bias, eps, offset, dtype)[1:]

    @custom_op(f"normlab::add_{name}", mutates_args=())
    def add_forward(
        x: Tensor,
        residual: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        offset: float,
        dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor, Tensor]:
        return launches.forward(name, x, residual, weight, bias, eps, offset, dtype)

    @custom_op(f"normlab::{name}_backward", mutates_args=())
    def backward(
        dy: Tensor,
        dsum: Tensor | None,
        x: Tensor,
        weight: Tensor | None,
        statistics: Tensor,
        offset: float,
        bias_dtype: torch.dtype | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        return launches.backward(name, dy, dsum, x, weight, statistics, offset, bias_dtype)

    norm = Norm(name, forward, add_forward, backward, normalize, tangent)
    _tell_shapes(norm)
    tell_gradients(norm)
    tell_batches(norm)
    return norm


def _tell_shapes(norm: Norm) -> None:
    """The fake kernels: results of the right shapes and dtypes, and nothing in them."""

    @norm.forward.register_fake
    def _(x: Tensor, weight: Any, bias: Any, eps: float, offset: float, dtype: torch.dtype) -> Any:
        statistics = x.new_empty((len(x), STATISTICS[norm.name]), dtype=dtype_of_statistics(x))
        return x.new_empty(x.shape, dtype=dtype), statistics

    @norm.add_forward.register_fake
    def _(x: Tensor, residual: Tensor, *others: Any) -> Any:
        statistics = x.new_empty((len(x), STATISTICS[norm.name]), dtype=dtype_of_statistics(x))
        return x.new_empty(x.shape), x.new_empty(x.shape, dtype=others[-1]), statistics

    @norm.backward.register_fake
    def _(
        dy: Tensor,
        dsum: Any,
        x: Tensor,
        weight: Tensor | None,
        statistics: Tensor,
        offset: float,
        bias_dtype: torch.dtype | None,
    ) -> Any:
        dweight = x.new_empty(0) if weight is None else weight.new_empty(x.shape[1])
        no_bias = bias_dtype is None
        dbias = x.new_empty(0) if no_bias else x.new_empty(x.shape[1], dtype=bias_dtype)
        return x.new_empty(x.shape), dweight, dbias


LAYER_NORM = define("layer_norm", standardize, layer_norm_tangent)
RMS_NORM = define("rms_norm", rescale, rms_norm_tangent)
