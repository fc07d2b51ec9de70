"""The step of a central difference: how far the formula errs, and how far the rounding."""

from dataclasses import dataclass

import numpy as np

from normlab.norms import FloatArray, layer_norm, layer_norm_backward
from normlab.norms.differences import finite_difference_gradient, relative_error


@dataclass(frozen=True)
class StepSweep:
    """Central differences of L(x) = Σ dy ⊙ LN(x) for many steps h, all in the dtype of `x`.

    `errors` are relative to `gradient`, the formula's answer in float64.
    """

    x: FloatArray
    dy: FloatArray
    gradient: FloatArray
    steps: FloatArray
    errors: FloatArray

    def loss(self, x: FloatArray) -> float:
        return float((self.dy * layer_norm(x)).sum())  # (D,) -> ()

    def best(self) -> tuple[float, float]:
        """The step of the smallest error, and that error."""
        place = int(self.errors.argmin())
        return float(self.steps[place]), float(self.errors[place])

    def slope(self, longest: float, shortest: float) -> float:
        """d log(error) / d log(h), fitted over the steps from `longest` to `shortest`."""
        inside = (self.steps <= longest * 1.01) & (self.steps >= shortest * 0.99)
        logs = np.log(self.steps[inside]), np.log(self.errors[inside])
        return float(np.polyfit(*logs, 1)[0])

    def seen_by_the_formula(self, step: float, turns: FloatArray) -> FloatArray:
        """(L(x + t·h·e) − L(x))/h for each t in `turns`, along the steepest feature e."""
        direction = np.zeros_like(self.x)
        direction[self.steepest] = 1
        here = self.loss(self.x)
        points = [self.x + (t * step * direction).astype(self.x.dtype) for t in turns]
        return np.array([(self.loss(point) - here) / step for point in points])

    @property
    def steepest(self) -> int:
        return int(np.abs(self.gradient).argmax())


def sweep_steps(dtype: str = "float64", features: int = 16, seed: int = 0) -> StepSweep:
    """Central differences of a random layer norm at h = 1, 10^-0.5, …, 1e-15.

    >>> round(sweep_steps().slope(longest=1, shortest=1e-4), 1)
    2.0
    """
    rng = np.random.default_rng(seed)
    x, dy = (rng.standard_normal(features).astype(dtype) for _ in range(2))
    exact, _, _ = layer_norm_backward(dy.astype(np.float64), x.astype(np.float64))
    steps = 10.0 ** -np.arange(0, 15.5, 0.5)
    sweep = StepSweep(x, dy, exact, steps, np.empty(0))
    estimates = [finite_difference_gradient(sweep.loss, x, float(h)) for h in steps]
    errors = np.array([relative_error(estimate, exact) for estimate in estimates])
    return StepSweep(x, dy, exact, steps, errors)
