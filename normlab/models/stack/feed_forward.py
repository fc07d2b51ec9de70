"""The feed-forward network with ReLU, forward and backward."""

from collections.abc import Mapping

import numpy as np

from normlab.models.stack.kernels import column_blocks, read_in_order, scalar
from normlab.models.stack.memory import Arena, aligned_empty
from normlab.models.stack.setting import FEED_FORWARD_WEIGHTS, StackSetting
from normlab.models.stack.weights import LayerDraws
from normlab.norms import FloatArray


class FeedForwardTape:
    """What the forward pass of one feed-forward sub-layer leaves for the backward pass."""

    def __init__(self, setting: StackSetting, arena: Arena) -> None:
        self.hidden = arena.empty((setting.rows, setting.d_ff), setting.numpy_dtype)
        self.hidden_blocks_t = column_blocks(self.hidden).swapaxes(1, 2)  # (b, 64, B·T)


class FeedForward:
    """f(x) = ReLU(x W_1) W_2, with buffers that every feed-forward sub-layer uses in turn."""

    def __init__(self, setting: StackSetting, stds: Mapping[str, float]) -> None:
        d, d_ff, dtype = setting.d_model, setting.d_ff, setting.numpy_dtype
        self.stds = scalar(stds["W_1"], dtype), scalar(stds["W_2"], dtype)
        self.w_1, self.w_2 = aligned_empty((d, d_ff), dtype), aligned_empty((d_ff, d), dtype)
        self.w_1_t, self.w_2_t = aligned_empty((d_ff, d), dtype), aligned_empty((d, d_ff), dtype)
        self.d_hidden = aligned_empty((setting.rows, d_ff), dtype)
        self.d_hidden_blocks = column_blocks(self.d_hidden)  # (b, B·T, 64)
        self.d_weight_rows = aligned_empty((2, d * d_ff), dtype)
        row_1, row_2 = self.d_weight_rows
        w_1, w_2 = row_1.reshape(d, d_ff), row_2.reshape(d_ff, d)  # (D·D_ff,) -> the weight's
        self.d_weights = dict(zip(FEED_FORWARD_WEIGHTS, (w_1, w_2), strict=True))
        self.d_w_1_blocks = column_blocks(w_1)  # (b, D, 64)
        self.d_w_2_blocks = w_2.reshape(len(self.d_hidden_blocks), -1, d)  # (b, 64, D)
        self.active = np.empty((setting.rows, d_ff), np.bool_)
        self.zero, self.zeros = scalar(0, dtype), aligned_empty((setting.rows, d_ff), dtype)
        self.zeros[...] = 0

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
        np.dot(x, self.w_1, out=tape.hidden)
        # An array of zeros: with the scalar 0 NumPy's maximum takes three times as long.
        np.maximum(tape.hidden, self.zeros, out=tape.hidden)
        np.dot(tape.hidden, self.w_2, out=out)

    def backward(
        self, df: FloatArray, x: FloatArray | None, tape: FeedForwardTape, out: FloatArray
    ) -> None:
        """Write ∂L/∂x to `out` for df = ∂L/∂f; given x, ∂L/∂W to `d_weights` too."""
        np.greater(tape.hidden, self.zero, out=self.active)  # reads it in order
        if x is not None:
            read_in_order(x)
            np.matmul(tape.hidden_blocks_t, df, out=self.d_w_2_blocks)
        np.dot(df, self.w_2_t, out=self.d_hidden)
        self.d_hidden *= self.active
        if x is not None:
            np.matmul(x.T, self.d_hidden_blocks, out=self.d_w_1_blocks)
        np.dot(self.d_hidden, self.w_1_t, out=out)
