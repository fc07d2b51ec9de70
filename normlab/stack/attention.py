"""Self-attention with four weights, forward and backward."""

import math
from collections.abc import Mapping

import numpy as np

from normlab.norms.rows import FloatArray
from normlab.stack.kernels import weight_gradient
from normlab.stack.setting import StackSetting
from normlab.stack.weights import LayerDraws


class AttentionTape:
    """What the forward pass of one attention sub-layer leaves for the backward pass."""

    def __init__(self, setting: StackSetting) -> None:
        s, dtype = setting, setting.numpy_dtype
        self.qkv = np.empty((s.rows, 3 * s.d_model), dtype)
        self.probabilities = np.empty((s.batch, s.heads, s.tokens, s.tokens), dtype)
        self.mixed = np.empty((s.rows, s.d_model), dtype)
        self.q, self.k, self.v = split_qkv(self.qkv, setting)
        self.mixed_heads = split_heads(self.mixed, setting)
        self.score_rows = self.probabilities.reshape(-1, s.tokens)  # (B·H·T, T)


def split_heads(x: FloatArray, setting: StackSetting) -> FloatArray:
    """(B·T, D) -> (B, H, T, d_h), a view: what is written to one is in the other."""
    s = setting
    return x.reshape(s.batch, s.tokens, s.heads, s.d_head).swapaxes(1, 2)


def split_qkv(qkv: FloatArray, setting: StackSetting) -> list[FloatArray]:
    """(B·T, 3D) -> three views (B, H, T, d_h)."""
    s = setting
    parts = qkv.reshape(s.batch, s.tokens, 3, s.heads, s.d_head)
    return list(parts.transpose(2, 0, 3, 1, 4))


FARTHEST = {np.dtype(np.float32): 70.0, np.dtype(np.float64): 560.0}
"""exp(−FARTHEST) is well above the least float."""


def softmax(rows: FloatArray, ones: FloatArray) -> None:
    """Softmax over the last axis of `rows` (N, T), in place; `ones` is (T,).

    One shift serves all rows: the greatest score of all. NumPy's maximum row by row takes ten
    times as long. Where a row may lie so far below that its exponentials vanish, each row gets
    its own shift.
    """
    flat = rows.reshape(-1)  # (N, T) -> (N·T,)
    greatest = np.maximum.reduce(flat)
    if greatest - np.minimum.reduce(flat) < FARTHEST[rows.dtype]:
        rows -= greatest
    else:
        rows -= rows.max(axis=1, keepdims=True)  # (N, T) -> (N, 1)
    np.exp(rows, out=rows)
    rows /= (rows @ ones)[:, None]  # (N, T) @ (T,) -> (N,): faster than sum(axis=1)


class Attention:
    """f(x) = softmax(q kᵀ/√d_h) v W_o, with buffers that every attention sub-layer uses in turn.

    1/√d_h is part of W_q, so that no pass over the scores is needed; `backward` takes it out of
    the gradient of W_q.
    """

    def __init__(self, setting: StackSetting, stds: Mapping[str, float]) -> None:
        self.setting = setting
        d, dtype = setting.d_model, setting.numpy_dtype
        self.score_scale = 1 / math.sqrt(setting.d_head)
        column_stds = [stds["W_q"] * self.score_scale, stds["W_k"], stds["W_v"]]
        self.qkv_stds = np.repeat(np.array(column_stds, dtype), d)  # (3,) -> (3D,)
        self.o_std = dtype.type(stds["W_o"])
        self.w_qkv, self.w_o = np.empty((d, 3 * d), dtype), np.empty((d, d), dtype)
        self.w_qkv_t, self.w_o_t = np.empty((3 * d, d), dtype), np.empty((d, d), dtype)
        self.d_mixed = np.empty((setting.rows, d), dtype)
        self.d_heads = split_heads(self.d_mixed, setting)
        self.d_qkv = np.empty((setting.rows, 3 * d), dtype)
        self.d_q, self.d_k, self.d_v = split_qkv(self.d_qkv, setting)
        scores = (setting.batch, setting.heads, setting.tokens, setting.tokens)
        self.d_scores, self.product = np.empty((2, *scores), dtype)
        self.d_score_rows = self.d_scores.reshape(-1, setting.tokens)  # (B·H·T, T), a view
        self.product_rows = self.product.reshape(-1, setting.tokens)
        self.d_w_qkv, self.d_w_o = np.empty((3, d, d), dtype), np.empty((d, d), dtype)
        self.ones = np.ones(setting.tokens, dtype)

    def load(self, draws: LayerDraws) -> None:
        """W = σ · draw, for `forward`."""
        np.multiply(draws.qkv.plain, self.qkv_stds, out=self.w_qkv)
        np.multiply(draws.o.plain, self.o_std, out=self.w_o)

    def load_transposed(self, draws: LayerDraws) -> None:
        """Wᵀ = σ · drawᵀ, for `backward`."""
        np.multiply(draws.qkv.transposed, self.qkv_stds[:, None], out=self.w_qkv_t)
        np.multiply(draws.o.transposed, self.o_std, out=self.w_o_t)

    def forward(self, x: FloatArray, tape: AttentionTape, out: FloatArray) -> None:
        """Write f(x) (rows, D) to `out`."""
        s = self.setting
        by_sequence = (s.batch, s.tokens, -1)  # (B·T, D) -> (B, T, D): small products are faster
        np.matmul(x.reshape(by_sequence), self.w_qkv, out=tape.qkv.reshape(by_sequence))
        np.matmul(tape.q, tape.k.swapaxes(-1, -2), out=tape.probabilities)  # (B, H, T, T)
        softmax(tape.score_rows, self.ones)
        np.matmul(tape.probabilities, tape.v, out=tape.mixed_heads)  # (B, H, T, d_h)
        np.matmul(tape.mixed, self.w_o, out=out)

    def backward(
        self, df: FloatArray, x: FloatArray, tape: AttentionTape, out: FloatArray
    ) -> Mapping[str, FloatArray]:
        """Write ∂L/∂x to `out` for df = ∂L/∂f; return ∂L/∂W, valid until the next call."""
        weight_gradient(tape.mixed, df, self.d_w_o)
        np.matmul(df, self.w_o_t, out=self.d_mixed)
        self._backward_heads(tape)
        d = self.setting.d_model
        d_qkv = self.d_qkv.reshape(-1, 3, d).swapaxes(0, 1)  # (rows, 3D) -> (3, rows, D)
        np.matmul(x.T, d_qkv, out=self.d_w_qkv)  # (3, D, D)
        by_sequence = (self.setting.batch, self.setting.tokens, -1)  # (B·T, D) -> (B, T, D)
        np.matmul(self.d_qkv.reshape(by_sequence), self.w_qkv_t, out=out.reshape(by_sequence))
        d_w_q, d_w_k, d_w_v = self.d_w_qkv
        d_w_q *= self.score_scale
        return {"W_q": d_w_q, "W_k": d_w_k, "W_v": d_w_v, "W_o": self.d_w_o}

    def _backward_heads(self, tape: AttentionTape) -> None:
        """From ∂L/∂mixed to ∂L/∂(q, k, v).

        The softmax needs Σ_j dP_ij P_ij for each row i. It equals ⟨do_i, o_i⟩, which is shorter,
        but summed in another order: where the softmax is saturated (P = 1 for one key) the
        difference to dP must cancel exactly, or rounding is all that is left of the gradient.
        """
        d_scores = self.d_scores
        np.matmul(tape.probabilities.swapaxes(-1, -2), self.d_heads, out=self.d_v)
        np.matmul(self.d_heads, tape.v.swapaxes(-1, -2), out=d_scores)
        np.multiply(d_scores, tape.probabilities, out=self.product)
        terms = self.product_rows @ self.ones  # (B·H·T, T) @ (T,) -> (B·H·T,)
        self.d_score_rows -= terms[:, None]
        d_scores *= tape.probabilities
        np.matmul(d_scores, tape.k, out=self.d_q)
        np.matmul(d_scores.swapaxes(-1, -2), tape.q, out=self.d_k)
