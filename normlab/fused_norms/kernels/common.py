"""What the kernels share. A tile is (ROWS, BLOCK): whole rows, padded to a power of two."""

import triton
import triton.language as tl

LARGEST = tl.constexpr(2.0**40)
LEAST = tl.constexpr(2.0**-30)
"""Squares of float32 numbers between these two neither overflow nor vanish in a sum over a row, nor
do those of their differences."""
TINY = tl.constexpr(2.0**-126)
LARGEST_DOUBLE = tl.constexpr(2.0**400)
LEAST_DOUBLE = tl.constexpr(2.0**-400)
TINY_DOUBLE = tl.constexpr(2.0**-1022)
INFINITE = tl.constexpr(float("inf"))


@triton.jit
def scale_for(x: tl.tensor, eps: tl.constexpr) -> tl.tensor:
    """By what to divide each row of a tile: 1, or its greatest value where squares overflow.

    Where they vanish too, unless ε hides them: then √ε is enough, and ε/scale² stays finite.
    """
    root_eps: tl.constexpr = eps**0.5
    greatest = tl.max(tl.abs(x), axis=1, keep_dims=True)  # (ROWS, BLOCK) -> (ROWS, 1)
    if x.dtype == tl.float64:
        great = (greatest > LARGEST_DOUBLE) & (greatest < INFINITE)
        small = greatest < LEAST_DOUBLE
        least = tl.maximum(tl.maximum(greatest, root_eps), TINY_DOUBLE)
    else:
        great = (greatest > LARGEST) & (greatest < INFINITE)
        small = greatest < LEAST
        least = tl.maximum(tl.maximum(greatest, root_eps), TINY)
    return tl.where(great, greatest, tl.where(small, least, 1.0))


@triton.jit
def sum_of_rows(x: tl.tensor) -> tl.tensor:
    """(ROWS, BLOCK) -> (ROWS, 1)."""
    return tl.sum(x, axis=1, keep_dims=True)


@triton.jit
def load_rows(
    ptr: tl.tensor,
    rows: tl.tensor,
    stride: tl.tensor,
    columns: tl.tensor,
    inside: tl.tensor,
    wide: tl.constexpr,
) -> tl.tensor:
    """A tile (ROWS, BLOCK) of rows at any distance from each other, widened; 0 outside."""
    return tl.load(ptr + rows * stride + columns, mask=inside, other=0.0).to(wide)


@triton.jit
def load_gain(
    weight_ptr: tl.tensor,
    columns: tl.tensor,
    D: tl.tensor,
    offset: tl.constexpr,
    wide: tl.constexpr,
) -> tl.tensor:
    """γ = offset + weight of some columns (1, BLOCK)."""
    return tl.load(weight_ptr + columns, mask=columns < D, other=0.0).to(wide) + offset


@triton.jit
def add_residual(
    x: tl.tensor,
    residual_ptr: tl.tensor,
    residual_stride: tl.tensor,
    sum_ptr: tl.tensor,
    rows: tl.tensor,
    columns: tl.tensor,
    inside: tl.tensor,
    D: tl.tensor,
) -> tl.tensor:
    """Write x + residual, and return it as it was rounded to be stored."""
    residual = load_rows(residual_ptr, rows, residual_stride, columns, inside, x.dtype)
    total = (x + residual).to(sum_ptr.dtype.element_ty)
    tl.store(sum_ptr + rows * D + columns, total, mask=inside)
    return total.to(x.dtype)


@triton.jit
def store_gradient(
    dx: tl.tensor,
    dx_ptr: tl.tensor,
    dsum_ptr: tl.tensor,
    dsum_stride: tl.tensor,
    rows: tl.tensor,
    columns: tl.tensor,
    inside: tl.tensor,
    D: tl.tensor,
) -> None:
    """Write dx, with the gradient of the sum where the norm is one of x + residual."""
    if dsum_ptr is not None:
        dx += load_rows(dsum_ptr, rows, dsum_stride, columns, inside, dx.dtype)
    tl.store(dx_ptr + rows * D + columns, dx.to(dx_ptr.dtype.element_ty), mask=inside)


@triton.jit
def store_sums(
    ptr: tl.tensor, places: tl.tensor, terms: tl.tensor, columns: tl.tensor, D: tl.tensor
) -> None:
    """Add up the terms of dγ or dβ: (ROWS, BLOCK) -> (1, BLOCK), and write them."""
    sums = tl.sum(terms, axis=0, keep_dims=True)
    tl.store(ptr + places, sums.to(ptr.dtype.element_ty), mask=columns < D)


@triton.jit
def add_partials(
    dweight_parts_ptr: tl.tensor,
    dbias_parts_ptr: tl.tensor,
    dweight_ptr: tl.tensor,
    dbias_ptr: tl.tensor,
    P: tl.tensor,
    D: tl.tensor,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    """The second launch of the backward pass: dγ and dβ (D,) from those of P programs (P, D).

    Reads P·D numbers for each and writes D. A program has BLOCK columns. Of these it adds the
    parts p, p + ROWS, p + 2 ROWS, …, and then the ROWS sums, always in the same order. A pointer
    is None where nobody asks for the gradient.
    """
    columns = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)[None, :]
    if dweight_ptr is not None:
        dweight = _added_up(dweight_parts_ptr, columns, P, D, ROWS, BLOCK)
        tl.store(dweight_ptr + columns, dweight, mask=columns < D)
    if dbias_ptr is not None:
        dbias = _added_up(dbias_parts_ptr, columns, P, D, ROWS, BLOCK)
        tl.store(dbias_ptr + columns, dbias, mask=columns < D)


@triton.jit
def _added_up(
    parts_ptr: tl.tensor,
    columns: tl.tensor,
    P: tl.tensor,
    D: tl.tensor,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
) -> tl.tensor:
    """(P, D) -> (1, BLOCK), in the columns that are given."""
    total = tl.zeros((ROWS, BLOCK), parts_ptr.dtype.element_ty)
    for first in range(0, P, ROWS):
        rows = first + tl.arange(0, ROWS)[:, None]
        inside = (rows < P) & (columns < D)
        total += tl.load(parts_ptr + rows * D + columns, mask=inside, other=0.0)
    return tl.sum(total, axis=0, keep_dims=True)  # (ROWS, BLOCK) -> (1, BLOCK)
