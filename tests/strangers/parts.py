"""Sub-layers that many strangers share. All axes have sizes of their own."""

import torch
import torch.nn.functional as F
from torch import nn

BATCH, TOKENS, DIM, HEADS, HIDDEN, VOCAB = 3, 7, 16, 2, 40, 31


def stream(dim=DIM, tokens=TOKENS):
    return torch.randn(BATCH, tokens, dim)


def ids():
    return torch.randint(0, VOCAB, (BATCH, TOKENS))


def image(channels=3, size=8):
    return torch.randn(2, channels, size, size + 4)


class Attention(nn.Module):
    """Self-attention with several heads."""

    def __init__(self, dim=DIM, heads=HEADS, causal=False, bias=True):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv = nn.Linear(dim, 3 * dim, bias=bias)
        self.proj = nn.Linear(dim, dim, bias=bias)

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (t.view(B, T, self.heads, -1).transpose(1, 2) for t in (q, k, v))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.proj(out.transpose(1, 2).reshape(B, T, D))


class CrossAttention(nn.Module):
    """Queries from x, keys and values from a memory; the softmax is written out."""

    def __init__(self, dim=DIM, heads=HEADS):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim)
        self.to_kv = nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, memory):
        B, T, D = x.shape
        q = self.to_q(x).view(B, T, self.heads, -1).transpose(1, 2)
        k, v = self.to_kv(memory).chunk(2, dim=-1)
        k = k.view(B, k.shape[1], self.heads, -1).transpose(1, 2)
        v = v.view(B, v.shape[1], self.heads, -1).transpose(1, 2)
        weights = (q @ k.transpose(-1, -2) / (D // self.heads) ** 0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(B, T, D))


class MLP(nn.Module):
    def __init__(self, dim=DIM, hidden=HIDDEN):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class SwiGLU(nn.Module):
    def __init__(self, dim=DIM, hidden=HIDDEN):
        super().__init__()
        self.w1 = nn.Linear(dim, hidden, bias=False)
        self.w2 = nn.Linear(hidden, dim, bias=False)
        self.w3 = nn.Linear(dim, hidden, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class RMSNorm(nn.Module):
    """LLaMA's: statistics in float32, cast back before the gain."""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def _norm(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

    def forward(self, x):
        return self._norm(x.float()).type_as(x) * self.weight


class PreBlock(nn.Module):
    """x + f(norm(x)), twice, with any norm."""

    def __init__(self, norm=nn.LayerNorm, dim=DIM, attention=None, mlp=None, **keywords):
        super().__init__()
        self.norm1 = norm(dim, **keywords)
        self.attn = attention or Attention(dim)
        self.norm2 = norm(dim, **keywords)
        self.mlp = mlp or MLP(dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PostBlock(nn.Module):
    """norm(x + f(x)), twice, with any norm."""

    def __init__(self, norm=nn.LayerNorm, dim=DIM, attention=None, mlp=None, **keywords):
        super().__init__()
        self.attn = attention or Attention(dim)
        self.norm1 = norm(dim, **keywords)
        self.mlp = mlp or MLP(dim)
        self.norm2 = norm(dim, **keywords)

    def forward(self, x):
        x = self.norm1(x + self.attn(x))
        return self.norm2(x + self.mlp(x))


class Stack(nn.Module):
    """Tokens in, logits out: embedding, layers, a final norm if there is one, a head."""

    def __init__(self, layers, final=None, dim=DIM):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.layers = nn.ModuleList(layers)
        self.norm = final
        self.head = nn.Linear(dim, VOCAB, bias=False)

    def forward(self, tokens):
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.head(x if self.norm is None else self.norm(x))
