"""What layer norm and RMSNorm do to points in space: projections, spheres, and lost directions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from normlab.norms import (
    FloatArray,
    check_input,
    layer_norm,
    layer_norm_backward,
    rms_norm,
    rms_norm_backward,
)
from normlab.tools.table import Table

Backward: TypeAlias = Callable[..., tuple[FloatArray, ...]]
"""(dx, …) of a norm: backward(dy, x, gamma, eps)."""


def layer_norm_jacobian(
    x: ArrayLike, eps: float = 1e-5, backward: Backward = layer_norm_backward
) -> FloatArray:
    """J[i, j] = ∂y_i/∂x_j of layer norm without gain, at one token.

    Formula: J = (1/σ_ε)(I − 11ᵀ/D − x̂x̂ᵀ/D). Row i is computed as the backward pass of e_i.

    Args:
        x: one token (D,).
        eps: ≥ 0.
        backward: the backward pass of layer norm that is used.

    Returns:
        (D, D), symmetric; of rank D − 2 if eps = 0.

    Raises:
        ValueError: if `x` is not one token, or as `layer_norm_backward`.

    >>> layer_norm_jacobian([1.0, 2.0], eps=0).round(12) + 0.0
    array([[0., 0.],
           [0., 0.]])
    """
    x = _one_token(x)
    identity = np.eye(len(x), dtype=x.dtype)
    gamma = np.ones_like(x)
    return backward(identity, np.tile(x, (len(x), 1)), gamma, eps)[0]


def rms_norm_jacobian(x: ArrayLike, eps: float = 1e-6) -> FloatArray:
    """J[i, j] = ∂y_i/∂x_j of RMSNorm without gain, at one token.

    Formula: J = (1/r_ε)(I − x̂x̂ᵀ/D).

    Args:
        x, eps: as in `layer_norm_jacobian`.

    Raises:
        ValueError: as `layer_norm_jacobian`.

    Returns:
        (D, D), symmetric; of rank D − 1 if eps = 0.

    >>> rms_norm_jacobian([3.0, 4.0], eps=0).round(4)
    array([[ 0.181 , -0.1358],
           [-0.1358,  0.1018]])
    """
    x = _one_token(x)
    identity = np.eye(len(x), dtype=x.dtype)
    return rms_norm_backward(identity, np.tile(x, (len(x), 1)), eps=eps)[0]


def _one_token(x: ArrayLike) -> FloatArray:
    x = check_input(x)
    if x.ndim != 1:
        raise ValueError(f"x has shape {x.shape}; expected one token, shape (D,): take one row.")
    return x


@dataclass(frozen=True)
class Spectra:
    """Eigenvalues (D,) of Jacobians at one token, smallest first, by a name for each."""

    values: Mapping[str, FloatArray]

    def table(self) -> Table:
        """One row per Jacobian."""
        features = len(next(iter(self.values.values())))
        rows = [[name, *(f"{abs(v):.3f}" for v in row)] for name, row in self.values.items()]
        return Table(("eigenvalues", *(str(i + 1) for i in range(features))), rows)


def jacobian_spectra(
    features: int = 8, seed: int = 0, backward: Backward = layer_norm_backward
) -> Spectra:
    """A token with mean 0 and variance 1, with ε = 0 and with ε equal to its variance.

    Values are multiplied by σ_ε (or r_ε), so that a direction that is only divided by it is 1.

    >>> abs(jacobian_spectra(3).values["RMSNorm, ε = 0"].round(6))
    array([0., 1., 1.])
    """
    x = layer_norm(np.random.default_rng(seed).standard_normal(features), eps=0)
    jacobians = {
        "LayerNorm, ε = 0": layer_norm_jacobian(x, 0, backward),
        "RMSNorm, ε = 0": rms_norm_jacobian(x, eps=0),
        "LayerNorm, ε = σ²": np.sqrt(2) * layer_norm_jacobian(x, 1, backward),
    }
    return Spectra({name: np.linalg.eigvalsh(j) for name, j in jacobians.items()})


def other_tokens(seed: int = 3) -> tuple[FloatArray, FloatArray]:
    """Tokens of three features to set beside one token x.

    Returns:
        `(free, related)`: free (14, 3), random tokens; related (8, 2), pairs a > 0 and b of the
        tokens a·x + b·1.

    >>> free, related = other_tokens()
    >>> free.shape, bool((related[:, 0] > 0).all())
    ((14, 3), True)
    """
    rng = np.random.default_rng(seed)
    free = rng.uniform(-1.8, 2.2, (14, 3))
    a, b = rng.uniform(0.4, 1.0, 8), rng.uniform(-2.2, 0.3, 8)
    return free, np.stack([a, b], axis=1)  # two of (8,) -> (8, 2)


@dataclass(frozen=True)
class PlaneMap:
    """Tokens of two features (n, 2), and where each norm takes them, by its name."""

    points: FloatArray
    images: Mapping[str, FloatArray]


def two_feature_map(points: int = 24, seed: int = 2) -> PlaneMap:
    """Random pairs, normalized with ε = 0."""
    x = np.random.default_rng(seed).uniform(-2.8, 2.8, (points, 2))
    return PlaneMap(x, {"LayerNorm": layer_norm(x, eps=0), "RMSNorm": rms_norm(x, eps=0)})


@dataclass(frozen=True)
class RadiusCurves:
    """‖LN(x)‖/√D (n,) for tokens of each standard deviation (n,), by ε."""

    features: int
    deviations: FloatArray
    radii: Mapping[float, FloatArray]

    def formula(self, eps: float) -> FloatArray:
        """√(σ²/(σ² + ε)) for each standard deviation σ (n,)."""
        radii: FloatArray = np.sqrt(self.deviations**2 / (self.deviations**2 + eps))
        return radii


def radius_curves(
    epsilons: Sequence[float] = (1e-5, 1e-3), features: int = 64, seed: int = 0
) -> RadiusCurves:
    """A token with mean 0 and variance 1, multiplied by 1e-5 … 10 and normalized."""
    x = layer_norm(np.random.default_rng(seed).standard_normal(features), eps=0)
    deviations = 10.0 ** np.arange(-5, 1.25, 0.25)
    outputs = {eps: layer_norm(deviations[:, None] * x, eps=eps) for eps in epsilons}  # (n, D)
    radii = {
        # (n, D) -> (n,)
        eps: np.linalg.norm(y, axis=1) / np.sqrt(features)
        for eps, y in outputs.items()
    }
    return RadiusCurves(features, deviations, radii)
