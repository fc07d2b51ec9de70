"""Norms over wrong axes, under wrong names, or with two gains; and near ones without."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import DIM, TOKENS, PreBlock, stream
from tests.strangers.stranger import HALF_PRE, PRE, Norm, collection, ln, rms

STRANGERS, stranger = collection()


class OverTime(nn.Module):
    """The axis that it takes is one to the left of the features."""

    def __init__(self, dim, axis=1):
        super().__init__()
        self.axis = axis
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(self.axis, keepdim=True) + 1e-6) * self.weight


_ANY_AXES = Norm(("RMSNorm", "other"), 1e-6)


@stranger(
    "wrong-axes: over time",
    {_ANY_AXES: 2},
    "pre-norm",
    "wrong-axes",
    equations=PRE,
    may_refuse=True,
)
def _():
    return PreBlock(OverTime), stream()


@stranger("near wrong-axes: dim=2 is the last", {rms(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(OverTime, axis=2), stream()


class TimeNorm(nn.Module):
    """LayerNorm(T) on (B, D, T): its shape is the length of the sequence."""

    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(TOKENS)

    def forward(self, x):
        return self.norm(x.transpose(1, 2)).transpose(1, 2)


# That the shape follows the length and that the axis is wrong are one mistake here.
@stranger(
    "shape-follows-length: LayerNorm(T)",
    {Norm(("LayerNorm", "other"), 1e-5, "weight", True): 2},
    "pre-norm",
    "shape-follows-length|wrong-axes",
    {"shape-follows-length", "wrong-axes"},
    equations=PRE,
    may_refuse=True,
)
def _():
    return PreBlock(TimeNorm), stream()


class SizedByInput(nn.Module):
    """F.layer_norm over x.shape[1:], without parameters."""

    def __init__(self, dim):
        super().__init__()

    def forward(self, x):
        return F.layer_norm(x, x.shape[1:])


@stranger(
    "shape-follows-length: F.layer_norm(x, x.shape[1:])",
    {ln(gain="none", bias=False): 2},
    "pre-norm",
    "shape-follows-length|wrong-axes",
    {"shape-follows-length", "wrong-axes"},
    equations=PRE,
)
def _():
    return PreBlock(SizedByInput), stream()


@stranger("near shape-follows-length: T = D", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(), stream(tokens=DIM)


class RMSNormInName(nn.Module):
    """A copy of a LayerNorm under another name."""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.weight, None, self.eps)


RMSNormInName.__name__ = RMSNormInName.__qualname__ = "RMSNorm"


@stranger(
    "name-says-rms: the class",
    {ln(1e-6, bias=False): 2},
    "pre-norm",
    "name-says-rms",
    equations=PRE,
)
def _():
    return PreBlock(RMSNormInName), stream()


class HalfBlock(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.rms_norm = norm
        self.ff = nn.Sequential(nn.Linear(DIM, 40), nn.ReLU(), nn.Linear(40, DIM))

    def forward(self, x):
        return x + self.ff(self.rms_norm(x))


@stranger(
    "name-says-rms: the attribute", {ln(): 1}, "pre-norm", "name-says-rms", equations=HALF_PRE
)
def _():
    return HalfBlock(nn.LayerNorm(DIM)), stream()


# nn.RMSNorm without eps: that of the dtype.
@stranger("near name-says-rms", {rms((1.19e-7, None)): 1}, "pre-norm", (), "eps-unusual")
def _():
    return HalfBlock(nn.RMSNorm(DIM)), stream()


class TwiceGained(nn.Module):
    """The gain is in the norm, and again behind it."""

    def __init__(self, dim):
        super().__init__()
        self.norm = nn.RMSNorm(dim, eps=1e-6)

    def forward(self, x):
        return self.norm(x) * self.norm.weight


@stranger("gain-twice: in a module", {rms(1e-6): 2}, "pre-norm", "gain-twice", equations=PRE)
def _():
    return PreBlock(TwiceGained), stream()


class OnceGained(nn.Module):
    """The norm has no gain; the product is the only one."""

    def __init__(self, dim):
        super().__init__()
        self.norm = nn.RMSNorm(dim, eps=1e-6, elementwise_affine=False)
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return self.norm(x) * self.weight


@stranger("near gain-twice: once", {rms(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(OnceGained), stream()
