"""Clean models with something in them that looks like a norm, a layer or a mistake, and is none."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations

from tests.strangers.parts import (
    DIM,
    HIDDEN,
    MLP,
    VOCAB,
    PostBlock,
    PreBlock,
    RMSNorm,
    ids,
    stream,
)
from tests.strangers.stranger import HALF_PRE, POST, PRE, Norm, collection, ln, rms

STRANGERS, stranger = collection()

FINAL = {ln(role="final"): 1}
ANY_ROLE = ("stream", "inner", "final", "embedding")


class WeightNormMLP(nn.Module):
    """The norms of weights are no norms of the stream."""

    def __init__(self):
        super().__init__()
        self.fc1 = parametrizations.weight_norm(nn.Linear(DIM, HIDDEN))
        self.fc2 = parametrizations.spectral_norm(nn.Linear(HIDDEN, DIM))

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


@stranger("weight norm and spectral norm", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(mlp=WeightNormMLP()), stream()


class StandardizedConv(nn.Conv1d):
    """The weight is standardized in the forward, as in BiT."""

    def forward(self, x):
        w = self.weight
        w = w - w.mean(dim=(1, 2), keepdim=True)
        w = w / (w.std(dim=(1, 2), keepdim=True) + 1e-5)
        return F.conv1d(x, w, self.bias, padding=self.padding)


class ConvBranch(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(DIM)
        self.conv = StandardizedConv(DIM, DIM, 3, padding=1)

    def forward(self, x):
        return x + self.conv(self.norm(x).transpose(1, 2)).transpose(1, 2)


@stranger("standardized weights", {ln(): 1}, "pre-norm", equations=HALF_PRE)
def _():
    return ConvBranch(), stream()


class ContrastiveEncoder(nn.Module):
    """CLIP's head: pooled, projected, of length one."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        self.blocks = nn.ModuleList([PreBlock() for _ in range(2)])
        self.ln_final = nn.LayerNorm(DIM)
        self.text_projection = nn.Parameter(torch.randn(DIM, 12) * DIM**-0.5)

    def forward(self, text):
        x = self.embed(text)
        for block in self.blocks:
            x = block(x)
        x = self.ln_final(x)
        x = x[torch.arange(x.shape[0]), text.argmax(dim=-1)] @ self.text_projection
        return x / x.norm(dim=-1, keepdim=True)


_UNIT = Norm(("RMSNorm", "other"), None, "none", False, ANY_ROLE)


# The length one of the output may be listed, and that it has no ε may be said.
@stranger(
    "an output of length one",
    {ln(): 4, **FINAL},
    "pre-norm",
    (),
    "eps-missing",
    layers=2,
    equations=PRE,
    optional={_UNIT: 1},
)
def _():
    return ContrastiveEncoder(), ids()


class Standardized(nn.Module):
    """The input is standardized with constants of the data set."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.randn(10))
        self.register_buffer("std", 1 + torch.rand(10))
        self.proj = nn.Linear(10, DIM)
        self.blocks = nn.Sequential(PostBlock(), PostBlock())
        self.head = nn.Linear(DIM, 5)

    def forward(self, x):
        x = (x - self.mean) / (self.std + 1e-6)
        return self.head(self.blocks(self.proj(x)).mean(1))


@stranger("an input standardized by constants", {ln(): 4}, "post-norm", layers=2, equations=POST)
def _():
    return Standardized(), torch.randn(3, 7, 10)


class RevINForecaster(nn.Module):
    """The series is standardized over time, and put back at the end; on purpose."""

    def __init__(self):
        super().__init__()
        self.proj, self.back = nn.Linear(5, DIM), nn.Linear(DIM, 5)
        self.block = PreBlock()
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x):  # (B, T, channels)
        mean = x.mean(1, keepdim=True).detach()
        std = torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5).detach()
        h = self.norm(self.block(self.proj((x - mean) / std)))
        return self.back(h) * std + mean


# An instance norm of the input: "other" at the embedding, or not listed.
@stranger(
    "RevIN",
    {ln(): 2, **FINAL},
    "pre-norm",
    (),
    "wrong-axes",
    equations=PRE,
    optional={Norm(("other", "LayerNorm"), None, "none", False, ANY_ROLE): 1},
)
def _():
    return RevINForecaster(), torch.randn(3, 7, 5)


class LinearAttention(nn.Module):
    """Divided by a sum: that is no norm."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        q, k = F.elu(q) + 1, F.elu(k) + 1
        top = torch.einsum("btd,bde->bte", q, torch.einsum("btd,bte->bde", k, v))
        return self.out(top / (torch.einsum("btd,bd->bt", q, k.sum(1)) + 1e-6)[..., None])


@stranger("linear attention", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(attention=LinearAttention()), stream()


class TanhMLP(MLP):
    """A tanh between maps is an activation and no DyT."""

    def forward(self, x):
        return self.fc2(torch.tanh(0.8 * self.fc1(x)))


@stranger("tanh in the FFN", {rms(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(RMSNorm, mlp=TanhMLP()), stream()
