"""The small operations that attention, feed-forward network and norms share."""

import numpy as np

from normlab.norms import FloatArray

_BLOCK = 64
_SMALLEST, _GREATEST = 1e-30, 1e37  # sums of squares that float32 holds in full


def scalar(value: float, dtype: np.dtype) -> FloatArray:
    """`value` as an array (): with a NumPy float each call takes 0.2 µs more to convert it."""
    return np.array(value, dtype)


def squared_norm(a: FloatArray) -> float:
    """Σ a² of a contiguous array, in float64 where the sum leaves the dtype's safe range.

    >>> with np.errstate(over="ignore"):
    ...     round(squared_norm(np.array([3e30, 4e30], np.float32)) / 1e60, 3)
    25.0
    """
    square = float(np.vdot(a, a))
    if _SMALLEST < square < _GREATEST:
        return square
    wide = a.astype(np.float64)
    return float(np.vdot(wide, wide))


def squared_norms(rows: FloatArray) -> list[float]:
    """`squared_norm` of each row of (N, C)."""
    squares: list[float] = np.vecdot(rows, rows).tolist()  # (N, C), (N, C) -> (N,)
    if min(squares) > _SMALLEST and max(squares) < _GREATEST:
        return squares
    return [squared_norm(row) for row in rows]


def column_blocks(a: FloatArray) -> FloatArray:
    """(N, C) -> (C/64, N, 64), a view; (1, N, C) where 64 does not divide C.

    OpenBLAS has a kernel for small products that packs nothing: with the gradient of a weight in
    blocks it is 15 % faster.
    """
    columns = a.shape[1]
    width = columns if columns % _BLOCK else _BLOCK
    return a.reshape(len(a), -1, width).swapaxes(0, 1)  # (N, C) -> (b, N, width)


def read_in_order(*arrays: FloatArray) -> None:
    """Bring contiguous arrays from memory to the cache.

    Read from start to end they come at full bandwidth; products, which jump between rows, wait
    for memory twice as long.
    """
    for a in arrays:
        np.vdot(a, a)
