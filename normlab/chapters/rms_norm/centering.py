"""What centering takes away: layer norm and RMSNorm of the same input as its mean grows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from normlab.norms import FloatArray, layer_norm, rms_norm
from normlab.tools.table import Table


@dataclass(frozen=True)
class OffsetToken:
    """One token x (D,) of mean 0 and standard deviation 1, to which a constant is added.

    With standard deviation 1, the offset is the mean in units of the standard deviation.
    """

    x: FloatArray

    def layer_norm(self, offset: float) -> FloatArray:
        return layer_norm(self.x + offset, eps=0)

    def rms_norm(self, offset: float) -> FloatArray:
        return rms_norm(self.x + offset, eps=0)

    def angle(self, offset: float) -> float:
        """Degrees between the two outputs."""
        return angle_degrees(self.layer_norm(offset), self.rms_norm(offset))


def offset_token(features: int = 16, seed: int = 0) -> OffsetToken:
    """A token of `features` random numbers, standardized.

    >>> token = offset_token(features=8)
    >>> round(token.angle(offset=1.0), 6)  # arctan(1)
    45.0
    """
    rng = np.random.default_rng(seed)
    return OffsetToken(layer_norm(rng.standard_normal(features), eps=0))


def angle_degrees(a: FloatArray, b: FloatArray) -> float:
    """The angle between two vectors (D,).

    Formula: 2·arctan(‖â − b̂‖ / ‖â + b̂‖) with â, b̂ of length 1: exact for tiny angles too,
    where the arc cosine loses half of its digits.

    >>> angle_degrees(np.array([1.0, 0.0]), np.array([1.0, 1.0])).__round__(6)
    45.0
    """
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(np.degrees(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b))))


def mean_share(x: FloatArray) -> FloatArray:
    """mean(x)²/mean(x²) of each row (N, D) -> (N,): the part of the length that centering removes.

    It is 0 where the mean is 0, 1 where all features are equal, and sin² of the angle between
    layer norm's output and RMSNorm's (without gain and shift, ε = 0).

    >>> mean_share(np.array([[1.0, -1.0], [2.0, 2.0], [0.0, 2.0]]))
    array([0. , 1. , 0.5])
    """
    mean, mean_square = x.mean(-1), (x * x).mean(-1)  # (N, D) -> (N,)
    share: FloatArray = mean * mean / mean_square
    return share


@dataclass(frozen=True)
class MeanShares:
    """The average mean share over many random vectors, by width, for each kind of vector."""

    widths: Sequence[int]
    shares: Mapping[str, Sequence[float]]

    def table(self) -> Table:
        names = list(self.shares)
        rows = [
            [width, *(f"{self.shares[name][i]:.2g}" for name in names), f"{1 / width:.2g}"]
            for i, width in enumerate(self.widths)
        ]
        return Table(("D", *names, "1/D"), rows)


KINDS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "normal": lambda z: z,
    "after ReLU": lambda z: np.maximum(z, 0),
}
"""Kinds of random vectors, made of standard normal numbers."""


def sweep_mean_share(widths: Sequence[int], vectors: int = 1000, seed: int = 0) -> MeanShares:
    """Mean shares of `vectors` random vectors of each width.

    >>> sweep_mean_share([16, 64], vectors=100).widths
    [16, 64]
    """
    rng = np.random.default_rng(seed)
    shares: dict[str, list[float]] = {name: [] for name in KINDS}
    for width in widths:
        z = rng.standard_normal((vectors, width))
        for name, kind in KINDS.items():
            shares[name].append(float(mean_share(kind(z)).mean()))  # (vectors,) -> ()
    return MeanShares(widths, shares)
