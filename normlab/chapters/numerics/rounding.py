"""Floating point inside a norm: ε against small inputs, and four ways to compute a variance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from normlab.norms import FloatArray, layer_norm, layer_norm_backward

EPSILONS: Mapping[str, float] = {
    "Keras LayerNormalization": 1e-3,
    "torch LayerNorm": 1e-5,
    "Flax LayerNorm": 1e-6,
    "torch RMSNorm": 2.0**-23,
    "BERT": 1e-12,
}
"""Default ε by library; torch's RMSNorm takes the spacing of float32 at 1, 2⁻²³ = 1.19e-7."""


def layer_norm_eps_outside(x: FloatArray, eps: float) -> FloatArray:
    """(x − μ)/(σ + ε) over the last axis (..., D): ε added to σ, after the root.

    >>> layer_norm_eps_outside(np.array([0.0, 2.0]), eps=1.0)
    array([-0.5,  0.5])
    """
    centered = x - x.mean(-1, keepdims=True)  # (..., D) - (..., 1)
    return np.asarray(centered / (np.sqrt((centered**2).mean(-1, keepdims=True)) + eps))


@dataclass(frozen=True)
class EpsilonSweep:
    """RMS of the output for each default ε (rows) and each std of the input (columns)."""

    stds: FloatArray
    output_rms: Mapping[str, FloatArray]
    """By the place of ε, "inside the root" or "outside the root": (len(EPSILONS), len(stds))."""

    def at(self, place: str, std: float) -> dict[str, float]:
        """Output RMS by library at one std of the sweep."""
        column = self.output_rms[place][:, int(np.abs(self.stds - std).argmin())]
        return dict(zip(EPSILONS, column.tolist(), strict=True))


def epsilon_sweep(stds: Sequence[float], features: int = 64, seed: int = 0) -> EpsilonSweep:
    """Run both forms of layer norm on one row of mean 0, scaled to each standard deviation.

    >>> sweep = epsilon_sweep([1e-3])
    >>> round(sweep.at("inside the root", 1e-3)["torch LayerNorm"], 3)
    0.302
    """
    scales = np.asarray(stds, np.float64)
    row = layer_norm(np.random.default_rng(seed).standard_normal(features), eps=0)
    rows = scales[:, None] * row  # (S, 1) * (D,) -> (S, D)
    inside = np.array([layer_norm(rows, eps=eps) for eps in EPSILONS.values()])  # (E, S, D)
    outside = np.array([layer_norm_eps_outside(rows, eps) for eps in EPSILONS.values()])
    outputs = {"inside the root": inside, "outside the root": outside}
    rms = {place: np.sqrt((y**2).mean(-1)) for place, y in outputs.items()}  # -> (E, S)
    return EpsilonSweep(scales, rms)


@dataclass(frozen=True)
class GradientSweep:
    """‖dx‖/‖dy‖ of layer norm for each default ε (rows) and each std of the input (columns)."""

    stds: FloatArray
    gains: FloatArray


def gradient_sweep(stds: Sequence[float], features: int = 512, seed: int = 0) -> GradientSweep:
    """How much layer norm's backward pass enlarges a random gradient, for rows of small std.

    >>> gains = dict(zip(EPSILONS, gradient_sweep([1e-9]).gains[:, 0]))
    >>> bool(310 < gains["torch LayerNorm"] < 1e-5**-0.5)
    True
    """
    rng = np.random.default_rng(seed)
    row = layer_norm(rng.standard_normal(features), eps=0)
    dy = rng.standard_normal((len(stds), features))
    rows = np.asarray(stds, np.float64)[:, None] * row  # (S, 1) * (D,) -> (S, D)
    dx = np.array([layer_norm_backward(dy, rows, eps=e)[0] for e in EPSILONS.values()])  # (E, S, D)
    gains = np.linalg.norm(dx, axis=-1) / np.linalg.norm(dy, axis=-1)  # (E, S, D) -> (E, S)
    return GradientSweep(np.asarray(stds, np.float64), gains)


def one_pass_variance(x: FloatArray) -> FloatArray:
    """mean(x²) − mean(x)² over the last axis, every step in the dtype of x. Unstable."""
    return np.asarray((x * x).mean(-1) - x.mean(-1) ** 2)  # (..., D) -> (...)


def two_pass_variance(x: FloatArray) -> FloatArray:
    """mean((x − mean(x))²) over the last axis: the definition."""
    centered = x - x.mean(-1, keepdims=True)  # (..., D) - (..., 1)
    return np.asarray((centered * centered).mean(-1))  # (..., D) -> (...)


def shifted_variance(x: FloatArray) -> FloatArray:
    """`one_pass_variance` of x − x₀, with x₀ the first entry of the row.

    Source: Chan, Golub & LeVeque 1983, The American Statistician 37(3), on shifted data.
    """
    return one_pass_variance(x - x[..., :1])


def welford_variance(x: FloatArray) -> FloatArray:
    """One pass with a mean and a sum of squares that each new entry corrects.

    Formula: δ = x_k − m,  m ← m + δ/k,  S ← S + δ·(x_k − m);  the variance is S/D.

    Source: Welford 1962, Technometrics 4(3).

    >>> welford_variance(np.array([9999.0, 10001.0], np.float32))
    array(1., dtype=float32)
    """
    mean = np.zeros_like(x[..., 0])  # (..., D) -> (...)
    squares = np.zeros_like(mean)
    for k in range(x.shape[-1]):
        delta = x[..., k] - mean
        mean = mean + delta / x.dtype.type(k + 1)
        squares = squares + delta * (x[..., k] - mean)
    return np.asarray(squares / x.dtype.type(x.shape[-1]))


VARIANCES: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "one pass": one_pass_variance,
    "Welford": welford_variance,
    "two pass": two_pass_variance,
    "shifted": shifted_variance,
}
"""Four ways to a biased variance: equal on paper."""


@dataclass(frozen=True)
class VarianceSweep:
    """Variances of rows N(offset, 1) stored in `dtype`; F offsets, R rows."""

    dtype: str
    offsets: FloatArray
    row: FloatArray
    """Some entries (k,) of the first row before the offset is added, sorted."""
    stored_row: FloatArray
    """The same entries (F, k) as stored, minus the offset."""
    stored: FloatArray
    """The exact variance (F, R) of the numbers that were stored."""
    computed: Mapping[str, FloatArray]
    """By formula (F, R), float64."""

    def index(self, offset: float) -> int:
        return int(np.abs(self.offsets - offset).argmin())

    def failed(self, formula: str) -> FloatArray:
        """How many rows (F,) have a computed variance that is negative or not finite."""
        value = self.computed[formula]
        return np.asarray((~((value >= 0) & np.isfinite(value))).sum(-1))  # (F, R) -> (F,)

    def worst_error(self, formula: str) -> FloatArray:
        """max over rows of |computed − stored|/stored (F,)."""
        error = np.abs(self.computed[formula] - self.stored) / self.stored
        return np.asarray(error.max(-1))  # (F, R) -> (F,)


def variance_sweep(
    dtype: DTypeLike,
    offsets: Sequence[float],
    features: int = 512,
    rows: int = 100,
    seed: int = 0,
) -> VarianceSweep:
    """Every formula of `VARIANCES` on the same rows N(0, 1) + offset, all in `dtype`.

    >>> sweep = variance_sweep(np.float32, [0.0, 1e4])
    >>> sweep.failed("one pass"), sweep.failed("two pass")
    (array([ 0, 30]), array([0, 0]))
    """
    noise = np.random.default_rng(seed).standard_normal((rows, features))
    shifts = np.asarray(offsets, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # float16 overflows, and that is shown
        x = (noise + shifts[:, None, None]).astype(dtype)  # (F, R, D)
        exact = x.astype(np.float64) - shifts[:, None, None]
        return VarianceSweep(
            np.dtype(dtype).name,
            shifts,
            np.sort(noise[0, :128]),
            np.sort(exact[:, 0, :128], axis=-1),
            two_pass_variance(exact),
            {name: variance(x).astype(np.float64) for name, variance in VARIANCES.items()},
        )
