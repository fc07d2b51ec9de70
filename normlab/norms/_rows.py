"""What every norm does first: check its input, and cut it into rows that fit the cache."""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.floating]
Write: TypeAlias = Callable[[FloatArray, float, FloatArray], FloatArray]
"""Write x̂ of ordinary rows (n, D) and ε into the third; return 1/root (n,)."""
Normalize: TypeAlias = Callable[[FloatArray, float], tuple[FloatArray, FloatArray]]
"""x̂ (n, D) and 1/root (n,) of any rows (n, D) and ε."""

CHUNK_BYTES = 1024 * 1024
"""A chunk that stays in the cache from one pass to the next, and is long enough for NumPy."""

_PART = 2**14
"""Entries of a row whose products are added up at once."""
_FLOATS = (np.float16, np.float32, np.float64)
_LARGEST = {np.dtype(np.float32): 2.0**40, np.dtype(np.float64): 2.0**400}
"""Squares of numbers up to this one, and down to its inverse, are far from overflow and underflow
in sums of any length."""


def statistics_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype in which means and variances are computed: float32, or float64 for float64."""
    return np.promote_types(dtype, np.float32)


def check_input(x: ArrayLike, name: str = "x") -> FloatArray:
    """`x` as a float array (..., D) with D ≥ 1, or a ValueError that says what to change."""
    x = as_array(x, name)
    if x.dtype not in _FLOATS:
        order = "" if x.dtype.isnative else " in this machine's order of bytes"
        raise ValueError(
            f"{name} has dtype {x.dtype.str if order else x.dtype}; expected float16, float32 or "
            f"float64{order}. Convert it first: {name}.astype(np.float32)."
        )
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(
            f"{name} has shape {x.shape}; expected (..., D) with D ≥ 1, features in the last axis."
        )
    return x


def as_array(given: Any, name: str) -> np.ndarray:
    """`given` as an array, or a ValueError that says why it is none of numbers alone."""
    if isinstance(given, np.ma.MaskedArray):
        raise ValueError(
            f"{name} is a masked array, and its mask would be dropped. Fill it first, for instance "
            f"{name}.filled(0), or take its rows that are whole."
        )
    try:
        return np.asarray(given)
    except (TypeError, RuntimeError) as error:  # a tensor of PyTorch that NumPy cannot hold
        raise ValueError(
            f"{name} cannot be read as an array: {error} For a tensor of PyTorch use "
            f"{name}.detach().cpu().float().numpy()."
        ) from None


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
    parameter = as_array(parameter, name)
    if parameter.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {parameter.dtype}; expected real numbers.")
    if parameter.shape != x.shape[-1:]:
        raise ValueError(
            f"{name} has shape {parameter.shape}, but x has shape {x.shape}; "
            f"{name} needs one entry per feature: shape {x.shape[-1:]}."
        )
    return parameter.astype(statistics_dtype(x.dtype), copy=False)


def check_eps(eps: float) -> float:
    if not isinstance(eps, int | float | np.integer | np.floating):
        raise ValueError(
            f"eps is {eps!r}, of type {type(eps).__name__}; expected a number, for instance 1e-5."
        )
    if not eps >= 0:
        raise ValueError(f"eps is {eps}; expected a number ≥ 0, for instance 1e-5.")
    return float(eps)


def write_normalized(
    write: Write, normalize: Normalize, rows: FloatArray, eps: float, out: FloatArray
) -> FloatArray:
    """Write x̂ (n, D) into `out`; return 1/√(mean square + ε) (n,).

    Args:
        write: does it for ordinary rows.
        normalize: gives both for those whose squares overflow or vanish.
    """
    with np.errstate(all="ignore"):
        inverse_root = write(rows, eps, out)
    largest = _LARGEST[rows.dtype]
    if not (inverse_root.min() > 1 / largest and inverse_root.max() < largest):  # also if NaN
        extreme = ~((inverse_root > 1 / largest) & (inverse_root < largest))
        out[extreme], inverse_root[extreme] = normalize(rows[extreme], eps)
    return inverse_root


def greatest(rows: FloatArray) -> FloatArray:
    """The greatest absolute value of each row: (n, D) -> (n, 1)."""
    sizes: FloatArray = np.abs(rows).max(-1, keepdims=True)
    return sizes


def scale_for(sizes: FloatArray, eps: float) -> FloatArray:
    """By what to divide rows of these greatest values (n, 1) so that their squares neither overflow
    nor vanish: 1 but for sizes above `_LARGEST`, or, where ε does not hide them, below its inverse.
    """
    largest = _LARGEST[sizes.dtype]
    needed = (sizes > largest) & np.isfinite(sizes)
    if eps < largest**-2:
        needed |= (sizes < 1 / largest) & (sizes > 0)
    least = max(eps**0.5, float(np.finfo(sizes.dtype).tiny))  # else 1/scale overflows
    scale: FloatArray = np.where(needed, np.maximum(sizes, least), 1).astype(sizes.dtype)
    return scale


def row_dots(one: FloatArray, other: FloatArray) -> FloatArray:
    """Σ one ⊙ other over each row: (n, D), (n, D) or (D,) -> (n,).

    `vecdot`, since `@` rounds a row differently alone and among others; in parts, since it adds up
    product after product.
    """
    parts = range(0, one.shape[-1], _PART)
    sums = [np.vecdot(one[:, i : i + _PART], other[..., i : i + _PART]) for i in parts]
    total: FloatArray = sums[0]
    for partial in sums[1:]:
        total = total + partial
    return total


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
    norm: tuple[Write, Normalize],
    eps: float,
) -> FloatArray:
    """γ ⊙ x̂ + β for checked inputs, chunk by chunk; `norm` as in `write_normalized`."""
    dtype = statistics_dtype(x.dtype)
    y = np.empty(x.shape, x.dtype)
    x_rows, y_rows = as_rows(x), as_rows(y)  # (..., D) -> (N, D)
    for part in chunks(x_rows):
        out = y_rows[part]
        work = workspace(out, dtype)
        write_normalized(*norm, x_rows[part].astype(dtype, copy=False), eps, work)
        if gamma is not None:
            work *= gamma
        if beta is not None:
            work += beta
        if work is not out:
            out[...] = work
    return y
