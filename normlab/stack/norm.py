"""LayerNorm and RMSNorm without gain, on rows that fit the cache, into given buffers.

The formulas are those of `normlab.norms`; here nothing is checked, cut or allocated.
"""

from typing import Protocol

import numpy as np

from normlab.norms.rows import FloatArray
from normlab.stack.setting import StackSetting


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
        dtype = setting.numpy_dtype
        self.eps = dtype.type(setting.eps)
        self.mean_of = np.full(setting.d_model, 1 / setting.d_model, dtype)  # x @ mean_of: mean(x)
        self.features = dtype.type(setting.d_model)

    def forward(self, x: FloatArray, out: FloatArray) -> FloatArray:
        squares = np.vecdot(x, x)  # (rows, D), (rows, D) -> (rows,)
        squares /= self.features
        squares += self.eps
        inverse: FloatArray = (1 / np.sqrt(squares))[:, None]
        np.multiply(x, inverse, out=out)
        return inverse

    def backward(
        self, dy: FloatArray, normalized: FloatArray, inverse: FloatArray, out: FloatArray
    ) -> None:
        """(1/r_ε) [dy − x̂ · mean(dy ⊙ x̂)]."""
        np.multiply(dy, normalized, out=out)
        mean = out @ self.mean_of  # (rows, D) @ (D,) -> (rows,)
        np.multiply(normalized, mean[:, None], out=out)
        np.subtract(dy, out, out=out)
        out *= inverse


class RowLayerNorm(RowRMSNorm):
    """x̂ = (x − μ)/√(Var + ε): RMSNorm of what centering leaves."""

    def forward(self, x: FloatArray, out: FloatArray) -> FloatArray:
        mean = x @ self.mean_of  # (rows, D) @ (D,) -> (rows,)
        np.subtract(x, mean[:, None], out=out)
        return super().forward(out, out)

    def backward(
        self, dy: FloatArray, normalized: FloatArray, inverse: FloatArray, out: FloatArray
    ) -> None:
        """(1/σ_ε) [dy − mean(dy) − x̂ · mean(dy ⊙ x̂)]; x̂ has mean 0, so the order is free."""
        super().backward(dy, normalized, inverse, out)
        out -= (out @ self.mean_of)[:, None]  # (rows, D) @ (D,) -> (rows,)


def make_norm(setting: StackSetting) -> Norm:
    return {"layer_norm": RowLayerNorm, "rms_norm": RowRMSNorm}[setting.norm](setting)
