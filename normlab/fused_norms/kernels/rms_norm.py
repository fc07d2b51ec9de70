"""RMSNorm of rows that fit into the registers of one program.

Bytes in memory as in `layer_norm`: 2 N·D elements forward, 3 N·D backward, and 2 statistics a row.
What it saves is arithmetic: no mean is taken, forward or backward.
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
    rows_each: tl.tensor,
    eps: tl.constexpr,
    offset: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """y = (offset + weight) ⊙ x/√(mean(x²) + ε) + bias, of x or of x + residual.

    A program takes `rows_each` rows. Statistics of a row: scale, and 1/√(mean(x²) + ε) of x/scale.
    """
    wide = statistics_ptr.dtype.element_ty  # float32, or float64 for float64
    first = tl.program_id(0).to(tl.int64) * rows_each
    last = tl.minimum(first + rows_each, N)
    columns = tl.arange(0, BLOCK)[None, :]  # (1, BLOCK)
    if weight_ptr is not None:
        gain = load_gain(weight_ptr, columns, D, offset, wide)
    if bias_ptr is not None:
        bias = tl.load(bias_ptr + columns, mask=columns < D, other=0.0).to(wide)
    for start in range(first, last, ROWS):
        rows = start + tl.arange(0, ROWS)[:, None]  # (ROWS, 1)
        inside = (rows < last) & (columns < D)
        x = load_rows(x_ptr, rows, x_stride, columns, inside, wide)
        if residual_ptr is not None:
            x = add_residual(x, residual_ptr, residual_stride, sum_ptr, rows, columns, inside, D)
        scale = scale_for(x, eps)  # (ROWS, 1)
        x = x / scale
        mean_square = sum_of_rows(x * x) / D  # outside x is 0
        inverse_rms = 1.0 / tl.sqrt(mean_square + eps / scale / scale)
        y = x * inverse_rms
        if weight_ptr is not None:
            y = y * gain
        if bias_ptr is not None:
            y = y + bias
        tl.store(y_ptr + rows * D + columns, y.to(y_ptr.dtype.element_ty), mask=inside)
        tl.store(statistics_ptr + 2 * rows, scale, mask=rows < last)
        tl.store(statistics_ptr + 2 * rows + 1, inverse_rms, mask=rows < last)


@triton.jit
def load_statistics(
    statistics_ptr: tl.tensor, row: tl.tensor, end: tl.tensor
) -> tuple[tl.tensor, tl.tensor]:
    """Scale and 1/r_ε of rows (ROWS,) in front of `end`, each (ROWS, 1)."""
    scale = tl.load(statistics_ptr + 2 * row, mask=row < end, other=1.0)
    inverse_rms = tl.load(statistics_ptr + 2 * row + 1, mask=row < end, other=0.0)
    return scale[:, None], inverse_rms[:, None]


@triton.jit
def backward(
    dy_ptr: tl.tensor,
    dsum_ptr: tl.tensor,
    x_ptr: tl.tensor,
    weight_ptr: tl.tensor,
    statistics_ptr: tl.tensor,
    dx_ptr: tl.tensor,
    dweight_parts_ptr: tl.tensor,
    dbias_parts_ptr: tl.tensor,
    dy_stride: tl.tensor,
    dsum_stride: tl.tensor,
    x_stride: tl.tensor,
    N: tl.tensor,
    D: tl.tensor,
    rows_each: tl.tensor,
    offset: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """dx = (1/r_ε) [u − x̂ · mean(u ⊙ x̂)], u = dy ⊙ γ, for `rows_each` rows.

    Of these rows a program adds up its parts of dγ = Σ dy ⊙ x̂ and dβ = Σ dy, and writes them once.
    """
    wide = statistics_ptr.dtype.element_ty
    first = tl.program_id(0).to(tl.int64) * rows_each
    last = tl.minimum(first + rows_each, N)
    columns = tl.arange(0, BLOCK)[None, :]  # (1, BLOCK)
    if weight_ptr is not None:
        gain = load_gain(weight_ptr, columns, D, offset, wide)
    dweight = tl.zeros((ROWS, BLOCK), wide)
    dbias = tl.zeros((ROWS, BLOCK), wide)
    for start in range(first, last, ROWS):
        row = start + tl.arange(0, ROWS)  # (ROWS,)
        rows = row[:, None]  # (ROWS, 1)
        inside = (rows < last) & (columns < D)
        dy = load_rows(dy_ptr, rows, dy_stride, columns, inside, wide)
        x = load_rows(x_ptr, rows, x_stride, columns, inside, wide)
        scale, inverse_rms = load_statistics(statistics_ptr, row, last)
        normalized = x / scale * inverse_rms  # outside x is 0
        if dweight_parts_ptr is not None:
            dweight += dy * normalized
        if dbias_parts_ptr is not None:
            dbias += dy
        u = dy
        if weight_ptr is not None:
            u = dy * gain
        mean_ux = sum_of_rows(u * normalized) / D  # (ROWS, 1)
        dx = (u - normalized * mean_ux) * (inverse_rms / scale)
        store_gradient(dx, dx_ptr, dsum_ptr, dsum_stride, rows, columns, inside, D)
    parts = tl.program_id(0) * D + columns
    if dweight_parts_ptr is not None:
        store_sums(dweight_parts_ptr, parts, dweight, columns, D)
    if dbias_parts_ptr is not None:
        store_sums(dbias_parts_ptr, parts, dbias, columns, D)
