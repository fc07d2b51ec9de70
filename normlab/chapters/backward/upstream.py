"""The backward pass of layer norm, taken apart into paths and directions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from normlab.norms import FloatArray, check_eps, layer_norm, layer_norm_backward, rms_norm_backward
from normlab.tools.table import Table


@dataclass(frozen=True)
class GradientPaths:
    """What each path from x (D,) to the loss adds to dx (D,)."""

    direct: FloatArray
    through_variance: FloatArray
    through_mean: FloatArray

    @property
    def total(self) -> FloatArray:
        return self.direct + self.through_variance + self.through_mean


@dataclass(frozen=True)
class TurnedUpstream:
    """A token x (D,) with mean 0 and variance 1, and upstream gradients that turn around it.

    `axes` (3, D) are orthogonal directions of length 1: along (1, …, 1), along neither, and
    along x. Upstream gradients have length √D: at 0° along the first, at 90° along the second,
    at 180° along the third.
    """

    x: FloatArray
    axes: FloatArray
    norm: str
    eps: float

    def upstream(self, angle: float) -> FloatArray:
        turn = np.deg2rad(angle)
        parts = np.array([max(np.cos(turn), 0.0), np.sin(turn), max(-np.cos(turn), 0.0)])
        direction: FloatArray = parts @ self.axes  # (3,) @ (3, D) -> (D,)
        length = np.sqrt(self.x.size)
        return np.multiply(direction, length)

    def gradient(self, angle: float, scale: float) -> FloatArray:
        """dx of the norm at input scale·x."""
        backward = {"LayerNorm": layer_norm_backward, "RMSNorm": rms_norm_backward}[self.norm]
        return backward(self.upstream(angle), scale * self.x, eps=self.eps)[0]

    def total_lengths(self, angle: float, scale: float) -> tuple[float, float]:
        """‖g‖ and ‖dx‖."""
        g, dx = self.upstream(angle), self.gradient(angle, scale)
        return float(np.linalg.norm(g)), float(np.linalg.norm(dx))

    def lengths(self, vector: FloatArray) -> FloatArray:
        """(3,): how long the vector's part along each axis is."""
        return np.abs(self.axes @ vector)  # (3, D) @ (D,) -> (3,)


def turned_upstream(norm: str = "LayerNorm", eps: float = 1e-5, seed: int = 1) -> TurnedUpstream:
    """Eight random features, standardized, and three orthogonal directions around them.

    >>> turned_upstream().upstream(angle=0).round(6)
    array([1., 1., 1., 1., 1., 1., 1., 1.])
    """
    rng = np.random.default_rng(seed)
    x = layer_norm(rng.standard_normal(8), eps=0)
    other = rng.standard_normal(8)
    directions = np.stack([np.ones(8), x, other])  # (3, 8)
    frame = np.linalg.qr(directions.T)[0].T  # (3, 8), each row up to its sign
    ones, along_x, neither = frame * np.sign((frame * directions).sum(1, keepdims=True))
    return TurnedUpstream(x, np.stack([ones, neither, along_x]), norm, check_eps(eps))


@dataclass(frozen=True)
class ScaleSweep:
    """The length of layer norm's dx at input a·x, for each scale a (n,) and by ε; Var(x) = 1."""

    features: int
    scales: FloatArray
    lengths: Mapping[float, FloatArray]

    def slope(self, eps: float, smallest: float) -> float:
        """d log‖dx‖ / d log a over the scales of at least `smallest`."""
        inside = self.scales >= smallest * 0.99
        logs = np.log(self.scales[inside]), np.log(self.lengths[eps][inside])
        return float(np.polyfit(*logs, 1)[0])

    def table(self) -> Table:
        """One row per whole power of ten, in multiples of the length of g."""
        unit = np.sqrt(self.features)
        rows = [
            [f"{scale:g}", *(f"{lengths[i] / unit:.3g}" for lengths in self.lengths.values())]
            for i, scale in enumerate(self.scales)
            if abs(np.log10(scale) % 1) < 1e-9
        ]
        return Table(("scale a", *(f"‖dx‖/‖g‖, ε = {eps:g}" for eps in self.lengths)), rows)


def sweep_scales(
    epsilons: Sequence[float] = (1e-5, 1e-3), features: int = 64, seed: int = 0
) -> ScaleSweep:
    """One upstream gradient of length √D sent back at inputs a·x, a = 1e-4 … 1e4."""
    rng = np.random.default_rng(seed)
    x, dy = (layer_norm(rng.standard_normal(features), eps=0) for _ in range(2))
    scales = 10.0 ** np.arange(-4, 4.25, 0.25)
    inputs = scales[:, None] * x  # (n, 1) * (D,) -> (n, D)
    upstream = np.broadcast_to(dy, inputs.shape)
    gradients = {eps: layer_norm_backward(upstream, inputs, eps=eps)[0] for eps in epsilons}
    # (n, D) -> (n,)
    lengths = {eps: np.linalg.norm(dx, axis=1) for eps, dx in gradients.items()}
    return ScaleSweep(features, scales, lengths)
