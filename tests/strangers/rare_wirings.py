"""Layers without norms, or with norms in odd places."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    HIDDEN,
    MLP,
    Attention,
    RMSNorm,
    Stack,
    SwiGLU,
    ids,
    stream,
)
from tests.strangers.stranger import collection, ln, rms

STRANGERS, stranger = collection()

PLAIN_SUM = ("f1 = f(x)", "f2 = f(x + f1)", "y = x + f1 + f2")


class ReZeroBlock(nn.Module):
    """x + a·f(x), a = 0 at the start, one for both."""

    def __init__(self, start=0.0):
        super().__init__()
        self.resweight = nn.Parameter(torch.tensor([start]))
        self.attn, self.mlp = Attention(), MLP()

    def forward(self, src):
        src = src + self.resweight * self.attn(src)
        return src + self.mlp(src) * self.resweight


@stranger("ReZero block", {}, "none", equations=PLAIN_SUM)
def _():
    return ReZeroBlock(), stream()


@stranger("ReZero", {}, "none", layers=4, equations=PLAIN_SUM)
def _():
    return Stack([ReZeroBlock() for _ in range(4)]), ids()


class SkipInit(ReZeroBlock):
    """A scalar for each branch, a number and not a vector of one."""

    def __init__(self):
        super().__init__()
        self.a = nn.ParameterList([nn.Parameter(torch.tensor(0.0)) for _ in range(2)])

    def forward(self, x):
        x = x + self.a[0] * self.attn(x)
        return torch.addcmul(x, self.a[1], self.mlp(x))


@stranger("SkipInit block", {}, "none", equations=PLAIN_SUM)
def _():
    return SkipInit(), stream()


class FixupBlock(nn.Module):
    """Biases and a scale around each map, no norm."""

    def __init__(self):
        super().__init__()
        self.b = nn.Parameter(torch.zeros(4))
        self.scale = nn.Parameter(torch.ones(1))
        self.fc1, self.fc2 = nn.Linear(DIM, HIDDEN), nn.Linear(HIDDEN, DIM)
        nn.init.zeros_(self.fc2.weight)

    def forward(self, x):
        h = F.relu(self.fc1(x + self.b[0]) + self.b[1])
        return x + self.scale * self.fc2(h + self.b[2]) + self.b[3]


# The last bias makes it x + f1 + a constant; how that is written is left open.
@stranger("Fixup block", {}, "none")
def _():
    return FixupBlock(), stream()


@stranger("residual without any norm", {}, "none", equations=PLAIN_SUM)
def _():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn, self.mlp = Attention(), MLP()

        def forward(self, x):
            x = x + self.attn(x)
            return x + self.mlp(x)

    return Plain(), stream()


class NormFormerBlock(nn.Module):
    """A norm after attention, and one inside the FFN."""

    def __init__(self):
        super().__init__()
        self.pre_attn, self.post_attn = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.pre_ffn, self.mid = nn.LayerNorm(DIM), nn.LayerNorm(HIDDEN)
        self.attn = Attention()
        self.fc1, self.fc2 = nn.Linear(DIM, HIDDEN), nn.Linear(HIDDEN, DIM)
        self.res_scale = nn.Parameter(torch.ones(DIM))

    def forward(self, x):
        x = x + self.post_attn(self.attn(self.pre_attn(x)))
        h = self.mid(F.gelu(self.fc1(self.pre_ffn(x))))
        return self.res_scale * x + self.fc2(h)


class NormFormerPlain(NormFormerBlock):
    def forward(self, x):
        x = x + self.post_attn(self.attn(self.pre_attn(x)))
        return x + self.fc2(self.mid(F.gelu(self.fc1(self.pre_ffn(x)))))


# Attention is peri, the FFN is pre: the whole is "other", or named after either.
@stranger("NormFormer block", {ln(): 3, ln(role="inner"): 1}, "other|peri-norm|pre-norm|sandwich")
def _():
    return NormFormerPlain(), stream()


# A vector scales the residual (ResScale): what stands on the stream is no longer x itself.
@stranger(
    "NormFormer block with ResScale",
    {ln(): 3, ln(role="inner"): 1},
    "other|peri-norm|pre-norm|sandwich",
    may_refuse=True,
)
def _():
    return NormFormerBlock(), stream()


class HybridNormBlock(nn.Module):
    """HybridNorm: norms on q, k and v inside attention; post-norm for the FFN."""

    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.qn, self.kn, self.vn = (RMSNorm(DIM // HEADS) for _ in range(3))
        self.ffn_norm, self.ffn = RMSNorm(DIM), SwiGLU()
        self.out_norm = RMSNorm(DIM)

    def attend(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).unbind(2)
        q, k, v = self.qn(q), self.kn(k), self.vn(v)
        out = F.scaled_dot_product_attention(*(t.transpose(1, 2) for t in (q, k, v)))
        return self.proj(out.transpose(1, 2).flatten(2))

    def forward(self, x):
        h = self.ffn_norm(x + self.attend(x))
        return self.out_norm(h + self.ffn(h))


class HybridOneNorm(HybridNormBlock):
    """The paper's: y = norm(h + f(h)) with h = x + attention(x)."""

    def __init__(self):
        super().__init__()
        del self.out_norm

    def forward(self, x):
        h = x + self.attend(x)
        h = self.ffn_norm(h)
        return h + self.ffn(h)


@stranger("post-norm with QKV-norm", {rms(): 2, rms(role="inner"): 3}, "post-norm")
def _():
    return HybridNormBlock(), stream()


# The residual of the FFN is the normed one, which the paper means; a warning may stand.
@stranger(
    "HybridNorm block",
    {rms(): 1, rms(role="inner"): 3},
    "other|post-norm",
    (),
    "normed-residual",
)
def _():
    return HybridOneNorm(), stream()
