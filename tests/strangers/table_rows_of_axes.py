"""The other rows of that table: norms over other axes, BatchNorm, AdaLN, Swin v2."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import DIM, HEADS, MLP, TOKENS, Attention, PreBlock, stream
from tests.strangers.stranger import (
    COSINE,
    PRE,
    REORDERED,
    Norm,
    bn,
    collection,
    gn,
    ln,
)

STRANGERS, stranger = collection()


class OverAxes(nn.Module):
    """Written out, over any axes of (B, T, D)."""

    def __init__(self, axes):
        super().__init__()
        self.axes = axes

    def forward(self, x):
        centered = x - x.mean(self.axes, keepdim=True)
        return centered * torch.rsqrt(centered.square().mean(self.axes, keepdim=True) + 1e-5)


# Over several axes, or over the batch, it is no LayerNorm of a token; "other" is right as well.
_WIDE = Norm(("LayerNorm", "BatchNorm", "other"), 1e-5, "none", False)
for axes, title in (((1, 2), "over (T, D)"), ((0,), "over the batch"), ((1,), "over time")):

    @stranger(
        f"row: norm {title}",
        {_WIDE: 2},
        "pre-norm",
        "wrong-axes|shape-follows-length" if axes == (1, 2) else "wrong-axes",
        {"wrong-axes", "shape-follows-length"},
        equations=PRE,
        may_refuse=True,
    )
    def _(axes=axes):
        return PreBlock(lambda dim: OverAxes(axes)), stream()


@stranger(
    "row: LayerNorm of shape (T, D)",
    {ln(): 2},
    "pre-norm",
    "shape-follows-length|wrong-axes",
    {"shape-follows-length", "wrong-axes"},
    equations=PRE,
)
def _():
    return PreBlock(lambda dim: nn.LayerNorm((TOKENS, dim))), stream()


class ChannelsFirst(nn.Module):
    """A norm for (B, D, T) in a block for (B, T, D)."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def forward(self, x):
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


# It is meant: a BatchNorm is named, and what it does to tokens may be said.
@stranger("row: BatchNorm", {bn(role="stream"): 2}, "pre-norm", (), "wrong-axes", equations=PRE)
def _():
    return PreBlock(lambda dim: ChannelsFirst(nn.BatchNorm1d(dim))), stream()


@stranger("row: GroupNorm", {gn(role="stream"): 2}, "pre-norm", (), "wrong-axes", equations=PRE)
def _():
    return PreBlock(lambda dim: ChannelsFirst(nn.GroupNorm(4, dim))), stream()


class AdaBlock(nn.Module):
    """AdaLN: shift and scale of the norm come from a condition."""

    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(DIM, elementwise_affine=False, eps=1e-6)
        self.norm2 = nn.LayerNorm(DIM, elementwise_affine=False, eps=1e-6)
        self.attn, self.mlp = Attention(), MLP()
        self.ada = nn.Linear(12, 4 * DIM)

    def forward(self, x, c):
        shift1, scale1, shift2, scale2 = self.ada(F.silu(c)).unsqueeze(1).chunk(4, dim=-1)
        x = x + self.attn(self.norm1(x) * (1 + scale1) + shift1)
        return x + self.mlp(self.norm2(x) * (1 + scale2) + shift2)


@stranger("row: AdaLN", {ln(1e-6, gain="none", bias=False): 2}, "pre-norm", equations=PRE)
def _():
    return AdaBlock(), (stream(), torch.randn(3, 12))


class SwinV2Block(nn.Module):
    """Swin v2's layer: windows, cosine attention, the norm on the branch."""

    def __init__(self, window=4):
        super().__init__()
        self.window = window
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.qkv, self.proj = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.logit_scale = nn.Parameter(torch.log(10 * torch.ones(HEADS, 1, 1)))
        self.mlp = MLP()

    def attend(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        logits = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-1, -2)
        logits = logits * self.logit_scale.clamp(max=4.6).exp()
        return self.proj((logits.softmax(-1) @ v).transpose(1, 2).flatten(2))

    def forward(self, x):
        B, T, D = x.shape
        h = torch.roll(x, -2, 1).view(B * T // self.window, self.window, D)
        h = torch.roll(self.attend(h).view(B, T, D), 2, 1)
        x = x + self.norm1(h)
        return x + self.norm2(self.mlp(x))


# F.normalize of q and k is a norm without a name: it may be listed or not.
@stranger(
    "row: Swin v2",
    {ln(): 2},
    "reordered-norm",
    equations=REORDERED,
    optional={COSINE: 2},
)
def _():
    return SwinV2Block(), stream(tokens=20)
