"""Self-attention whose W_q and W_k are 0: every token reads the mean of the values."""

from collections.abc import Mapping

import numpy as np

from normlab.models.stack.kernels import scalar
from normlab.models.stack.memory import Arena, aligned_empty
from normlab.models.stack.setting import ATTENTION_WEIGHTS, StackSetting
from normlab.models.stack.weights import LayerDraws
from normlab.norms import FloatArray


class UniformAttentionTape:
    """What the forward pass of one sub-layer leaves: means over tokens, (B, D)."""

    def __init__(self, setting: StackSetting, arena: Arena) -> None:
        shape = (2, setting.batch, setting.d_model)
        self.memory = arena.empty(shape, setting.numpy_dtype)
        self.mean, self.value = self.memory  # of x, and of x W_v


class UniformAttention:
    """f(x) = mean(x) W_v W_o for every token of a sequence, with buffers used in turn.

    All scores are 0, so the softmax is 1/T. The mean is taken first, and the products have one
    row for each sequence where `Attention` has one for each token.
    """

    def __init__(self, setting: StackSetting, stds: Mapping[str, float]) -> None:
        d, dtype = setting.d_model, setting.numpy_dtype
        self.by_sequence = setting.batch, setting.tokens, -1  # (B·T, D) -> (B, T, D)
        self.mean_of = np.full(setting.tokens, 1 / setting.tokens, dtype)
        self.stds = scalar(stds["W_v"], dtype), scalar(stds["W_o"], dtype)
        self.w_v, self.w_v_t, self.w_o, self.w_o_t = aligned_empty((4, d, d), dtype)
        self.d_mean, self.d_value, self.f = aligned_empty((3, setting.batch, d), dtype)
        d_w = aligned_empty((4, d, d), dtype)
        d_w[...] = 0  # those of W_q and W_k stay so
        self.d_w_v, self.d_w_o = d_w[2:]
        self.d_weights = dict(zip(ATTENTION_WEIGHTS, d_w, strict=True))
        self.d_weight_rows = d_w.reshape(4, d * d)  # (4, D, D) -> (4, D·D), for their norms
        self.tokens = scalar(setting.tokens, dtype)

    def load(self, draws: LayerDraws) -> None:
        """W = σ · draw, for `forward`."""
        np.multiply(draws.qkv[2].plain, self.stds[0], out=self.w_v)
        np.multiply(draws.o.plain, self.stds[1], out=self.w_o)

    def load_transposed(self, draws: LayerDraws) -> None:
        """Wᵀ = σ · drawᵀ, for `backward`."""
        np.multiply(draws.qkv[2].transposed, self.stds[0], out=self.w_v_t)
        np.multiply(draws.o.transposed, self.stds[1], out=self.w_o_t)

    def forward(self, x: FloatArray, tape: UniformAttentionTape, out: FloatArray) -> None:
        """Write f(x) (rows, D) to `out`."""
        np.matmul(self.mean_of, x.reshape(self.by_sequence), out=tape.mean)  # (B, T, D) -> (B, D)
        np.dot(tape.mean, self.w_v, out=tape.value)
        np.dot(tape.value, self.w_o, out=self.f)
        out.reshape(self.by_sequence)[...] = self.f[:, None]  # (B, 1, D), the same for all tokens

    def backward(
        self, df: FloatArray, x: FloatArray | None, tape: UniformAttentionTape, out: FloatArray
    ) -> None:
        """Write ∂L/∂x to `out` for df = ∂L/∂f; given x, ∂L/∂W to `d_weights` too.

        ∂L/∂x of each token is 1/T of that of their mean, which is Σ df W_oᵀ W_vᵀ.
        """
        np.matmul(self.mean_of, df.reshape(self.by_sequence), out=self.f)  # (B, T, D) -> (B, D)
        np.dot(self.f, self.w_o_t, out=self.d_value)
        np.dot(self.d_value, self.w_v_t, out=self.d_mean)
        out.reshape(self.by_sequence)[...] = self.d_mean[:, None]  # (B, 1, D)
        if x is not None:
            np.dot(tape.value.T, self.f, out=self.d_w_o)
            np.dot(tape.mean.T, self.d_value, out=self.d_w_v)
            self.d_weight_rows[2:] *= self.tokens  # `f` is the mean of df, not its sum
