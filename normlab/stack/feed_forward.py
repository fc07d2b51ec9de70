"""The feed-forward network with ReLU, forward and backward."""

from collections.abc import Mapping

import numpy as np

from normlab.norms.rows import FloatArray
from normlab.stack.kernels import weight_gradient
from normlab.stack.setting import StackSetting
from normlab.stack.weights import LayerDraws


class FeedForwardTape:
    """What the forward pass of one feed-forward sub-layer leaves for the backward pass."""

    def __init__(self, setting: StackSetting) -> None:
        self.hidden = np.empty((setting.rows, setting.d_ff), setting.numpy_dtype)


class FeedForward:
    """f(x) = ReLU(x W_1) W_2, with buffers that every feed-forward sub-layer uses in turn."""

    def __init__(self, setting: StackSetting, stds: Mapping[str, float]) -> None:
        self.setting = setting
        d, d_ff, dtype = setting.d_model, setting.d_ff, setting.numpy_dtype
        self.stds = dtype.type(stds["W_1"]), dtype.type(stds["W_2"])
        self.w_1, self.d_w_1 = np.empty((2, d, d_ff), dtype)
        self.w_2, self.d_w_2 = np.empty((2, d_ff, d), dtype)
        self.w_1_t, self.w_2_t = np.empty((d_ff, d), dtype), np.empty((d, d_ff), dtype)
        self.d_hidden = np.empty((setting.rows, d_ff), dtype)
        self.active = np.empty((setting.rows, d_ff), np.bool_)
        self.zeros = np.zeros((setting.rows, d_ff), dtype)

    def load(self, draws: LayerDraws) -> None:
        """W = σ · draw, for `forward`."""
        np.multiply(draws.w_1.plain, self.stds[0], out=self.w_1)
        np.multiply(draws.w_2.plain, self.stds[1], out=self.w_2)

    def load_transposed(self, draws: LayerDraws) -> None:
        """Wᵀ = σ · drawᵀ, for `backward`."""
        np.multiply(draws.w_1.transposed, self.stds[0], out=self.w_1_t)
        np.multiply(draws.w_2.transposed, self.stds[1], out=self.w_2_t)

    def forward(self, x: FloatArray, tape: FeedForwardTape, out: FloatArray) -> None:
        """Write f(x) (rows, D) to `out`."""
        by_sequence = (self.setting.batch, self.setting.tokens, -1)  # (B·T, D) -> (B, T, D)
        hidden = tape.hidden.reshape(by_sequence)
        np.matmul(x.reshape(by_sequence), self.w_1, out=hidden)
        # An array of zeros: with the scalar 0 NumPy's maximum takes three times as long.
        np.maximum(tape.hidden, self.zeros, out=tape.hidden)
        np.matmul(hidden, self.w_2, out=out.reshape(by_sequence))

    def backward(
        self, df: FloatArray, x: FloatArray, tape: FeedForwardTape, out: FloatArray
    ) -> Mapping[str, FloatArray]:
        """Write ∂L/∂x to `out` for df = ∂L/∂f; return ∂L/∂W, valid until the next call."""
        by_sequence = (self.setting.batch, self.setting.tokens, -1)  # (B·T, D) -> (B, T, D)
        # First, as it reads `hidden` in order: the product then finds it in the cache.
        np.greater(tape.hidden, 0, out=self.active)
        weight_gradient(tape.hidden, df, self.d_w_2)
        d_hidden = self.d_hidden.reshape(by_sequence)
        np.matmul(df.reshape(by_sequence), self.w_2_t, out=d_hidden)
        self.d_hidden *= self.active
        weight_gradient(x, self.d_hidden, self.d_w_1)
        np.matmul(d_hidden, self.w_1_t, out=out.reshape(by_sequence))
        return {"W_1": self.d_w_1, "W_2": self.d_w_2}
