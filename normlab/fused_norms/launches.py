"""Memory for the results, and the launch of the kernels that fill it. Rows are (N, D)."""

from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from normlab.fused_norms.tiles import (
    COLUMNS_TILE,
    LONG_TILE,
    SUMS_TILE,
    Tile,
    is_whole,
    processors_of,
    rows_of_each,
    whole_tile,
)
from normlab.fused_norms.written_out import dtype_of_statistics

STATISTICS = {"layer_norm": 4, "rms_norm": 2}
"""Numbers that the forward pass leaves for the backward pass, a row."""
MEANS = {"layer_norm": 2, "rms_norm": 1}
"""Numbers that the first launch leaves for the second where rows are long, a row."""


def forward(
    norm: str,
    x: Tensor,
    residual: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    offset: float,
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor]:
    """x + residual (empty if there is none), y (N, D) and the statistics of a row; one launch."""
    (N, D), wide = x.shape, dtype_of_statistics(x)
    y = x.new_empty((N, D), dtype=dtype)
    total = x.new_empty(0 if residual is None else (N, D))
    statistics = x.new_empty((N, STATISTICS[norm]), dtype=wide)
    if not x.numel():
        return total, y, statistics
    x, residual = _readable(x), None if residual is None else _readable(residual)
    weight, bias = (None if p is None else p.contiguous() for p in (weight, bias))
    strides = x.stride(0), 0 if residual is None else residual.stride(0)
    given = x, residual, weight, bias, total, y, statistics, *strides, N, D
    if is_whole(D, wide, "forward"):
        tile = whole_tile(D, "forward")
        each = rows_of_each(N, tile, "forward", processors_of(x.device))
        _launch(_kernels(norm).forward, -(-N // each), tile, *given, each, eps, offset)
    else:
        tile = Tile(*LONG_TILE)
        _launch(_kernels(f"long_{norm}").forward, -(-N // tile.rows), tile, *given, eps, offset)
    return total, y, statistics


def backward(
    norm: str,
    dy: Tensor,
    dsum: Tensor | None,
    x: Tensor,
    weight: Tensor | None,
    statistics: Tensor,
    offset: float,
    bias_dtype: torch.dtype | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """dx (N, D), dγ and dβ (D,), which are empty where there is no γ or β; two launches."""
    D = x.shape[1]
    dx = x.new_empty(x.shape)
    dweight = x.new_empty(0) if weight is None else weight.new_empty(D)
    dbias = x.new_empty(0) if bias_dtype is None else x.new_empty(D, dtype=bias_dtype)
    if not x.numel():
        return dx, dweight.zero_(), dbias.zero_()
    dy, x, dsum = _readable(dy), _readable(x), None if dsum is None else _readable(dsum)
    weight = None if weight is None else weight.contiguous()
    given = dy, dsum, x, weight, statistics
    sums = None if weight is None else dweight, None if bias_dtype is None else dbias
    run = _whole_backward if is_whole(D, statistics.dtype, "backward") else _long_backward
    run(norm, given, dx, sums, offset)
    return dx, dweight, dbias


def _whole_backward(
    norm: str, given: Any, dx: Tensor, sums: tuple[Tensor | None, Tensor | None], offset: float
) -> None:
    """First dx and parts of the sums for each of P programs, then their sums."""
    dy, dsum, x, _, statistics = given
    N, D = x.shape
    tile = whole_tile(D, "backward")
    each = rows_of_each(N, tile, "backward", processors_of(x.device))
    programs = -(-N // each)
    parts = [None if each is None else statistics.new_empty((programs, D)) for each in sums]
    strides = dy.stride(0), 0 if dsum is None else dsum.stride(0), x.stride(0)
    _launch(
        *(_kernels(norm).backward, programs, tile),
        *(*given, dx, *parts, *strides, N, D, each, offset),
    )
    if sums != (None, None):
        tile = Tile(*SUMS_TILE)
        add_partials = _kernels("common").add_partials
        _launch(add_partials, -(-D // tile.block), tile, *parts, *sums, programs, D)


def _long_backward(
    norm: str, given: Any, dx: Tensor, sums: tuple[Tensor | None, Tensor | None], offset: float
) -> None:
    """First the means of each row, then dx and the sums by columns."""
    dy, dsum, x, weight, statistics = given
    N, D = x.shape
    kernels, means = _kernels(f"long_{norm}"), statistics.new_empty((N, MEANS[norm]))
    tile = Tile(*LONG_TILE)
    _launch(
        *(kernels.backward_means, -(-N // tile.rows), tile),
        *(dy, x, weight, statistics, means, dy.stride(0), x.stride(0), N, D, offset),
    )
    tile = Tile(*COLUMNS_TILE)
    strides = dy.stride(0), 0 if dsum is None else dsum.stride(0), x.stride(0)
    _launch(
        *(kernels.backward, -(-D // tile.block), tile),
        *(*given, means, dx, *sums, *strides, N, D, offset),
    )


def _readable(rows: Tensor) -> Tensor:
    """Rows (N, D) at any distance from each other, whose elements lie side by side."""
    return rows if rows.stride(1) == 1 else rows.contiguous()


def _kernels(name: str) -> ModuleType:
    """A module of kernels; importing it imports Triton."""
    return import_module(f"normlab.fused_norms.kernels.{name}")


def _launch(kernel: Any, programs: int, tile: Tile, *arguments: Any) -> None:
    kernel[(programs,)](*arguments, ROWS=tile.rows, BLOCK=tile.block, num_warps=tile.warps)
