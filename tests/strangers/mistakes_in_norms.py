"""Norms whose ε, variance or dtype is a mistake, and near ones without it."""

import torch
from torch import nn

from tests.strangers.parts import PreBlock, RMSNorm, stream
from tests.strangers.stranger import PRE, collection, ln, rms

STRANGERS, stranger = collection()


class SqrtPlusEps(nn.Module):
    """x / (rms + ε)."""

    def __init__(self, dim, eps=1e-8):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        root = x.norm(2, dim=-1, keepdim=True) * x.shape[-1] ** -0.5
        return x / (root + self.eps) * self.scale


@stranger(
    "eps-outside: RMSNorm of the first paper",
    {rms(1e-8, place="outside"): 2},
    "pre-norm",
    "eps-outside",
    "eps-unusual",
    equations=PRE,
)
def _():
    return PreBlock(SqrtPlusEps), stream()


class RootOfSum(nn.Module):
    """The same with ε inside."""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        root = (x.norm(2, dim=-1, keepdim=True).pow(2) / x.shape[-1] + self.eps).sqrt()
        return x / root * self.scale


@stranger("near eps-outside: ε inside", {rms(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(RootOfSum), stream()


class StdNorm(nn.Module):
    """(x − mean)/std, in all ways to write the denominator."""

    def __init__(self, dim, unbiased, outside, eps=1e-5):
        super().__init__()
        self.unbiased, self.outside, self.eps = unbiased, outside, eps
        self.gamma = nn.Parameter(torch.ones(dim))
        self.beta = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        if self.outside:
            root = x.std(dim=-1, keepdim=True, unbiased=self.unbiased) + self.eps
        else:
            root = torch.sqrt(x.var(dim=-1, keepdim=True, unbiased=self.unbiased) + self.eps)
        return self.gamma * ((x - mean) / root) + self.beta


for unbiased, outside, codes in (
    (True, False, {"unbiased-std"}),
    (False, True, {"eps-outside"}),
    (True, True, {"unbiased-std", "eps-outside"}),
    (False, False, set()),
):

    @stranger(
        f"std: {'unbiased' if unbiased else 'biased'}, ε {'outside' if outside else 'inside'}",
        {ln(place="outside" if outside else "inside"): 2},
        "pre-norm",
        codes,
        equations=PRE,
    )
    def _(unbiased=unbiased, outside=outside):
        return PreBlock(StdNorm, unbiased=unbiased, outside=outside), stream()


class MaxNorm(nn.Module):
    """No ε is added; the root is kept away from zero by nothing."""

    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * x.square().mean(-1, keepdim=True).rsqrt() * self.weight


@stranger(
    "eps-missing",
    {rms(0.0, place=("inside", "outside", None)): 2},
    "pre-norm",
    "eps-missing",
    "eps-unusual",
    equations=PRE,
)
def _():
    return PreBlock(MaxNorm), stream()


class ZeroEps(nn.LayerNorm):
    def __init__(self, dim):
        super().__init__(dim, eps=0.0)


@stranger(
    "eps-missing: eps=0",
    {ln(0.0, place=("inside", "outside", None)): 2},
    "pre-norm",
    "eps-missing",
    "eps-unusual",
    equations=PRE,
)
def _():
    return PreBlock(ZeroEps), stream()


@stranger("near eps-missing: BERT's 1e-12", {ln(1e-12): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(eps=1e-12), stream()


@stranger("eps-unusual: 0.1", {rms(0.1): 2}, "pre-norm", "eps-unusual", equations=PRE)
def _():
    return PreBlock(RMSNorm, eps=0.1), stream()


@stranger("eps-unusual: 1.0", {ln(1.0): 2}, "pre-norm", "eps-unusual", equations=PRE)
def _():
    return PreBlock(eps=1.0), stream()


@stranger("near eps-unusual: 1e-5", {rms(1e-5): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(RMSNorm, eps=1e-5), stream()


class CarelessRMSNorm(nn.Module):
    """Whatever dtype comes in is what the statistics are in."""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        variance = x.pow(2).mean(-1, keepdim=True)
        return self.weight * x * torch.rsqrt(variance + self.eps)


for dtype in (torch.bfloat16, torch.float16):

    @stranger(
        f"half-precision-statistics: {dtype}",
        {rms(1e-6): 2},
        "pre-norm",
        "half-precision-statistics",
        equations=PRE,
    )
    def _(dtype=dtype):
        return PreBlock(CarelessRMSNorm).to(dtype), stream().to(dtype)


@stranger("near half-precision-statistics: float32", {rms(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(CarelessRMSNorm), stream()


@stranger("near half-precision-statistics: cast", {rms(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(RMSNorm).bfloat16(), stream().bfloat16()


# nn.LayerNorm takes its statistics in float32, whatever comes in.
@stranger("near half-precision-statistics: fused", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock().bfloat16(), stream().bfloat16()
