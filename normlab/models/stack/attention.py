"""Self-attention with four weights, forward and backward."""

import math
from collections.abc import Mapping

import numpy as np

from normlab.models.stack.kernels import read_in_order, scalar
from normlab.models.stack.memory import Arena, aligned_empty
from normlab.models.stack.setting import ATTENTION_WEIGHTS, StackSetting
from normlab.models.stack.weights import LayerDraws
from normlab.norms import FloatArray


class AttentionTape:
    """What the forward pass of one attention sub-layer leaves for the backward pass.

    Keys, values and scores lie transposed: of q kᵀ, dP = do vᵀ and their gradients no product
    then runs along the rows of both factors, which takes OpenBLAS half as long again, and the
    softmax works on rows that hold all heads.
    """

    def __init__(self, setting: StackSetting, arena: Arena) -> None:
        s, dtype = setting, setting.numpy_dtype
        n, scores = s.rows * s.d_model, s.rows * s.heads * s.tokens
        self.memory = arena.empty((4 * n + scores,), dtype)  # one block, to be read in order
        q, kv_t, probabilities_t, mixed = np.split(self.memory, [n, 3 * n, 3 * n + scores])
        self.q, self.mixed = q.reshape(s.rows, s.d_model), mixed.reshape(s.rows, s.d_model)
        self.kv_t = kv_t.reshape(2, s.batch, s.d_model, s.tokens)  # (2·B·D·T,) -> (2, B, D, T)
        self.probabilities_t = probabilities_t.reshape(s.batch, s.tokens, s.heads * s.tokens)
        self.heads = AttentionHeads(self, setting)


class AttentionHeads:
    """Views of an `AttentionTape` with one matrix for each head, (B, H, …)."""

    def __init__(self, tape: AttentionTape, setting: StackSetting) -> None:
        s = setting
        self.q = split_heads(tape.q, s)  # (B, H, T, d_h)
        kv_t = tape.kv_t.reshape(2, s.batch, s.heads, s.d_head, s.tokens)  # D -> (H, d_h)
        self.k_t, self.v_t = kv_t  # each (B, H, d_h, T)
        self.k, self.v = kv_t.swapaxes(-1, -2)  # each (B, H, T, d_h)
        self.mixed = split_heads(tape.mixed, s)
        self.probabilities = split_scores(tape.probabilities_t, s)
        self.probabilities_t = self.probabilities.swapaxes(-1, -2)  # (B, H, T_k, T_q)


def split_heads(x: FloatArray, setting: StackSetting) -> FloatArray:
    """(B·T, D) -> (B, H, T, d_h), a view: what is written to one is in the other."""
    s = setting
    return x.reshape(s.batch, s.tokens, s.heads, s.d_head).swapaxes(1, 2)


def split_scores(scores_t: FloatArray, setting: StackSetting) -> FloatArray:
    """(B, T_k, H·T_q) -> (B, H, T_q, T_k), a view."""
    s = setting
    return scores_t.reshape(s.batch, s.tokens, s.heads, s.tokens).transpose(0, 2, 3, 1)


def softmax(scores_t: FloatArray, ones: FloatArray, out: FloatArray) -> None:
    """Softmax over the keys, axis 1 of `scores_t` (B, T_k, N), to `out`; `ones` is (T_k,).

    The scores are shifted, each column by its greatest, only where a sum of exponentials
    vanishes or overflows without.
    """
    np.exp(scores_t, out=out)
    sums = ones @ out  # (T_k,) @ (B, T_k, N) -> (B, N): faster than sum(axis=1)
    if not (sums.min() > 1e-30 and sums.max() < 1e30):
        np.exp(scores_t - scores_t.max(axis=1, keepdims=True), out=out)  # less (B, 1, N)
        sums = ones @ out
    out /= sums[:, None]


class Attention:
    """f(x) = softmax(q kᵀ/√d_h) v W_o, with buffers that every attention sub-layer uses in turn.

    1/√d_h is part of W_q, so that no pass over the scores is needed; `backward` takes it out of
    the gradient of W_q.
    """

    def __init__(self, setting: StackSetting, stds: Mapping[str, float]) -> None:
        self.setting = setting
        d, dtype = setting.d_model, setting.numpy_dtype
        self.by_sequence = setting.batch, setting.tokens, -1  # (B·T, D) -> (B, T, D)
        self.score_scale = scalar(1 / math.sqrt(setting.d_head), dtype)
        q_std = stds["W_q"] * float(self.score_scale)
        self.qkv_stds = [scalar(std, dtype) for std in (q_std, stds["W_k"], stds["W_v"])]
        self.o_std = scalar(stds["W_o"], dtype)
        self.w_qkv, self.w_qkv_t = aligned_empty((2, 3, d, d), dtype)
        self.w_kv_t = self.w_qkv[1:, None].swapaxes(-1, -2)  # (2, 1, D, D), a view
        self.w_qkv_t_rows = self.w_qkv_t.reshape(3 * d, d)  # (3, D, D) -> (3D, D), a view
        self.w_o, self.w_o_t = aligned_empty((2, d, d), dtype)
        self.ones = np.ones(setting.tokens, dtype)
        scores_t = setting.batch, setting.tokens, setting.heads * setting.tokens
        self.scores_t, self.product = aligned_empty((2, *scores_t), dtype)
        self.scores = split_scores(self.scores_t, setting)  # (B, H, T_q, T_k)
        self.head_scores_t = self.scores.swapaxes(-1, -2)  # (B, H, T_k, T_q)
        self._make_gradients()

    def _make_gradients(self) -> None:
        """The buffers of `backward`, and views of them."""
        setting, d = self.setting, self.setting.d_model
        rows, dtype = setting.rows, setting.numpy_dtype
        self.d_mixed = aligned_empty((rows, d), dtype)
        self.d_heads = split_heads(self.d_mixed, setting)
        self.d_qkv = aligned_empty((rows, 3 * d), dtype)
        self.d_qkv_by_weight = self.d_qkv.reshape(rows, 3, d).swapaxes(0, 1)  # (3, B·T, D)
        self.d_q, self.d_k, self.d_v = (split_heads(dx, setting) for dx in self.d_qkv_by_weight)
        d_w = aligned_empty((4, d, d), dtype)
        self.d_w_q, self.d_w_qkv, self.d_w_o = d_w[0], d_w[:3], d_w[3]
        self.d_weights = dict(zip(ATTENTION_WEIGHTS, d_w, strict=True))
        self.d_weight_rows = d_w.reshape(4, d * d)  # (4, D, D) -> (4, D·D), for their norms

    def load(self, draws: LayerDraws) -> None:
        """W = σ · draw, for `forward`."""
        for draw, std, w in zip(draws.qkv, self.qkv_stds, self.w_qkv, strict=True):
            np.multiply(draw.plain, std, out=w)
        np.multiply(draws.o.plain, self.o_std, out=self.w_o)

    def load_transposed(self, draws: LayerDraws) -> None:
        """Wᵀ = σ · drawᵀ, for `backward`."""
        for draw, std, w_t in zip(draws.qkv, self.qkv_stds, self.w_qkv_t, strict=True):
            np.multiply(draw.transposed, std, out=w_t)
        np.multiply(draws.o.transposed, self.o_std, out=self.w_o_t)

    def forward(self, x: FloatArray, tape: AttentionTape, out: FloatArray) -> None:
        """Write f(x) (rows, D) to `out`."""
        heads = tape.heads
        x_by_sequence = x.reshape(self.by_sequence)
        np.dot(x, self.w_qkv[0], out=tape.q)
        np.matmul(self.w_kv_t, x_by_sequence.swapaxes(1, 2), out=tape.kv_t)  # (2, B, D, T)
        np.matmul(heads.q, heads.k_t, out=self.scores)
        softmax(self.scores_t, self.ones, out=tape.probabilities_t)
        np.matmul(heads.probabilities, heads.v, out=heads.mixed)  # (B, H, T, d_h)
        np.dot(tape.mixed, self.w_o, out=out)

    def backward(
        self, df: FloatArray, x: FloatArray | None, tape: AttentionTape, out: FloatArray
    ) -> None:
        """Write ∂L/∂x to `out` for df = ∂L/∂f; given x, ∂L/∂W to `d_weights` too."""
        read_in_order(tape.memory)
        np.dot(df, self.w_o_t, out=self.d_mixed)
        if x is not None:
            read_in_order(x)
            np.dot(tape.mixed.T, df, out=self.d_w_o)
        self._backward_heads(tape)
        if x is not None:
            np.matmul(x.T, self.d_qkv_by_weight, out=self.d_w_qkv)  # (3, D, D)
            self.d_w_q *= self.score_scale
        np.dot(self.d_qkv, self.w_qkv_t_rows, out=out)

    def _backward_heads(self, tape: AttentionTape) -> None:
        """From ∂L/∂mixed to ∂L/∂(q, k, v).

        The softmax needs Σ_j dP_ij P_ij for each row i. It equals ⟨do_i, o_i⟩, which is shorter,
        but summed in another order: where the softmax is saturated (P = 1 for one key) the
        difference to dP must cancel exactly, or rounding is all that is left of the gradient.
        """
        heads, d_scores, d_scores_t = tape.heads, self.scores, self.scores_t
        np.matmul(self.d_heads, heads.v_t, out=d_scores)
        np.multiply(d_scores_t, tape.probabilities_t, out=self.product)
        d_scores_t -= (self.ones @ self.product)[:, None]  # (T_k,) @ (B, T_k, N) -> (B, N)
        d_scores_t *= tape.probabilities_t
        np.matmul(heads.probabilities_t, self.d_heads, out=self.d_v)
        np.matmul(d_scores, heads.k, out=self.d_q)
        np.matmul(self.head_scores_t, heads.q, out=self.d_k)
