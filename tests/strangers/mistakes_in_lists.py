"""Norms shared or forgotten by lists, and norms by hand: the mistakes in their other forms."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.mistakes_once_more import FINAL
from tests.strangers.parts import (
    DIM,
    MLP,
    TOKENS,
    VOCAB,
    Attention,
    PreBlock,
    RMSNorm,
    Stack,
    ids,
    image,
    stream,
)
from tests.strangers.stranger import HALF_PRE, PRE, Norm, collection, ln, rms

STRANGERS, stranger = collection()


class NormList(nn.Module):
    """A list of norms, by `* n` or by a comprehension."""

    def __init__(self, norms, depth=2):
        super().__init__()
        self.norms = nn.ModuleList(norms)
        self.subs = nn.ModuleList([f() for _ in range(depth) for f in (Attention, MLP)])

    def forward(self, x):
        for sub, norm in zip(self.subs, self.norms, strict=False):
            x = x + sub(norm(x))
        return x


# Without blocks: the layers are two or four. There is no final norm, and that may be said.
@stranger(
    "shared-norm: [norm] * n",
    {ln(): 1},
    "pre-norm",
    "shared-norm",
    "no-final-norm",
    layers=(1, 2, 4),
    optional={ln(): 3},
)
def _():
    return NormList([nn.LayerNorm(DIM)] * 4), stream()


@stranger(
    "near shared-norm: a comprehension",
    {ln(): 4},
    "pre-norm",
    (),
    "no-final-norm",
    layers=(1, 2, 4),
)
def _():
    return NormList([nn.LayerNorm(DIM) for _ in range(4)]), stream()


# zip stops at the shorter list.
@stranger(
    "norm-never-called: one norm too many",
    {ln(): 4},
    "pre-norm",
    "norm-never-called",
    "no-final-norm",
    layers=(1, 2, 4),
)
def _():
    return NormList([nn.LayerNorm(DIM) for _ in range(5)]), stream()


class Given(PreBlock):
    """The norms are given, so that all layers may have got the same."""

    def __init__(self, norm1, norm2):
        super().__init__()
        self.norm1, self.norm2 = norm1, norm2


@stranger(
    "shared-norm: one for all layers",
    {ln(): 1, **FINAL},
    "pre-norm",
    "shared-norm",
    layers=3,
    equations=PRE,
    optional={ln(): 5},
)
def _():
    norm = nn.LayerNorm(DIM)
    return Stack([Given(norm, norm) for _ in range(3)], nn.LayerNorm(DIM)), ids()


class HeadWithNorm(nn.Module):
    """The final norm is in the head, behind the pooling."""

    def __init__(self, blocks):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Sequential(nn.LayerNorm(DIM), nn.Linear(DIM, 5))

    def forward(self, tokens):
        return self.classifier(self.blocks(self.embed(tokens)).mean(dim=1))


@stranger(
    "near no-final-norm: in the head", {ln(): 4, **FINAL}, "pre-norm", layers=2, equations=PRE
)
def _():
    return HeadWithNorm([PreBlock(), PreBlock()]), ids()


class HandNorm(nn.Module):
    """LayerNorm by hand, in float32 or in what comes in."""

    def __init__(self, dim, cast):
        super().__init__()
        self.cast = cast
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        h = x.float() if self.cast else x
        h = (h - h.mean(-1, keepdim=True)) * torch.rsqrt(
            h.var(-1, keepdim=True, unbiased=False) + 1e-5
        )
        return h.to(x.dtype) * self.weight + self.bias


for cast in (False, True):

    @stranger(
        f"{'near ' if cast else ''}half-precision-statistics: LayerNorm by hand",
        {ln(): 2},
        "pre-norm",
        () if cast else "half-precision-statistics",
        equations=PRE,
    )
    def _(cast=cast):
        return PreBlock(HandNorm, cast=cast).bfloat16(), stream().bfloat16()


class Bare(nn.Module):
    """(x − mean)/std, and nothing else."""

    def __init__(self, dim):
        super().__init__()

    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, unbiased=False)


@stranger(
    "eps-missing: (x − mean)/std",
    {ln(0.0, "none", False, place=("inside", "outside", None)): 2},
    "pre-norm",
    "eps-missing",
    "eps-unusual",
    equations=PRE,
)
def _():
    return PreBlock(Bare), stream()


class ImageMLP(nn.Module):
    """x + f(norm(x)) on (B, C, H, W)."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm
        self.net = nn.Sequential(nn.Conv2d(DIM, 40, 1), nn.ReLU(), nn.Conv2d(40, DIM, 1))

    def forward(self, x):
        return x + self.net(self.norm(x))


_ODD = Norm(("LayerNorm", "other"), 1e-5, "weight", True)


# The last axis of (B, C, H, W) is the width.
@stranger(
    "wrong-axes: LayerNorm(W) on an image",
    {_ODD: 1},
    "pre-norm",
    "wrong-axes|shape-follows-length",
    {"wrong-axes", "shape-follows-length"},
    equations=HALF_PRE,
    may_refuse=True,
)
def _():
    return ImageMLP(nn.LayerNorm(12)), image(DIM)


# BatchNorm1d takes axis 1 for the channels, which is time here.
@stranger(
    "wrong-axes: BatchNorm1d(T)",
    {Norm(("BatchNorm", "other"), 1e-5, "weight", True): 2},
    "pre-norm",
    "wrong-axes|shape-follows-length",
    {"wrong-axes", "shape-follows-length"},
    equations=PRE,
    may_refuse=True,
)
def _():
    return PreBlock(lambda dim: nn.BatchNorm1d(TOKENS)), stream()


class TwiceByHand(nn.Module):
    """F.layer_norm has the gain, and the return line has it once more."""

    def __init__(self, dim, twice):
        super().__init__()
        self.twice = twice
        self.gamma = nn.Parameter(torch.ones(dim))
        self.beta = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        gain = self.gamma if self.twice else None
        return F.layer_norm(x, x.shape[-1:], gain) * self.gamma + self.beta


for twice in (True, False):

    @stranger(
        f"{'' if twice else 'near '}gain-twice: F.layer_norm",
        {ln(): 2},
        "pre-norm",
        "gain-twice" if twice else (),
        equations=PRE,
    )
    def _(twice=twice):
        return PreBlock(TwiceByHand, twice=twice), stream()


class ResidualFromNorm(nn.Module):
    """The name `x` is used again, so that the residual is the normed one."""

    def __init__(self, mistake):
        super().__init__()
        self.mistake = mistake
        self.layer_norm = RMSNorm(DIM)
        self.ffn = MLP()

    def forward(self, hidden):
        residual = hidden
        hidden = self.layer_norm(hidden)
        if self.mistake:
            residual = hidden
        return residual + self.ffn(hidden)


for mistake in (True, False):

    @stranger(
        f"{'' if mistake else 'near '}normed-residual: one sub-layer",
        {rms(): 1},
        "other|post-norm" if mistake else "pre-norm",
        "normed-residual" if mistake else (),
        equations=("n1 = norm(x)", "f1 = f(n1)", "y = n1 + f1") if mistake else HALF_PRE,
    )
    def _(mistake=mistake):
        return ResidualFromNorm(mistake), stream()
