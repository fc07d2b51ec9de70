"""Norms in every form, clean."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    PostBlock,
    PreBlock,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import POST, PRE, collection, dyt, ln, rms
from tests.strangers.table_rows import DyT

STRANGERS, stranger = collection()


class FunctionNorm(torch.autograd.Function):
    """LayerNorm with a backward pass by hand."""

    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        mu = x.mean(-1, keepdim=True)
        var = (x - mu).pow(2).mean(-1, keepdim=True)
        y = (x - mu) / (var + eps).sqrt()
        ctx.eps = eps
        ctx.save_for_backward(y, var, weight)
        return weight * y + bias

    @staticmethod
    def backward(ctx, grad_output):
        y, var, weight = ctx.saved_tensors
        g = grad_output * weight
        mean_gy = (g * y).mean(-1, keepdim=True)
        gx = (g - y * mean_gy - g.mean(-1, keepdim=True)) / (var + ctx.eps).sqrt()
        return gx, (grad_output * y).flatten(0, -2).sum(0), grad_output.flatten(0, -2).sum(0), None


class AutogradNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.eps = eps

    def forward(self, x):
        return FunctionNorm.apply(x, self.weight, self.bias, self.eps)


@stranger("autograd.Function", {ln(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(AutogradNorm), stream()


@stranger("autograd.Function, post-norm", {ln(1e-6): 2}, "post-norm", equations=POST)
def _():
    return PostBlock(AutogradNorm), stream()


class VarMeanNorm(AutogradNorm):
    """torch.var_mean, rsqrt, addcmul."""

    def forward(self, x):
        var, mean = torch.var_mean(x, dim=-1, keepdim=True, correction=0)
        return torch.addcmul(self.bias, (x - mean) * torch.rsqrt(var + self.eps), self.weight)


@stranger("var_mean and addcmul", {ln(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(VarMeanNorm), stream()


class MomentNorm(AutogradNorm):
    """E[x²] − E[x]²."""

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        var = (x * x).mean(-1, keepdim=True) - mean * mean
        return (x - mean) * (var + self.eps) ** -0.5 * self.weight + self.bias


@stranger("E[x²] − E[x]²", {ln(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(MomentNorm), stream()


class SumNorm(nn.Module):
    """RMSNorm with a sum, a division and a power of −1/2."""

    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps, self.dim = eps, dim
        self.g = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        ms = torch.sum(x * x, dim=-1, keepdim=True) / self.dim
        return x * torch.pow(ms + self.eps, -0.5) * self.g


@stranger("RMSNorm as a sum", {rms(1e-5): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(SumNorm), stream()


class EinsumNorm(SumNorm):
    def forward(self, x):
        ms = torch.einsum("btd,btd->bt", x, x)[..., None] / self.dim
        return torch.einsum("btd,d->btd", x / torch.sqrt(ms + self.eps), self.g)


@stranger("RMSNorm by einsum", {rms(1e-5): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(EinsumNorm), stream()


class ScaleNorm(nn.Module):
    """lucidrains' RMSNorm: F.normalize times √D; its ε is a clamp of the length."""

    def __init__(self, dim):
        super().__init__()
        self.scale = dim**0.5
        self.g = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return F.normalize(x, dim=-1) * self.scale * self.g


# max(‖x‖, 1e-12) is neither inside nor outside: ε and its place are not looked at. What it says
# about ε may be said.
_CLAMPED = rms(None)


@stranger(
    "RMSNorm by F.normalize",
    {_CLAMPED: 2},
    "pre-norm",
    (),
    {"eps-missing", "eps-outside", "eps-unusual"},
    equations=PRE,
)
def _():
    return PreBlock(ScaleNorm), stream()


class OnePlus(nn.Module):
    """F.rms_norm with 1 + weight."""

    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], 1 + self.weight, eps=1e-6)


@stranger("F.rms_norm, 1 + weight", {rms(gain="1 + weight"): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(OnePlus), stream()


@stranger("nn.RMSNorm", {rms(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(nn.RMSNorm, eps=1e-6), stream()


@stranger("LayerNorm without parameters", {ln(gain="none", bias=False): 2}, "pre-norm")
def _():
    return PreBlock(elementwise_affine=False), stream()


@stranger("LayerNorm in float64", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock().double(), stream().double()


class DoubleInside(nn.Module):
    """Only the norm is in float64."""

    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim).double()

    def forward(self, x):
        return self.norm(x.double()).to(x.dtype)


@stranger("a norm in float64 in a float32 block", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return PreBlock(DoubleInside), stream()


@torch.library.custom_op("strangers::layer_norm", mutates_args=())
def fused_layer_norm(x: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
    mean = x.mean(-1, keepdim=True)
    return (x - mean) / ((x - mean).square().mean(-1, keepdim=True) + eps).sqrt() * weight


fused_layer_norm.register_fake(lambda x, weight, eps: torch.empty_like(x))


class FusedNorm(nn.Module):
    """One operator that nobody knows, which runs on the CPU."""

    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return torch.ops.strangers.layer_norm(x, self.weight, 1e-5)


@stranger(
    "a fused norm of one's own", {ln(bias=False): 2}, "pre-norm", equations=PRE, may_refuse=True
)
def _():
    return PreBlock(FusedNorm), stream()


@torch.library.custom_op("strangers::cuda_norm", mutates_args=(), device_types="cuda")
def cuda_norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x * weight


class CudaNorm(FusedNorm):
    def forward(self, x):
        return torch.ops.strangers.cuda_norm(x, self.weight)


# It does not run here, and the refusal should name the operator.
@stranger("a fused norm for CUDA alone", refused=True)
def _():
    return PreBlock(CudaNorm), stream()


@stranger("DyT, post-norm", {dyt(): 2}, "post-norm", equations=POST)
def _():
    return PostBlock(DyT), stream()


@stranger("DyT model", {dyt(): 4, dyt("final"): 1}, "pre-norm", layers=2, equations=PRE)
def _():
    return Stack([PreBlock(DyT) for _ in range(2)], DyT(DIM)), ids()
