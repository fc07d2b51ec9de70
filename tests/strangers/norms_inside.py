"""Norms inside attention, FFN, experts and state spaces."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    HIDDEN,
    MLP,
    Attention,
    PostBlock,
    PreBlock,
    RMSNorm,
    Stack,
    SwiGLU,
    ids,
    stream,
)
from tests.strangers.stranger import COSINE, HALF_PRE, POST, PRE, collection, ln, rms

STRANGERS, stranger = collection()


def rotate(x):
    """RoPE with halves, written into an empty tensor."""
    half = x.shape[-1] // 2
    t = torch.arange(x.shape[-2], dtype=x.dtype)
    angle = t[:, None] * 10000 ** (-torch.arange(half, dtype=x.dtype) / half)
    out = torch.empty_like(x)
    out[..., :half] = x[..., :half] * angle.cos() - x[..., half:] * angle.sin()
    out[..., half:] = x[..., half:] * angle.cos() + x[..., :half] * angle.sin()
    return out


class RotaryQKNorm(Attention):
    """QK-norm per head, before RoPE (Qwen 3) or after it."""

    def __init__(self, norm, first=True):
        super().__init__(causal=True, bias=False)
        self.q_norm, self.k_norm, self.first = norm(DIM // HEADS), norm(DIM // HEADS), first

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        if self.first:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = rotate(q), rotate(k)
        if not self.first:
            q, k = self.q_norm(q), self.k_norm(k)
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(out.transpose(1, 2).flatten(2))


for first in (True, False):
    for norm, inner in ((RMSNorm, rms(role="inner")), (nn.LayerNorm, ln(role="inner"))):

        @stranger(
            f"QK-norm {'before' if first else 'after'} RoPE, {norm.__name__}",
            {rms(): 2, inner: 2},
            "pre-norm",
            equations=PRE,
        )
        def _(norm=norm, first=first):
            return PreBlock(RMSNorm, attention=RotaryQKNorm(norm, first), mlp=SwiGLU()), stream()


class CosineAttention(Attention):
    """q and k of length one, a learned temperature."""

    def __init__(self):
        super().__init__()
        self.temperature = nn.Parameter(torch.full((HEADS, 1, 1), 10.0))

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        sim = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-1, -2)
        out = (sim * self.temperature).softmax(-1) @ v
        return self.proj(out.transpose(1, 2).flatten(2))


@stranger("cosine attention", {ln(): 2}, "pre-norm", equations=PRE, optional={COSINE: 2})
def _():
    return PreBlock(attention=CosineAttention()), stream()


class GatedRMSNorm(nn.Module):
    """Mamba 2's: the gate comes first."""

    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x, z):
        x = x * F.silu(z)
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


class MambaBlock(nn.Module):
    """A convolution over time, a scan in a loop, a gated norm, pre-norm around it."""

    def __init__(self, inner=24):
        super().__init__()
        self.norm = RMSNorm(DIM, eps=1e-5)
        self.in_proj = nn.Linear(DIM, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, 4, groups=inner, padding=3)
        self.dt, self.A_log = nn.Linear(inner, inner), nn.Parameter(torch.zeros(inner))
        self.D = nn.Parameter(torch.ones(inner))
        self.gated_norm = GatedRMSNorm(inner)
        self.out_proj = nn.Linear(inner, DIM, bias=False)

    def mix(self, u):
        x, z = self.in_proj(u).chunk(2, dim=-1)
        x = F.silu(self.conv1d(x.transpose(1, 2))[..., : u.shape[1]].transpose(1, 2))
        dt = F.softplus(self.dt(x))
        decay = torch.exp(-dt * self.A_log.exp())
        state, ys = torch.zeros_like(x[:, 0]), []
        for t in range(x.shape[1]):
            state = decay[:, t] * state + dt[:, t] * x[:, t]
            ys.append(state)
        y = torch.stack(ys, dim=1) + x * self.D
        return self.out_proj(self.gated_norm(y, z))

    def forward(self, u):
        return u + self.mix(self.norm(u))


@stranger("Mamba block", {rms(1e-5): 1, rms(1e-5, role="inner"): 1}, "pre-norm", equations=HALF_PRE)
def _():
    return MambaBlock(), stream()


@stranger(
    "Mamba",
    {rms(1e-5): 3, rms(1e-5, role="inner"): 3, rms(1e-5, role="final"): 1},
    "pre-norm",
    layers=3,
    equations=HALF_PRE,
)
def _():
    return Stack([MambaBlock() for _ in range(3)], RMSNorm(DIM, eps=1e-5)), ids()


class MoE(nn.Module):
    """Top-2 of 5 experts; tokens are gathered and added back."""

    def __init__(self, experts=5, top=2):
        super().__init__()
        self.gate, self.top = nn.Linear(DIM, experts, bias=False), top
        self.experts = nn.ModuleList([SwiGLU() for _ in range(experts)])

    def forward(self, x):
        shape = x.shape
        x = x.reshape(-1, shape[-1])
        weights, chosen = torch.topk(F.softmax(self.gate(x), dim=-1), self.top)
        weights = weights / weights.sum(-1, keepdim=True)
        out = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            token, nth = torch.where(chosen == i)
            if token.numel() == 0:
                continue
            out.index_add_(0, token, weights[token, nth, None] * expert(x[token]))
        return out.view(shape)


@stranger("mixture of experts", {rms(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(RMSNorm, mlp=MoE()), stream()


class MoEByItem(MoE):
    """Counts with .tolist(), sorts tokens, splits."""

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        weight, chosen = self.gate(flat).softmax(-1).max(-1)
        order = chosen.argsort(stable=True)
        counts = torch.bincount(chosen, minlength=len(self.experts)).tolist()
        parts = flat[order].split(counts)
        done = torch.cat([f(p) for f, p in zip(self.experts, parts, strict=True)])
        out = torch.zeros_like(flat)
        out[order] = done
        return (out * weight[:, None]).view_as(x)


@stranger("mixture of experts, counts as numbers", {ln(): 2}, "post-norm", equations=POST)
def _():
    return PostBlock(mlp=MoEByItem()), stream()


class SubLNMLP(nn.Module):
    """A norm inside the FFN, before its last map."""

    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(DIM, HIDDEN), nn.Linear(HIDDEN, DIM)
        self.ffn_layernorm = nn.LayerNorm(HIDDEN)

    def forward(self, x):
        return self.fc2(self.ffn_layernorm(F.gelu(self.fc1(x))))


@stranger("Sub-LN in the FFN", {ln(): 2, ln(role="inner"): 1}, "pre-norm", equations=PRE)
def _():
    return PreBlock(mlp=SubLNMLP()), stream()


@stranger(
    "an embedding norm",
    {ln(): 4, ln(role="final"): 1, ln(role="embedding"): 1},
    "pre-norm",
    layers=2,
    equations=PRE,
)
def _():
    class Bloom(Stack):
        def __init__(self):
            super().__init__([PreBlock(mlp=MLP()) for _ in range(2)], nn.LayerNorm(DIM))
            self.word_embeddings_layernorm = nn.LayerNorm(DIM)

        def forward(self, tokens):
            x = self.word_embeddings_layernorm(self.embed(tokens))
            for layer in self.layers:
                x = layer(x)
            return F.linear(self.norm(x), self.embed.weight)

    return Bloom(), ids()
