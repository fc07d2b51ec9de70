"""LayerNorm and RMSNorm without gain, on rows that fit the cache, into given buffers.

The formulas are those of `normlab.norms`; here nothing is checked, cut or allocated.
"""

from typing import Protocol

import numpy as np

from normlab.models.stack.kernels import scalar
from normlab.models.stack.memory import aligned_empty
from normlab.models.stack.setting import StackSetting
from normlab.norms import FloatArray


class Norm(Protocol):
    """x̂ and its backward pass; (rows, D) to (rows, D)."""

    def forward(self, x: FloatArray, out: FloatArray) -> FloatArray:
        """Write x̂ to `out`; return 1/σ_ε or 1/r_ε (rows, 1), which `backward` needs."""

    def backward(
        self, dy: FloatArray, normalized: FloatArray, inverse: FloatArray, out: FloatArray
    ) -> None:
        """Write ∂L/∂x to `out`, another array than `dy`."""


class RowRMSNorm:
    """x̂ = x/√(mean(x²) + ε)."""

    def __init__(self, setting: StackSetting) -> None:
        d, dtype = setting.d_model, setting.numpy_dtype
        self.mean_of = np.full(d, 1 / d, dtype)  # x · mean_of: mean(x)
        self.mean = aligned_empty((setting.rows,), dtype)
        self.mean_column = self.mean[:, None]  # (rows,) -> (rows, 1), a view
        self.sum_eps, self.root_features = scalar(d * setting.eps, dtype), scalar(d**0.5, dtype)

    def forward(self, x: FloatArray, out: FloatArray) -> FloatArray:
        """1/r_ε as √D/√(Σ x² + D ε)."""
        squares = np.vecdot(x, x)  # (rows, D), (rows, D) -> (rows,)
        squares += self.sum_eps
        np.sqrt(squares, out=squares)
        inverse: FloatArray = np.divide(self.root_features, squares, out=squares)[:, None]
        np.multiply(x, inverse, out=out)
        return inverse

    def backward(
        self, dy: FloatArray, normalized: FloatArray, inverse: FloatArray, out: FloatArray
    ) -> None:
        """(1/r_ε) [dy − x̂ · mean(dy ⊙ x̂)]."""
        np.multiply(dy, normalized, out=out)
        out.dot(self.mean_of, out=self.mean)  # (rows, D) · (D,) -> (rows,)
        np.multiply(normalized, self.mean_column, out=out)
        np.subtract(dy, out, out=out)
        out *= inverse


class RowLayerNorm(RowRMSNorm):
    """x̂ = (x − μ)/√(Var + ε): RMSNorm of what centering leaves."""

    def forward(self, x: FloatArray, out: FloatArray) -> FloatArray:
        x.dot(self.mean_of, out=self.mean)  # (rows, D) · (D,) -> (rows,)
        np.subtract(x, self.mean_column, out=out)
        return super().forward(out, out)

    def backward(
        self, dy: FloatArray, normalized: FloatArray, inverse: FloatArray, out: FloatArray
    ) -> None:
        """(1/σ_ε) [dy − mean(dy) − x̂ · mean(dy ⊙ x̂)]; x̂ has mean 0, so the order is free."""
        super().backward(dy, normalized, inverse, out)
        out.dot(self.mean_of, out=self.mean)  # (rows, D) · (D,) -> (rows,)
        out -= self.mean_column


def make_norm(setting: StackSetting) -> Norm:
    return {"layer_norm": RowLayerNorm, "rms_norm": RowRMSNorm}[setting.norm](setting)
