"""The rows of the table in issue 21: blocks on which the first readers failed."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import DIM, HEADS, MLP, Attention, PostBlock, PreBlock, stream
from tests.strangers.stranger import (
    POST,
    PRE,
    REORDERED,
    collection,
    dyt,
    ln,
    rms,
)

STRANGERS, stranger = collection()


class OwnGain(nn.Module):
    """A module around a norm without a gain, with a gain of its own."""

    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim, elementwise_affine=False)
        self.g = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return self.norm(x) * self.g


@stranger("row: wrapped norm, post-norm", {ln(bias=False): 2}, "post-norm", equations=POST)
def _():
    return PostBlock(OwnGain), stream()


class LayerScaleBlock(PreBlock):
    def __init__(self, init=1e-4):
        super().__init__()
        self.a1 = nn.Parameter(init * torch.ones(DIM))
        self.a2 = nn.Parameter(init * torch.ones(DIM))

    def forward(self, x):
        x = x + self.a1 * self.attn(self.norm1(x))
        return x + self.a2 * self.mlp(self.norm2(x))


@stranger("row: LayerScale", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return LayerScaleBlock(), stream()


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn, self.mlp = Attention(), MLP()
        self.g1 = nn.Parameter(torch.ones(DIM))
        self.b1 = nn.Parameter(torch.zeros(DIM))
        self.g2 = nn.Parameter(torch.ones(DIM))

    def forward(self, x):
        x = x + self.attn(F.layer_norm(x, (DIM,), self.g1, self.b1))
        centered = x - x.mean(-1, keepdim=True)
        h = centered / torch.sqrt(centered.pow(2).mean(-1, keepdim=True) + 1e-6)
        return x + self.mlp(h * self.g2)


@stranger(
    "row: F.layer_norm and a written-out norm",
    {ln(): 1, ln(1e-6, bias=False): 1},
    "pre-norm",
    equations=PRE,
)
def _():
    return Functional(), stream()


class Float32Norm(nn.LayerNorm):
    """Run in float32 and cast back."""

    def forward(self, x):
        out = F.layer_norm(
            x.float(), self.normalized_shape, self.weight.float(), self.bias.float(), self.eps
        )
        return out.to(x.dtype)


@stranger("row: float32 norm in a bf16 block", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(Float32Norm).bfloat16(), stream().bfloat16()


@stranger("row: float32 norm, weights in float32", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(Float32Norm), stream()


class DyT(nn.Module):
    def __init__(self, dim, alpha=0.5):
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1) * alpha)
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return self.weight * torch.tanh(self.alpha * x) + self.bias


@stranger("row: DyT", {dyt(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(DyT), stream()


class AnnotatedLayerNorm(nn.Module):
    """The Annotated Transformer's: unbiased std, ε outside."""

    def __init__(self, features, eps=1e-6):
        super().__init__()
        self.a_2 = nn.Parameter(torch.ones(features))
        self.b_2 = nn.Parameter(torch.zeros(features))
        self.eps = eps

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        std = x.std(-1, keepdim=True)
        return self.a_2 * (x - mean) / (std + self.eps) + self.b_2


@stranger(
    "row: unbiased std, ε outside",
    {ln(1e-6, place="outside"): 2},
    "pre-norm",
    {"unbiased-std", "eps-outside"},
    equations=PRE,
)
def _():
    return PreBlock(AnnotatedLayerNorm), stream()


class Rolled(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn, self.mlp = Attention(), MLP()
        self.n1, self.n2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)

    def forward(self, x):
        x = x + self.n1(torch.roll(self.attn(x), 1, 1))
        return x + self.n2(torch.roll(self.mlp(x), 1, 1))


@stranger("row: norm of a rolled branch", {ln(): 2}, "reordered-norm", equations=REORDERED)
def _():
    return Rolled(), stream()


class GainTwice(PreBlock):
    def forward(self, x):
        x = x + self.attn(self.norm1(x) * self.norm1.weight)
        return x + self.mlp(self.norm2(x) * self.norm2.weight)


# With a bias the second gain scales it too; how the report writes that is left open.
@stranger("row: gain twice", {ln(bias=(True, False)): 2}, "pre-norm", "gain-twice", equations=PRE)
def _():
    return GainTwice(), stream()


class HeadNorm(nn.Module):
    """RMSNorm with a gain for each head."""

    def __init__(self, heads, width, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(heads, 1, width))

    def forward(self, x):  # (B, heads, T, width)
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


class HeadNormAttention(Attention):
    def __init__(self, heads=HEADS):
        super().__init__(heads=heads)
        self.q_norm = HeadNorm(heads, DIM // heads)
        self.k_norm = HeadNorm(heads, DIM // heads)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).unbind(2)
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        out = F.scaled_dot_product_attention(self.q_norm(q), self.k_norm(k), v)
        return self.proj(out.transpose(1, 2).flatten(2))


for heads in (2, 8):

    @stranger(
        f"row: gain per head, {heads} heads",
        {ln(): 2, rms(role="inner"): 2},
        "pre-norm",
        equations=PRE,
    )
    def _(heads=heads):
        return PreBlock(attention=HeadNormAttention(heads)), stream()
