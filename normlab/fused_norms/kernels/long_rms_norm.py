"""RMSNorm of rows that do not fit into registers: a tile (ROWS, BLOCK) at a time.

Each input is read once more than in `rms_norm`: forward 3 N·D elements (5 with a residual, whose
sum is read again), backward 5 N·D (6). Beside them 2 statistics and 1 mean a row, and γ and β once
for ROWS rows.
"""

import triton
import triton.language as tl

from normlab.fused_norms.kernels.common import (
    add_residual,
    load_gain,
    load_rows,
    scale_for,
    store_gradient,
    store_sums,
    sum_of_rows,
)
from normlab.fused_norms.kernels.rms_norm import load_statistics


@triton.jit
def forward(
    x_ptr: tl.tensor,
    residual_ptr: tl.tensor,
    weight_ptr: tl.tensor,
    bias_ptr: tl.tensor,
    sum_ptr: tl.tensor,
    y_ptr: tl.tensor,
    statistics_ptr: tl.tensor,
    x_stride: tl.tensor,
    residual_stride: tl.tensor,
    N: tl.tensor,
    D: tl.tensor,
    eps: tl.constexpr,
    offset: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """As `rms_norm.forward`, for ROWS rows. The first read adds up the squares of the tiles.

    It does so in units of the greatest scale so far; the second writes y.
    """
    wide = statistics_ptr.dtype.element_ty  # float32, or float64 for float64
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]  # (ROWS, 1)
    tile = tl.arange(0, BLOCK)[None, :]  # (1, BLOCK)
    x_ptr += rows * x_stride
    scale = tl.zeros((ROWS, 1), wide)
    squares = tl.zeros((ROWS, 1), wide)
    for start in range(0, D, BLOCK):
        columns = start + tile
        inside = (rows < N) & (columns < D)
        x = tl.load(x_ptr + columns, mask=inside, other=0.0).to(wide)
        if residual_ptr is not None:
            x = add_residual(x, residual_ptr, residual_stride, sum_ptr, rows, columns, inside, D)
        tile_scale = scale_for(x, eps)  # (ROWS, 1)
        x = x / tile_scale
        greater = tl.maximum(scale, tile_scale)
        before, now = scale / greater, tile_scale / greater
        squares = squares * before * before + sum_of_rows(x * x) * now * now  # outside x is 0
        scale = greater
    inverse_rms = 1.0 / tl.sqrt(squares / D + eps / scale / scale)
    if residual_ptr is not None:
        tl.debug_barrier()  # the sum is read by other threads than those that wrote it
        x_ptr = sum_ptr + rows * D
    for start in range(0, D, BLOCK):
        columns = start + tile
        inside = (rows < N) & (columns < D)
        x = tl.load(x_ptr + columns, mask=inside, other=0.0).to(wide)
        y = x / scale * inverse_rms
        if weight_ptr is not None:
            y = y * load_gain(weight_ptr, columns, D, offset, wide)
        if bias_ptr is not None:
            y = y + tl.load(bias_ptr + columns, mask=columns < D, other=0.0).to(wide)
        tl.store(y_ptr + rows * D + columns, y.to(y_ptr.dtype.element_ty), mask=inside)
    tl.store(statistics_ptr + 2 * rows, scale, mask=rows < N)
    tl.store(statistics_ptr + 2 * rows + 1, inverse_rms, mask=rows < N)


@triton.jit
def backward_means(
    dy_ptr: tl.tensor,
    x_ptr: tl.tensor,
    weight_ptr: tl.tensor,
    statistics_ptr: tl.tensor,
    means_ptr: tl.tensor,
    dy_stride: tl.tensor,
    x_stride: tl.tensor,
    N: tl.tensor,
    D: tl.tensor,
    offset: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """The first launch: mean(u ⊙ x̂) of ROWS rows. Reads dy and x, 2 N·D elements."""
    wide = statistics_ptr.dtype.element_ty
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)  # (ROWS,)
    rows = row[:, None]  # (ROWS, 1)
    tile = tl.arange(0, BLOCK)[None, :]  # (1, BLOCK)
    scale, inverse_rms = load_statistics(statistics_ptr, row, N)
    sum_ux = tl.zeros((ROWS, BLOCK), wide)
    for start in range(0, D, BLOCK):
        columns = start + tile
        inside = (rows < N) & (columns < D)
        u = load_rows(dy_ptr, rows, dy_stride, columns, inside, wide)
        x = load_rows(x_ptr, rows, x_stride, columns, inside, wide)
        if weight_ptr is not None:
            u = u * load_gain(weight_ptr, columns, D, offset, wide)
        sum_ux += u * (x / scale * inverse_rms)  # outside u is 0
    tl.store(means_ptr + rows, sum_of_rows(sum_ux) / D, mask=rows < N)


@triton.jit
def backward(
    dy_ptr: tl.tensor,
    dsum_ptr: tl.tensor,
    x_ptr: tl.tensor,
    weight_ptr: tl.tensor,
    statistics_ptr: tl.tensor,
    means_ptr: tl.tensor,
    dx_ptr: tl.tensor,
    dweight_ptr: tl.tensor,
    dbias_ptr: tl.tensor,
    dy_stride: tl.tensor,
    dsum_stride: tl.tensor,
    x_stride: tl.tensor,
    N: tl.tensor,
    D: tl.tensor,
    offset: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """The second launch: dx of all rows in BLOCK columns.

    Reads dy and x and writes dx, 3 N·D elements. dγ and dβ of these columns are whole then, and no
    parts have to be added up.
    """
    wide = statistics_ptr.dtype.element_ty
    columns = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)[None, :]  # (1, BLOCK)
    if weight_ptr is not None:
        gain = load_gain(weight_ptr, columns, D, offset, wide)
    dweight = tl.zeros((ROWS, BLOCK), wide)
    dbias = tl.zeros((ROWS, BLOCK), wide)
    for start in range(0, N, ROWS):
        row = start + tl.arange(0, ROWS).to(tl.int64)  # (ROWS,)
        rows = row[:, None]  # (ROWS, 1)
        inside = (rows < N) & (columns < D)
        dy = load_rows(dy_ptr, rows, dy_stride, columns, inside, wide)
        x = load_rows(x_ptr, rows, x_stride, columns, inside, wide)
        scale, inverse_rms = load_statistics(statistics_ptr, row, N)
        mean_ux = tl.load(means_ptr + row, mask=row < N, other=0.0)[:, None]  # (ROWS, 1)
        normalized = x / scale * inverse_rms
        if dweight_ptr is not None:
            dweight += dy * normalized  # outside dy is 0
        if dbias_ptr is not None:
            dbias += dy
        u = dy
        if weight_ptr is not None:
            u = dy * gain
        dx = (u - normalized * mean_ux) * (inverse_rms / scale)
        store_gradient(dx, dx_ptr, dsum_ptr, dsum_stride, rows, columns, inside, D)
    if dweight_ptr is not None:
        store_sums(dweight_ptr, columns, dweight, columns, D)
    if dbias_ptr is not None:
        store_sums(dbias_ptr, columns, dbias, columns, D)
