"""Swin v1: windows, stages, patch merging."""

import torch
from torch import nn

from tests.strangers.parts import DIM, MLP, Attention
from tests.strangers.stranger import PRE, collection, ln
from tests.strangers.vision import ANY_ROLE

STRANGERS, stranger = collection()


def window_partition(x, size):
    B, H, W, C = x.shape
    x = x.view(B, H // size, size, W // size, size, C)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, size * size, C)


def window_reverse(windows, size, H, W):
    B = windows.shape[0] // (H * W // size // size)
    x = windows.view(B, H // size, W // size, size, size, -1)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(B, H, W, -1)


class SwinBlock(nn.Module):
    """Swin v1: the norm is before the windows are cut; the map is (B, H·W, C)."""

    def __init__(self, resolution=(8, 12), shift=2, dim=DIM):
        super().__init__()
        self.resolution, self.shift = resolution, shift
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn, self.mlp = Attention(dim), MLP(dim)

    def forward(self, x):
        H, W = self.resolution
        B, _, C = x.shape
        shortcut = x
        x = self.norm1(x).view(B, H, W, C)
        x = torch.roll(x, shifts=(-self.shift, -self.shift), dims=(1, 2))
        windows = self.attn(window_partition(x, 4))
        x = window_reverse(windows, 4, H, W)
        x = torch.roll(x, shifts=(self.shift, self.shift), dims=(1, 2))
        x = shortcut + x.view(B, H * W, C)
        return x + self.mlp(self.norm2(x))


@stranger("Swin v1 block", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return SwinBlock(), torch.randn(2, 96, DIM)


class PatchMerging(nn.Module):
    def __init__(self, resolution, dim):
        super().__init__()
        self.resolution = resolution
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(4 * dim)

    def forward(self, x):
        H, W = self.resolution
        x = x.view(x.shape[0], H, W, -1)
        parts = [x[:, i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
        return self.reduction(self.norm(torch.cat(parts, -1).flatten(1, 2)))


class Swin(nn.Module):
    """Two stages of widths 16 and 32."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, DIM, 2, 2)
        self.patch_norm = nn.LayerNorm(DIM)
        self.stage1 = nn.ModuleList([SwinBlock((8, 12), s) for s in (0, 2)])
        self.merge = PatchMerging((8, 12), DIM)
        self.stage2 = nn.ModuleList([SwinBlock((4, 6), s, 2 * DIM) for s in (0, 2)])
        self.stage2[0].resolution = self.stage2[1].resolution = (4, 8)
        self.norm = nn.LayerNorm(2 * DIM)
        self.head = nn.Linear(2 * DIM, 5)

    def forward(self, x):
        x = self.patch_norm(self.patch(x).flatten(2).transpose(1, 2))
        for block in self.stage1:
            x = block(x)
        x = self.merge(x)
        for block in self.stage2:
            x = block(x)
        return self.head(self.norm(x).mean(1))


# The norm of the merging is between the stages; no role of the four is wrong.
@stranger(
    "Swin",
    {
        ln(): 8,
        ln(role="embedding"): 1,
        ln(role=ANY_ROLE): 1,
        ln(role="final"): 1,
    },
    "pre-norm",
    layers=4,
)
def _():
    model = Swin()
    model.stage1[0].resolution = model.stage1[1].resolution = (8, 16)
    model.merge.resolution = (8, 16)
    return model, torch.randn(2, 3, 16, 32)
