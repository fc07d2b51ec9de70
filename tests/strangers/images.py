"""ConvNeXt, and norms over channels or over (C, H, W)."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import DIM, HIDDEN, image
from tests.strangers.stranger import HALF_PRE, Norm, collection, ln

STRANGERS, stranger = collection()

ANY_ROLE = ("stream", "inner", "final", "embedding")
NORM_IN_BRANCH = "none|other"
"""The norm reads neither the stream nor is the branch's end: it is on no placement."""


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, norm over channels, MLP; channels last inside."""

    def __init__(self, dim=DIM, scale=1e-6):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(dim, HIDDEN), nn.Linear(HIDDEN, dim)
        self.gamma = nn.Parameter(scale * torch.ones(dim))

    def forward(self, x):
        shortcut = x
        x = self.dwconv(x).permute(0, 2, 3, 1)
        x = self.pwconv2(F.gelu(self.pwconv1(self.norm(x))))
        x = (self.gamma * x).permute(0, 3, 1, 2)
        return shortcut + x


@stranger("ConvNeXt block, channels last", {ln(1e-6, role=("inner", "stream")): 1}, NORM_IN_BRANCH)
def _():
    return ConvNeXtBlock(), image(DIM)


class ChannelNorm(nn.Module):
    """ConvNeXt's norm for (B, C, H, W), written out."""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.eps = eps

    def forward(self, x):
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        x = (x - u) / torch.sqrt(s + self.eps)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class ConvNeXtFirst(ConvNeXtBlock):
    """The same with channels first; 1×1 convolutions."""

    def __init__(self, dim=DIM):
        super().__init__(dim)
        self.norm = ChannelNorm(dim)
        self.pwconv1, self.pwconv2 = nn.Conv2d(dim, HIDDEN, 1), nn.Conv2d(HIDDEN, dim, 1)

    def forward(self, x):
        branch = self.pwconv2(F.gelu(self.pwconv1(self.norm(self.dwconv(x)))))
        return x + self.gamma[:, None, None] * branch


@stranger("ConvNeXt block, channels first", {ln(1e-6, role=("inner", "stream")): 1}, NORM_IN_BRANCH)
def _():
    return ConvNeXtFirst(), image(DIM)


class ChannelMLPBlock(nn.Module):
    """x + MLP(norm(x)) on (B, C, H, W)."""

    def __init__(self, norm):
        super().__init__()
        self.norm = norm
        self.net = nn.Sequential(nn.Conv2d(DIM, HIDDEN, 1), nn.ReLU(), nn.Conv2d(HIDDEN, DIM, 1))

    def forward(self, x):
        return x + self.net(self.norm(x))


@stranger("norm over channels, (B, C, H, W)", {ln(1e-6): 1}, "pre-norm", equations=HALF_PRE)
def _():
    return ChannelMLPBlock(ChannelNorm(DIM)), image(DIM)


class PermutedNorm(nn.LayerNorm):
    """torchvision's LayerNorm2d."""

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


@stranger("LayerNorm2d by permutation", {ln(1e-6): 1}, "pre-norm", equations=HALF_PRE)
def _():
    return ChannelMLPBlock(PermutedNorm(DIM, eps=1e-6)), image(DIM)


# A norm over (C, H, W) of an image is meant; that its shape follows the image's may be said.
@stranger(
    "LayerNorm over (C, H, W)",
    {ln(): 1},
    "pre-norm",
    (),
    {"shape-follows-length", "wrong-axes"},
    equations=HALF_PRE,
)
def _():
    return ChannelMLPBlock(nn.LayerNorm((DIM, 8, 12))), image(DIM)


# GroupNorm with one group is a LayerNorm over (C, H, W) with a gain per channel.
@stranger(
    "PoolFormer's GroupNorm(1, C)",
    {Norm(("GroupNorm", "LayerNorm"), 1e-5, "weight", True): 1},
    "pre-norm",
    equations=HALF_PRE,
)
def _():
    return ChannelMLPBlock(nn.GroupNorm(1, DIM)), image(DIM)


# Statistics of each channel over space: none of the named kinds; "GroupNorm" with C groups is
# the same function.
_INSTANCE = Norm(("other", "GroupNorm"), 1e-5, ("weight", "none"), (True, False))


@stranger("InstanceNorm", {_INSTANCE: 1}, "pre-norm", equations=HALF_PRE, may_refuse=True)
def _():
    return ChannelMLPBlock(nn.InstanceNorm2d(DIM, affine=True)), image(DIM)
