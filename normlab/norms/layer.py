"""Layer normalization (Ba, Kiros & Hinton 2016), forward and backward."""

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


def _write_standardized(rows: FloatArray, eps: float, out: FloatArray) -> FloatArray:
    """Write x̂ (n, D) of ordinary rows into `out`; return 1/σ_ε (n,). Two passes: first μ, then the
    variance.

    Rounding μ leaves a small mean behind, up to 0.03 at an offset of 1e6 in float32. Where it
    is more than the rounding of the result, it is subtracted too.
    """
    features, machine_eps = rows.dtype.type(rows.shape[1]), np.finfo(rows.dtype).eps
    ones = np.ones(rows.shape[1], rows.dtype)
    mean = row_dots(rows, ones) / features  # (n, D), (D,) -> (n,)
    np.subtract(rows, mean[:, None], out=out)
    variance_eps = row_dots(out, out) / features + rows.dtype.type(eps)  # (n, D) -> (n,)
    left_behind = row_dots(out, ones) / features  # (n, D), (D,) -> (n,)
    shows = left_behind * left_behind > (8 * machine_eps) ** 2 * variance_eps  # (n,)
    if np.count_nonzero(shows):
        out -= np.where(shows, left_behind, 0)[:, None]  # other rows of the batch stay as they are
        variance_eps = row_dots(out, out) / features + rows.dtype.type(eps)  # (n, D) -> (n,)
    inverse_std: FloatArray = 1 / np.sqrt(variance_eps)
    out *= inverse_std[:, None]
    return inverse_std


def _standardize(rows: FloatArray, eps: float) -> tuple[FloatArray, FloatArray]:
    """x̂ (n, D) and 1/σ_ε (n,) of any rows; both passes are scaled where their numbers are very
    great or small."""
    first = scale_for(greatest(rows), 0.0)
    rows = rows / first
    nearly = rows - rows.mean(-1, keepdims=True)  # (n, D) - (n, 1)
    centered = nearly - nearly.mean(-1, keepdims=True)  # (n, D) - (n, 1)
    with np.errstate(over="ignore"):
        sizes = np.minimum(greatest(centered) * first, np.finfo(rows.dtype).max)
    scale = scale_for(sizes, eps)
    centered *= first / scale
    variance = np.square(centered).mean(-1, keepdims=True)  # (n, D) -> (n, 1)
    inverse_std = 1 / np.sqrt(variance + rows.dtype.type(eps) / scale / scale)
    with np.errstate(over="ignore"):  # of a row of subnormal numbers it is ∞
        return centered * inverse_std, (inverse_std / scale)[:, 0]  # (n, 1) -> (n,)


def layer_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float = 1e-5,
) -> FloatArray:
    """Layer normalization over the last axis.

    Formula, for each row x of D features:

        μ = mean(x)    Var = mean((x − μ)²)    σ_ε = √(Var + ε)
        y = γ ⊙ (x − μ)/σ_ε + β

    The variance divides by D, not D − 1, and ε stands inside the root.

    Args:
        x: (..., D), float16, float32 or float64. It is not changed.
        gamma: gain (D,); None means 1.
        beta: shift (D,); None means 0.
        eps: ≥ 0.

    Returns:
        (..., D) in the dtype of `x`. Statistics are computed in at least float32.

    Raises:
        ValueError: if `x` is not a float array with D ≥ 1, if `gamma` or `beta` is not (D,),
            or if `eps` is negative.

    Source: Ba, Kiros & Hinton 2016, Layer Normalization, Eq. 3 and 4 (arXiv:1607.06450).
    ε is not in the paper's equations; its place is the one of PyTorch and TensorFlow.

    >>> layer_norm(np.array([[1.0, 2.0, 3.0, 4.0]]), eps=0).round(4)
    array([[-1.3416, -0.4472,  0.4472,  1.3416]])
    """
    x = check_input(x)
    gamma = check_parameter(gamma, "gamma", x)
    beta = check_parameter(beta, "beta", x)
    eps = check_eps(eps)
    return normalize_rows(x, gamma, beta, (_write_standardized, _standardize), eps)


def layer_norm_backward(
    dy: ArrayLike, x: ArrayLike, gamma: ArrayLike | None = None, eps: float = 1e-5
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradients of `layer_norm` for its input, its gain and its shift.

    Formula, for each row, with ĝ = dy ⊙ γ and x̂ = (x − μ)/σ_ε:

        dx = (1/σ_ε) [ĝ − mean(ĝ) − x̂ · mean(ĝ ⊙ x̂)]
        dγ = Σ dy ⊙ x̂    dβ = Σ dy    (sums over all leading axes)

    Args:
        dy: upstream gradient ∂L/∂y, the shape of `x`.
        x: the input of the forward pass (..., D).
        gamma: the gain (D,) of the forward pass; None means 1.
        eps: the ε of the forward pass.

    Returns:
        `(dx, dgamma, dbeta)`: dx (..., D) in the dtype of `x`; dgamma and dbeta (D,) in the
        statistics' dtype (float32, or float64 for float64 input).

    Raises:
        ValueError: as `layer_norm`, and if `dy` has not the shape of `x`.

    Source: the chain rule through Ba et al. 2016, Eq. 3 and 4; chapter 02 derives it.

    >>> x = np.array([[1.0, 2.0, 4.0]])
    >>> dx, dgamma, dbeta = layer_norm_backward(np.array([[1.0, 0.0, 0.0]]), x)
    >>> bool(abs(dx.sum()) < 1e-12)
    True
    >>> dbeta
    array([1., 0., 0.])
    """
    x = check_input(x)
    dy = check_upstream(dy, x)
    eps = check_eps(eps)
    dtype = statistics_dtype(x.dtype)
    gain = check_parameter(gamma, "gamma", x)
    gain = np.ones(x.shape[-1], dtype) if gain is None else gain
    dx = np.empty(x.shape, x.dtype)
    dgamma, dbeta = np.zeros_like(gain), np.zeros_like(gain)
    x_rows, dy_rows, dx_rows = as_rows(x), as_rows(dy), as_rows(dx)  # (N, D)
    for part in chunks(x_rows):
        upstream = dy_rows[part].astype(dtype, copy=False)
        normalized = np.empty(upstream.shape, dtype)
        inverse_std = write_normalized(
            _write_standardized,
            _standardize,
            x_rows[part].astype(dtype, copy=False),
            eps,
            normalized,
        )
        out = dx_rows[part]
        work = workspace(out, dtype)
        np.multiply(upstream, normalized, out=work)
        ones = np.ones(len(work), dtype)
        dgamma += ones @ work  # (n,) @ (n, D) -> (D,)
        dbeta += ones @ upstream  # (n,) @ (n, D) -> (D,)
        mean_g = row_dots(upstream, gain) / dtype.type(x.shape[-1])  # (n, D), (D,) -> (n,)
        mean_gx = row_dots(work, gain) / dtype.type(x.shape[-1])  # (n, D), (D,) -> (n,)
        np.multiply(upstream, gain, out=work)
        work -= mean_g[:, None]
        normalized *= mean_gx[:, None]
        work -= normalized
        work *= inverse_std[:, None]
        if work is not out:
            out[...] = work
    return dx, dgamma, dbeta
