"""A token that is moved and stretched, and what layer norm makes of it."""

from dataclasses import dataclass

import numpy as np

from normlab.norms import FloatArray, layer_norm


@dataclass(frozen=True)
class MovedToken:
    """One token x (D,), and what layer norm makes of a·x + b for every a and b."""

    x: FloatArray

    def moved(self, scale: float, offset: float) -> FloatArray:
        return scale * self.x + offset

    def normalized(self, scale: float, offset: float) -> FloatArray:
        return layer_norm(self.moved(scale, offset))


def moved_token(features: int = 8, seed: int = 0) -> MovedToken:
    """A token of random features with mean 0 and variance 1 before it is moved."""
    rng = np.random.default_rng(seed)
    return MovedToken(layer_norm(rng.standard_normal(features)))
