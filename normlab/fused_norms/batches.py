"""What `torch.func.vmap` makes of the operators."""

from typing import Any

import torch
from torch import Tensor

from normlab.fused_norms.norm import Norm, gain_of
from normlab.fused_norms.written_out import affine, dtype_of_statistics


def tell_batches(norm: Norm) -> None:
    """A batch of rows is more rows; with a batch of gains x̂ is fused, and the rest is not."""

    def forward(info: Any, dims: Any, x: Tensor, weight: Any, bias: Any, *others: Any) -> Any:
        x = _batch(x, dims[0], info.batch_size)  # (B, N, D)
        shared = dims[1] is None and dims[2] is None
        given = (weight, bias) if shared else (None, None)
        eps, offset, dtype = others if shared else (others[0], 0.0, dtype_of_statistics(x))
        y, statistics = norm.forward(x.flatten(0, 1), *given, eps, offset, dtype)
        y, statistics = (each.unflatten(0, x.shape[:2]) for each in (y, statistics))
        if not shared:
            weight, bias = (
                p if p is None or dim is None else p.movedim(dim, 0)[:, None]  # (B, 1, D)
                for p, dim in zip((weight, bias), dims[1:3], strict=True)
            )
            y = affine(y, gain_of(weight, others[1]), bias).to(others[2])
        return (y, statistics), (0, 0)

    def add_forward(info: Any, dims: Any, x: Tensor, residual: Tensor, *others: Any) -> Any:
        x, residual = (
            _batch(each, dim, info.batch_size)
            for each, dim in zip((x, residual), dims, strict=False)
        )
        total = x + residual
        (y, statistics), _ = forward(info, (0, *dims[2:]), total, *others)
        return (total, y, statistics), (0, 0, 0)

    def backward(info: Any, dims: Any, *given: Any) -> Any:
        batches = [
            each if dim is None else each.movedim(dim, 0).unbind()
            for each, dim in zip(given, dims, strict=True)
        ]
        each = [
            norm.backward(
                *(b if dim is None else b[i] for b, dim in zip(batches, dims, strict=True))
            )
            for i in range(info.batch_size)
        ]
        return tuple(torch.stack(one) for one in zip(*each, strict=True)), (0, 0, 0)

    norm.forward.register_vmap(forward)
    norm.add_forward.register_vmap(add_forward)
    norm.backward.register_vmap(backward)


def _batch(x: Tensor, dim: int | None, size: int) -> Tensor:
    """(N, D) with a batch somewhere or nowhere -> (B, N, D)."""
    return x.expand(size, *x.shape) if dim is None else x.movedim(dim, 0)
