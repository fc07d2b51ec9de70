"""LLaMA with its cache, and scalars on branches."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HIDDEN,
    MLP,
    VOCAB,
    PreBlock,
    RMSNorm,
    Stack,
    SwiGLU,
    ids,
    stream,
)
from tests.strangers.stranger import HALF_PRE, PRE, collection, ln, rms

STRANGERS, stranger = collection()


def rotary_table(width, end, theta=10000.0):
    freqs = 1.0 / (theta ** (torch.arange(0, width, 2)[: width // 2].float() / width))
    freqs = torch.outer(torch.arange(end).float(), freqs)
    return torch.polar(torch.ones_like(freqs), freqs)


def apply_rotary(xq, xk, freqs_cis):
    """LLaMA's: with complex numbers, in float32, cast back."""
    xq_ = torch.view_as_complex(xq.float().reshape(*xq.shape[:-1], -1, 2))
    xk_ = torch.view_as_complex(xk.float().reshape(*xk.shape[:-1], -1, 2))
    freqs_cis = freqs_cis.view(1, xq_.shape[1], 1, xq_.shape[-1])
    xq_out = torch.view_as_real(xq_ * freqs_cis).flatten(3)
    xk_out = torch.view_as_real(xk_ * freqs_cis).flatten(3)
    return xq_out.type_as(xq), xk_out.type_as(xk)


class LlamaAttention(nn.Module):
    """The reference code's: grouped heads, a cache that is written in place."""

    def __init__(self, heads=4, kv_heads=2, cached=True):
        super().__init__()
        self.heads, self.kv_heads, self.width = heads, kv_heads, DIM // heads
        self.wq = nn.Linear(DIM, heads * self.width, bias=False)
        self.wk = nn.Linear(DIM, kv_heads * self.width, bias=False)
        self.wv = nn.Linear(DIM, kv_heads * self.width, bias=False)
        self.wo = nn.Linear(heads * self.width, DIM, bias=False)
        self.cached = cached
        self.cache_k = torch.zeros(5, 11, kv_heads, self.width)
        self.cache_v = torch.zeros(5, 11, kv_heads, self.width)

    def forward(self, x, start_pos, freqs_cis, mask):
        bsz, seqlen, _ = x.shape
        xq = self.wq(x).view(bsz, seqlen, self.heads, self.width)
        xk = self.wk(x).view(bsz, seqlen, self.kv_heads, self.width)
        xv = self.wv(x).view(bsz, seqlen, self.kv_heads, self.width)
        xq, xk = apply_rotary(xq, xk, freqs_cis)
        if self.cached:
            self.cache_k = self.cache_k.to(xq)
            self.cache_v = self.cache_v.to(xq)
            self.cache_k[:bsz, start_pos : start_pos + seqlen] = xk
            self.cache_v[:bsz, start_pos : start_pos + seqlen] = xv
            xk = self.cache_k[:bsz, : start_pos + seqlen]
            xv = self.cache_v[:bsz, : start_pos + seqlen]
        groups = self.heads // self.kv_heads
        xk = xk[:, :, :, None, :].expand(-1, -1, -1, groups, -1).flatten(2, 3)
        xv = xv[:, :, :, None, :].expand(-1, -1, -1, groups, -1).flatten(2, 3)
        xq, xk, xv = xq.transpose(1, 2), xk.transpose(1, 2), xv.transpose(1, 2)
        scores = torch.matmul(xq, xk.transpose(2, 3)) / math.sqrt(self.width)
        scores = scores + mask
        scores = F.softmax(scores.float(), dim=-1).type_as(xq)
        output = torch.matmul(scores, xv).transpose(1, 2).contiguous().view(bsz, seqlen, -1)
        return self.wo(output)


class LlamaBlock(nn.Module):
    def __init__(self, layer_id, cached):
        super().__init__()
        self.attention = LlamaAttention(cached=cached)
        self.feed_forward = SwiGLU()
        self.layer_id = layer_id
        self.attention_norm = RMSNorm(DIM, eps=1e-5)
        self.ffn_norm = RMSNorm(DIM, eps=1e-5)

    def forward(self, x, start_pos, freqs_cis, mask):
        h = x + self.attention(self.attention_norm(x), start_pos, freqs_cis, mask)
        out = h + self.feed_forward(self.ffn_norm(h))
        return out


class Llama(nn.Module):
    def __init__(self, layers=2, cached=True):
        super().__init__()
        self.tok_embeddings = nn.Embedding(VOCAB, DIM)
        self.layers = nn.ModuleList([LlamaBlock(i, cached) for i in range(layers)])
        self.norm = RMSNorm(DIM, eps=1e-5)
        self.output = nn.Linear(DIM, VOCAB, bias=False)
        self.freqs_cis = rotary_table(DIM // 4, 22)

    def forward(self, tokens, start_pos=0):
        _, seqlen = tokens.shape
        h = self.tok_embeddings(tokens)
        freqs_cis = self.freqs_cis.to(h.device)[start_pos : start_pos + seqlen]
        mask = torch.full((seqlen, seqlen), float("-inf"), device=tokens.device)
        mask = torch.triu(mask, diagonal=1)
        mask = torch.hstack([torch.zeros((seqlen, start_pos)), mask]).type_as(h)
        for layer in self.layers:
            h = layer(h, start_pos, freqs_cis, mask)
        h = self.norm(h)
        return self.output(h).float()


LLAMA = {rms(1e-5): 4, rms(1e-5, role="final"): 1}


@stranger("LLaMA with a cache", LLAMA, "pre-norm", layers=2, equations=PRE)
def _():
    return Llama(), (ids(), 0)


@stranger("LLaMA without a cache", LLAMA, "pre-norm", layers=2, equations=PRE)
def _():
    return Llama(cached=False), ids()


@stranger("LLaMA in bfloat16", LLAMA, "pre-norm", layers=2, equations=PRE)
def _():
    return Llama(cached=False).bfloat16(), ids()


class HalfPre(nn.Module):
    """One sub-layer."""

    def __init__(self):
        super().__init__()
        self.norm, self.ff = RMSNorm(DIM), SwiGLU()

    def forward(self, x):
        return x + self.ff(self.norm(x))


@stranger("one sub-layer, LLaMA's FFN", {rms(): 1}, "pre-norm", equations=HALF_PRE)
def _():
    return HalfPre(), stream()


class LayerNormScaling(PreBlock):
    """The norm's output over the root of the layer's number."""

    def __init__(self, number):
        super().__init__()
        self.scale = number**-0.5

    def forward(self, x):
        x = x + self.attn(self.norm1(x) * self.scale)
        return x + self.mlp(self.norm2(x) * self.scale)


@stranger("LayerNorm scaling", {ln(): 8, ln(role="final"): 1}, "pre-norm", layers=4, equations=PRE)
def _():
    return Stack([LayerNormScaling(i + 1) for i in range(4)], nn.LayerNorm(DIM)), ids()


class ScaledBranches(PreBlock):
    """GPT-2's 1/√(2L) at the residual, done in the forward; an MLP of another width."""

    def __init__(self, layers):
        super().__init__(mlp=MLP(DIM, HIDDEN + 2))
        self.scale = (2 * layers) ** -0.5

    def forward(self, x):
        x = x + self.scale * self.attn(self.norm1(x))
        return torch.add(x, self.mlp(self.norm2(x)), alpha=self.scale)


@stranger("scalars on the branches", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return ScaledBranches(4), stream()
