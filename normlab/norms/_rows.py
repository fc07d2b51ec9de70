"""What every norm does first: check its input, and cut it into rows that fit the cache."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.floating]

CHUNK_BYTES = 1024 * 1024
"""A chunk that stays in the cache from one pass to the next, and is long enough for NumPy."""

_FLOATS = (np.float16, np.float32, np.float64)


def statistics_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype in which means and variances are computed: float32, or float64 for float64."""
    return np.promote_types(dtype, np.float32)


def check_input(x: ArrayLike, name: str = "x") -> FloatArray:
    """`x` as a float array (..., D) with D ≥ 1, or a ValueError that says what to change."""
    x = np.asarray(x)
    if x.dtype not in _FLOATS:
        raise ValueError(
            f"{name} has dtype {x.dtype}; expected float16, float32 or float64. "
            f"Convert it first: {name}.astype(np.float32)."
        )
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(
            f"{name} has shape {x.shape}; expected (..., D) with D ≥ 1, features in the last axis."
        )
    return x


def check_upstream(dy: ArrayLike, x: FloatArray) -> FloatArray:
    """The upstream gradient `dy`, which must have the shape of `x`."""
    dy = check_input(dy, "dy")
    if dy.shape != x.shape:
        raise ValueError(
            f"dy has shape {dy.shape}, but x has shape {x.shape}; the upstream gradient has "
            "the shape of the norm's output, which is the shape of x."
        )
    return dy


def check_parameter(parameter: ArrayLike | None, name: str, x: FloatArray) -> FloatArray | None:
    """A gain or a shift (D,) in the statistics' dtype; None stays None."""
    if parameter is None:
        return None
    parameter = np.asarray(parameter)
    if parameter.shape != x.shape[-1:]:
        raise ValueError(
            f"{name} has shape {parameter.shape}, but x has shape {x.shape}; "
            f"{name} needs one entry per feature: shape {x.shape[-1:]}."
        )
    return parameter.astype(statistics_dtype(x.dtype), copy=False)


def check_eps(eps: float) -> float:
    if not eps >= 0:
        raise ValueError(f"eps is {eps}; expected a number ≥ 0, for instance 1e-5.")
    return float(eps)


def as_rows(x: FloatArray) -> FloatArray:
    """(..., D) -> (N, D), a view where the memory allows one."""
    return x.reshape(-1, x.shape[-1])


def chunks(rows: FloatArray) -> Iterator[slice]:
    """Slices of the N rows, each about CHUNK_BYTES in the statistics' dtype."""
    row_bytes = rows.shape[1] * statistics_dtype(rows.dtype).itemsize
    step = max(1, CHUNK_BYTES // row_bytes)
    for start in range(0, len(rows), step):
        yield slice(start, start + step)


def workspace(out: FloatArray, dtype: np.dtype) -> FloatArray:
    """Where to compute: `out` itself, or a buffer if `out` is of lower precision."""
    return out if out.dtype == dtype else np.empty(out.shape, dtype)


def normalize_rows(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    write_normalized: Callable[[FloatArray, FloatArray], object],
) -> FloatArray:
    """γ ⊙ x̂ + β for checked inputs, chunk by chunk; `write_normalized(rows, out)` gives x̂."""
    dtype = statistics_dtype(x.dtype)
    y = np.empty(x.shape, x.dtype)
    x_rows, y_rows = as_rows(x), as_rows(y)  # (..., D) -> (N, D)
    for part in chunks(x_rows):
        out = y_rows[part]
        work = workspace(out, dtype)
        write_normalized(x_rows[part].astype(dtype, copy=False), work)
        if gamma is not None:
            work *= gamma
        if beta is not None:
            work += beta
        if work is not out:
            out[...] = work
    return y
