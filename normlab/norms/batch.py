"""Batch normalization (Ioffe & Szegedy 2015): training, inference and running statistics.

Features stand in the last axis, as for the other norms here, and the statistics of each
feature run over all leading axes. `torch.nn.BatchNorm1d` keeps channels in axis 1 instead.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from normlab.norms._rows import (
    FloatArray,
    as_rows,
    check_eps,
    check_input,
    check_parameter,
    check_upstream,
    statistics_dtype,
)


@dataclass(frozen=True)
class RunningStatistics:
    """What batch norm remembers of training, to be used at inference.

    `mean` (D,) and `var` (D,) are exponential moving averages; `var` averages the unbiased
    variance of each batch, as PyTorch does.

    >>> RunningStatistics.start(2)
    RunningStatistics(mean=array([0., 0.], dtype=float32), var=array([1., 1.], dtype=float32))
    """

    mean: FloatArray
    var: FloatArray

    @classmethod
    def start(cls, features: int) -> "RunningStatistics":
        """Mean 0 and variance 1, the values before the first batch."""
        return cls(np.zeros(features, np.float32), np.ones(features, np.float32))

    def updated(self, x: ArrayLike, momentum: float = 0.1) -> "RunningStatistics":
        """New statistics after one more training batch `x` (..., D).

        Formula: new = (1 − momentum)·old + momentum·batch, PyTorch's sense of momentum.

        Raises:
            ValueError: if the batch has one row: its unbiased variance is 0/0.
        """
        x = check_input(x)
        rows = as_rows(x)  # (..., D) -> (N, D)
        if len(rows) < 2:
            raise ValueError(
                f"x has shape {x.shape}: {len(rows)} row(s) per feature. Batch norm needs at "
                "least 2 to estimate a variance; use a larger batch, or a norm without "
                "batch statistics such as layer_norm."
            )
        _, mean, var = _center(rows)
        unbiased = var * len(rows) / (len(rows) - 1)
        return RunningStatistics(
            (1 - momentum) * self.mean + momentum * mean,
            (1 - momentum) * self.var + momentum * unbiased,
        )


def _center(rows: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """x − μ (N, D), μ (D,) and the biased variance (D,) of each column, in two passes.

    A column may have millions of entries, so its sums are taken in float64. Rounding μ leaves a
    small mean behind; centering once more removes it.
    """
    dtype = statistics_dtype(rows.dtype)
    mean = rows.mean(axis=0, dtype=np.float64).astype(dtype)  # (N, D) -> (D,)
    centered = rows - mean
    centered -= centered.mean(axis=0, dtype=np.float64).astype(dtype)  # (N, D) -> (D,)
    squares = np.einsum("nd,nd->d", centered, centered, dtype=np.float64)  # (N, D) -> (D,)
    return centered, mean, (squares / len(rows)).astype(dtype)


def _shift_and_scale(
    normalized: FloatArray, gamma: FloatArray | None, beta: FloatArray | None, x: FloatArray
) -> FloatArray:
    """γ ⊙ x̂ + β, computed in place, with the shape and dtype of `x`."""
    if gamma is not None:
        normalized *= gamma
    if beta is not None:
        normalized += beta
    return normalized.reshape(x.shape).astype(x.dtype, copy=False)  # (N, D) -> (..., D)


def batch_norm(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float = 1e-5,
) -> FloatArray:
    """Batch normalization in training: the statistics are those of the batch.

    Formula, for each feature d, with μ_d and Var_d over all rows of the batch:

        y_d = γ_d (x_d − μ_d)/√(Var_d + ε) + β_d

    Args:
        x: (..., D), float16, float32 or float64. It is not changed.
        gamma: gain (D,); None means 1.
        beta: shift (D,); None means 0.
        eps: ≥ 0.

    Returns:
        (..., D) in the dtype of `x`. With one row, x − μ = 0 and every output is β.

    Raises:
        ValueError: if `x` is not a float array with D ≥ 1 and at least one row, if `gamma`
            or `beta` is not (D,), or if `eps` is negative.

    Source: Ioffe & Szegedy 2015, Batch Normalization, Algorithm 1 (arXiv:1502.03167).

    >>> batch_norm(np.array([[0.0, 5.0], [2.0, 5.0]]), eps=0.25).round(4)
    array([[-0.8944,  0.    ],
           [ 0.8944,  0.    ]])
    """
    x = _check_batch(x)
    gamma, beta = check_parameter(gamma, "gamma", x), check_parameter(beta, "beta", x)
    normalized, _, var = _center(as_rows(x))
    normalized *= _inverse_std(var, eps)
    return _shift_and_scale(normalized, gamma, beta, x)


def batch_norm_inference(
    x: ArrayLike,
    running: RunningStatistics,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    eps: float = 1e-5,
) -> FloatArray:
    """Batch normalization at inference: the statistics are the remembered ones.

    Formula: y_d = γ_d (x_d − running.mean_d)/√(running.var_d + ε) + β_d. Each row is now
    independent of the others, so any batch size works.

    Args, returns, raises: as `batch_norm`; `running` holds `mean` (D,) and `var` (D,).

    Source: Ioffe & Szegedy 2015, Algorithm 2.

    >>> batch_norm_inference(np.array([[3.0]]), RunningStatistics.start(1), eps=0)
    array([[3.]])
    """
    x = check_input(x)
    gamma, beta = check_parameter(gamma, "gamma", x), check_parameter(beta, "beta", x)
    mean, var = _check_running(running, x)
    normalized = as_rows(x) - mean
    normalized *= _inverse_std(var, eps)
    return _shift_and_scale(normalized, gamma, beta, x)


def batch_norm_backward(
    dy: ArrayLike, x: ArrayLike, gamma: ArrayLike | None = None, eps: float = 1e-5
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradients of `batch_norm`: as layer norm's, with means over the batch.

    Formula, for each feature, with ĝ = dy ⊙ γ and means over all rows:

        dx = (1/σ_ε) [ĝ − mean(ĝ) − x̂ · mean(ĝ ⊙ x̂)]    dγ = Σ dy ⊙ x̂    dβ = Σ dy

    Args, raises: as `layer_norm_backward`.

    Returns:
        `(dx, dgamma, dbeta)`. The gradient of one row depends on all the others.

    Source: Ioffe & Szegedy 2015, section 3 (the six equations after Algorithm 1), simplified.

    >>> x = np.array([[0.0], [1.0], [5.0]])
    >>> dx, dgamma, dbeta = batch_norm_backward(np.array([[1.0], [0.0], [0.0]]), x)
    >>> bool(abs(dx.sum()) < 1e-12)
    True
    """
    x = _check_batch(x)
    upstream = as_rows(check_upstream(dy, x)).astype(statistics_dtype(x.dtype), copy=False)
    gamma = check_parameter(gamma, "gamma", x)
    normalized, _, var = _center(as_rows(x))
    inverse_std = _inverse_std(var, eps)
    normalized *= inverse_std
    dgamma = np.einsum("nd,nd->d", upstream, normalized)
    dbeta = upstream.sum(axis=0)  # (N, D) -> (D,)
    dx = upstream - dbeta / len(upstream)
    normalized *= dgamma / len(upstream)
    dx -= normalized
    return _shift_and_scale(dx, _slope(inverse_std, gamma), None, x), dgamma, dbeta


def batch_norm_inference_backward(
    dy: ArrayLike,
    x: ArrayLike,
    running: RunningStatistics,
    gamma: ArrayLike | None = None,
    eps: float = 1e-5,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradients of `batch_norm_inference`: the statistics are constants, so no mean terms.

    Formula: dx = dy ⊙ γ/√(running.var + ε)    dγ = Σ dy ⊙ x̂    dβ = Σ dy

    Args, returns, raises: as `batch_norm_backward`; `running` holds `mean` (D,), `var` (D,).

    Source: Ioffe & Szegedy 2015, Algorithm 2.

    >>> running = RunningStatistics.start(1)
    >>> batch_norm_inference_backward(np.array([[2.0]]), np.array([[3.0]]), running, eps=0)
    (array([[2.]]), array([6.]), array([2.]))
    """
    x = check_input(x)
    upstream = as_rows(check_upstream(dy, x)).astype(statistics_dtype(x.dtype), copy=False)
    gamma = check_parameter(gamma, "gamma", x)
    mean, var = _check_running(running, x)
    inverse_std = _inverse_std(var, eps)
    normalized = as_rows(x) - mean
    normalized *= inverse_std
    dgamma = np.einsum("nd,nd->d", upstream, normalized)
    dx = upstream * _slope(inverse_std, gamma)
    return _shift_and_scale(dx, None, None, x), dgamma, upstream.sum(axis=0)  # (N, D) -> (D,)


def _inverse_std(var: FloatArray, eps: float) -> FloatArray:
    inverse_std: FloatArray = 1 / np.sqrt(var + var.dtype.type(check_eps(eps)))
    return inverse_std


def _slope(inverse_std: FloatArray, gamma: FloatArray | None) -> FloatArray:
    """γ/σ_ε (D,): how much an output moves when its own x − μ moves by 1."""
    return inverse_std if gamma is None else inverse_std * gamma


def _check_batch(x: ArrayLike) -> FloatArray:
    x = check_input(x)
    if x.size == 0:
        raise ValueError(f"x has shape {x.shape}: no rows to take batch statistics of.")
    return x


def _check_running(running: RunningStatistics, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    dtype = statistics_dtype(x.dtype)
    for name in ("mean", "var"):
        check_parameter(getattr(running, name), f"running.{name}", x)
    return running.mean.astype(dtype, copy=False), running.var.astype(dtype, copy=False)
