"""Root mean square normalization (Zhang & Sennrich 2019), forward and backward."""

import numpy as np
from numpy.typing import ArrayLike

from normlab.norms._rows import (
    FloatArray,
    as_rows,
    check_eps,
    check_input,
    check_parameter,
    check_upstream,
    chunks,
    greatest,
    normalize_rows,
    row_dots,
    scale_for,
    statistics_dtype,
    workspace,
    write_normalized,
)


def _write_rescaled(rows: FloatArray, eps: float, out: FloatArray) -> FloatArray:
    """Write x̂ = x/r_ε (n, D) of ordinary rows into `out`; return 1/r_ε (n,)."""
    mean_square = row_dots(rows, rows) / rows.dtype.type(rows.shape[1])  # (n, D) -> (n,)
    inverse_rms: FloatArray = 1 / np.sqrt(mean_square + rows.dtype.type(eps))
    np.multiply(rows, inverse_rms[:, None], out=out)
    return inverse_rms


def _rescale(rows: FloatArray, eps: float) -> tuple[FloatArray, FloatArray]:
    """x̂ (n, D) and 1/r_ε (n,) of any rows, scaled where their numbers are very great or small."""
    scale = scale_for(greatest(rows), eps)
    rows = rows / scale
    mean_square = np.square(rows).mean(-1, keepdims=True)  # (n, D) -> (n, 1)
    inverse_rms = 1 / np.sqrt(mean_square + rows.dtype.type(eps) / scale / scale)
    with np.errstate(over="ignore"):  # of a row of subnormal numbers it is ∞
        return rows * inverse_rms, (inverse_rms / scale)[:, 0]  # (n, 1) -> (n,)


def rms_norm(x: ArrayLike, gamma: ArrayLike | None = None, eps: float = 1e-6) -> FloatArray:
    """RMSNorm over the last axis: no mean is subtracted and nothing is shifted.

    Formula, for each row x of D features:

        r_ε = √(mean(x²) + ε)    y = γ ⊙ x / r_ε

    Args:
        x: (..., D), float16, float32 or float64. It is not changed.
        gamma: gain (D,); None means 1.
        eps: ≥ 0. PyTorch's own default is `None`, which means 1.19e-7 for float32.

    Returns:
        (..., D) in the dtype of `x`. The mean square is computed in at least float32,
        so float16 inputs above 256, whose squares overflow, are safe.

    Raises:
        ValueError: if `x` is not a float array with D ≥ 1, if `gamma` is not (D,), or if
            `eps` is negative.

    Source: Zhang & Sennrich 2019, Root Mean Square Layer Normalization, Eq. 4
    (arXiv:1910.07467). ε is not in the equation; LLaMA's place and value are used.

    >>> rms_norm(np.array([[3.0, 4.0]]), eps=0).round(4)
    array([[0.8485, 1.1314]])
    """
    x = check_input(x)
    gamma = check_parameter(gamma, "gamma", x)
    eps = check_eps(eps)
    return normalize_rows(x, gamma, None, (_write_rescaled, _rescale), eps)


def rms_norm_backward(
    dy: ArrayLike, x: ArrayLike, gamma: ArrayLike | None = None, eps: float = 1e-6
) -> tuple[FloatArray, FloatArray]:
    """Gradients of `rms_norm` for its input and its gain.

    Formula, for each row, with ĝ = dy ⊙ γ and x̂ = x/r_ε:

        dx = (1/r_ε) [ĝ − x̂ · mean(ĝ ⊙ x̂)]    dγ = Σ dy ⊙ x̂

    Args:
        dy: upstream gradient ∂L/∂y, the shape of `x`.
        x: the input of the forward pass (..., D).
        gamma: the gain (D,) of the forward pass; None means 1.
        eps: the ε of the forward pass.

    Returns:
        `(dx, dgamma)`: dx (..., D) in the dtype of `x`; dgamma (D,) in the statistics' dtype.

    Raises:
        ValueError: as `rms_norm`, and if `dy` has not the shape of `x`.

    Source: the chain rule through Zhang & Sennrich 2019, Eq. 4; their Eq. 7–9 discuss it.

    >>> dx, dgamma = rms_norm_backward(np.array([[1.0, 0.0]]), np.array([[3.0, 4.0]]), eps=0)
    >>> bool(abs((dx * [3.0, 4.0]).sum()) < 1e-12)  # ⟨dx, x⟩ = 0: the length gets no gradient
    True
    """
    x = check_input(x)
    dy = check_upstream(dy, x)
    eps = check_eps(eps)
    dtype = statistics_dtype(x.dtype)
    gain = check_parameter(gamma, "gamma", x)
    gain = np.ones(x.shape[-1], dtype) if gain is None else gain
    dx = np.empty(x.shape, x.dtype)
    dgamma = np.zeros_like(gain)
    x_rows, dy_rows, dx_rows = as_rows(x), as_rows(dy), as_rows(dx)  # (N, D)
    for part in chunks(x_rows):
        upstream = dy_rows[part].astype(dtype, copy=False)
        normalized = np.empty(upstream.shape, dtype)
        inverse_rms = write_normalized(
            _write_rescaled, _rescale, x_rows[part].astype(dtype, copy=False), eps, normalized
        )
        out = dx_rows[part]
        work = workspace(out, dtype)
        np.multiply(upstream, normalized, out=work)
        dgamma += np.ones(len(work), dtype) @ work  # (n,) @ (n, D) -> (D,)
        mean_gx = row_dots(work, gain) / dtype.type(x.shape[-1])  # (n, D), (D,) -> (n,)
        np.multiply(upstream, gain, out=work)
        normalized *= mean_gx[:, None]
        work -= normalized
        work *= inverse_rms[:, None]
        if work is not out:
            out[...] = work
    return dx, dgamma
