"""The forward pass of layer norm, one line of the formula at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from normlab.norms import FloatArray, check_input, check_parameter
from normlab.tools.table import Table


@dataclass(frozen=True)
class LayerNormTrace:
    """Every intermediate of layer norm for one token x (D,)."""

    x: FloatArray
    mean: float
    centered: FloatArray
    variance: float
    std: float
    normalized: FloatArray
    scaled: FloatArray
    output: FloatArray

    def steps(self) -> dict[str, FloatArray]:
        """The five vectors (D,) that the token passes through, by formula."""
        return {
            "x": self.x,
            "x − μ": self.centered,
            "x̂ = (x − μ)/σ": self.normalized,
            "γ ⊙ x̂": self.scaled,
            "γ ⊙ x̂ + β": self.output,
        }

    def table(self) -> Table:
        """One row per step; the last two columns are the row's own mean and variance."""
        columns = ["step", *(f"feature {i}" for i in range(len(self.x))), "mean", "variance"]
        rows = [
            [name, *(f"{v:.3f}" for v in values), f"{values.mean():.3f}", f"{values.var():.3f}"]
            for name, values in self.steps().items()
        ]
        return Table(columns, rows)


def trace_layer_norm(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, eps: float = 1e-5
) -> LayerNormTrace:
    """Layer norm of one token x (D,), computed slowly and with every step kept.

    Raises:
        ValueError: if `x` is not one vector (D,), or `gamma` or `beta` has another shape.

    >>> trace = trace_layer_norm([1.0, 3.0], gamma=[1.0, 1.0], beta=[0.0, 0.0], eps=0)
    >>> trace.mean, trace.variance, trace.output.tolist()
    (2.0, 1.0, [-1.0, 1.0])
    """
    x = check_input(np.asarray(x, np.float64))
    if x.ndim != 1:
        raise ValueError(f"x has shape {x.shape}; expected one token, shape (D,): take one row.")
    gain, shift = (check_parameter(p, n, x) for p, n in ((gamma, "gamma"), (beta, "beta")))
    mean = x.mean()  # (D,) -> ()
    centered = x - mean
    variance = (centered**2).mean()  # (D,) -> ()
    std = np.sqrt(variance + eps)
    normalized = centered / std
    scaled = gain * normalized
    return LayerNormTrace(
        x, float(mean), centered, float(variance), float(std), normalized, scaled, scaled + shift
    )
