"""Norms that are wrong in one way each, for the tests of the audit."""

import torch
from torch import nn


class Base(nn.Module):
    """A right LayerNorm, of parts that mutants replace."""

    eps = 1e-5

    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))

    def wide(self, x):
        return x.to(torch.promote_types(x.dtype, torch.float32))

    def mean(self, x):
        return x.mean(-1, keepdim=True)

    def variance(self, x, mean):
        return (x - mean).square().mean(-1, keepdim=True)

    def root(self, variance):
        return (variance + self.eps).sqrt()

    def normalized(self, x):
        x = self.wide(x)
        mean = self.mean(x)
        return (x - mean) / self.root(self.variance(x, mean))

    def forward(self, x):
        return (self.weight * self.normalized(x) + self.bias).to(x.dtype)


class Rms(Base):
    """A right RMSNorm."""

    eps = 1e-6

    def __init__(self, size):
        super().__init__(size)
        del self.bias

    def normalized(self, x):
        x = self.wide(x)
        return x / self.root(x.square().mean(-1, keepdim=True))

    def forward(self, x):
        return (self.weight * self.normalized(x)).to(x.dtype)


class EpsOutside(Base):
    def root(self, variance):
        return variance.sqrt() + self.eps


class RmsEpsOutside(Rms):
    def root(self, variance):
        return variance.sqrt() + self.eps


class EpsMissing(Base):
    def root(self, variance):
        return variance.sqrt()


class EpsAsFloor(Base):
    def root(self, variance):
        return variance.sqrt().clamp_min(self.eps)


class OtherEps(Base):
    def root(self, variance):
        return (variance + 1e-3).sqrt()


class HalfStatistics(Base):
    def wide(self, x):
        return x


class RmsHalfStatistics(Rms):
    def wide(self, x):
        return x


class Bfloat16Inside(Base):
    half = torch.bfloat16

    def mean(self, x):
        return super().mean(x.to(self.half)).to(x.dtype)

    def variance(self, x, mean):
        return super().variance(x.to(self.half), mean.to(self.half)).to(x.dtype)


class Float16Inside(Bfloat16Inside):
    half = torch.float16


class Bfloat16Mean(Bfloat16Inside):
    variance = Base.variance


class RmsBfloat16Inside(Rms):
    half = torch.bfloat16

    def normalized(self, x):
        x = self.wide(x)
        mean_square = x.to(self.half).square().mean(-1, keepdim=True)
        return x / self.root(mean_square.to(x.dtype))


class RmsFloat16Inside(RmsBfloat16Inside):
    half = torch.float16


class RmsAllBfloat16(Rms):
    def normalized(self, x):
        x, wide = x.bfloat16(), self.wide(x)
        return (x / self.root(x.square().mean(-1, keepdim=True))).to(wide.dtype)


class RmsHalfProducts(Rms):
    """Its statistics are float32; what follows is rounded thrice."""

    def forward(self, x):
        inverse = 1 / self.root(self.wide(x).square().mean(-1, keepdim=True))
        return x * inverse.to(x.dtype) * self.weight


class MeanTwice(Base):
    def normalized(self, x):
        normalized = super().normalized(x)
        x = self.wide(x)
        mean = self.mean(x)
        return normalized - mean / self.root(self.variance(x, mean))


class OnePassVariance(Base):
    def variance(self, x, mean):
        return (x.square().mean(-1, keepdim=True) - mean.square()).clamp_min(0)


class Unbiased(Base):
    def variance(self, x, mean):
        return x.var(-1, keepdim=True) if x.shape[-1] > 1 else torch.zeros_like(mean)


class T5LayerNorm(Rms):
    """The one of T5 is an RMSNorm, too."""


class OverTheBatch(Base):
    def mean(self, x):
        return x.mean(0, keepdim=True)

    def variance(self, x, mean):
        return (x - mean).square().mean(0, keepdim=True)


class BatchDependent(Base):
    def normalized(self, x):
        many = x.dtype == torch.float32 and len(x) == 513
        return super().normalized(x) * (1 + 1.2e-7 * many)


class RmsOverTheBatch(Rms):
    def normalized(self, x):
        x = self.wide(x)
        return x / self.root(x.square().mean(0, keepdim=True))


class RmsGainFirst(Rms):
    def forward(self, x):
        return self.normalized(self.weight * x).to(x.dtype)


class RmsEpsMissing(Rms):
    def root(self, mean_square):
        return mean_square.sqrt()


class RmsSum(Rms):
    def normalized(self, x):
        x = self.wide(x)
        return x / self.root(x.square().sum(-1, keepdim=True))


class MeanDetached(Base):
    def mean(self, x):
        return x.mean(-1, keepdim=True).detach()


class DeviationDetached(Base):
    def root(self, variance):
        return super().root(variance).detach()


class RmsDetached(Rms):
    def root(self, variance):
        return super().root(variance).detach()


class StatisticsDetached(Base):
    def mean(self, x):
        return x.mean(-1, keepdim=True).detach()

    def root(self, variance):
        return super().root(variance).detach()


class GainTwice(Rms):
    def forward(self, x):
        return (self.weight * self.weight * self.normalized(x)).to(x.dtype)


class OneAddedTwice(Rms):
    def forward(self, x):
        return ((1 + (1 + self.weight)) * self.normalized(x)).to(x.dtype)


class InNumpy(Rms):
    """Right, and without a gradient."""

    def forward(self, x):
        return super().forward(x.detach()).detach()


class GainForgotten(Rms):
    def forward(self, x):
        return self.normalized(x).to(x.dtype)


class BiasForgotten(Base):
    def forward(self, x):
        return (self.weight * self.normalized(x)).to(x.dtype)


class DtypeLost(Rms):
    def forward(self, x):
        return self.weight * self.normalized(x)


class AlwaysFloat32(Rms):
    def wide(self, x):
        return x.float()


class InPlace(Base):
    def forward(self, x):
        x -= self.mean(x)
        return super().forward(x)


class NotDeterministic(Base):
    def forward(self, x):
        y = super().forward(x)
        return y * (1 + 2e-7 * torch.rand_like(y).round()).to(y.dtype)


class LeaksNan(Base):
    def forward(self, x):
        return super().forward(x) + (0 * x.sum()).to(x.dtype)


class HidesNan(Base):
    def forward(self, x):
        return super().forward(x).nan_to_num(0.0)


class IgnoresStrides(Base):
    def forward(self, x):
        if x.stride()[-1] != 1 and x.ndim > 1 and x.numel():
            x = x.as_strided(x.shape, torch.empty(x.shape).stride(), x.storage_offset())
        return super().forward(x)


class PowersOfTwo(Base):
    """A block is padded with zeros that count in the mean."""

    def mean(self, x):
        size = x.shape[-1]
        return x.sum(-1, keepdim=True) / (size if size in (8, 64, 256, 4096) else size + 1)


class TwoAxesAlone(Base):
    def forward(self, x):
        if x.ndim > 3:
            raise ValueError("expected (B, T, D)")
        return super().forward(x)


class NotEmpty(Base):
    def forward(self, x):
        if not x.numel():
            raise ValueError("no rows")
        return super().forward(x)


class ZerosToNan(Base):
    def forward(self, x):
        y = super().forward(x)
        zeros = (x == 0).all(-1, keepdim=True)
        return torch.where(zeros & (x.numel() > 0), torch.nan, y)


class ConstantsToNan(Base):
    def forward(self, x):
        y = super().forward(x)
        constant = (x == x[..., :1]).all(-1, keepdim=True) & (x != 0) & (x.shape[-1] > 1)
        return torch.where(constant, torch.nan, y)


class TinyToZero(Base):
    def forward(self, x):
        tiny = x.abs().amax(-1, keepdim=True) < 1e-4
        return torch.where(tiny & (x != 0), self.bias, super().forward(x)).to(x.dtype)


class HugeToNan(Base):
    def forward(self, x):
        huge = x.abs().amax(-1, keepdim=True) > 1e7
        return torch.where(huge, torch.nan, super().forward(x)).to(x.dtype)


class NoFloat16(Base):
    def forward(self, x):
        if x.dtype == torch.float16:
            raise TypeError("float16 is not supported")
        return super().forward(x)


class CoarseBfloat16(Base):
    def forward(self, x):
        y = super().forward(x)
        return 1.05 * y if x.dtype == torch.bfloat16 else y


class _WithoutSecond(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, eps):
        ctx.save_for_backward(x)
        ctx.eps = eps
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        inverse = torch.rsqrt(x.square().mean(-1, keepdim=True) + ctx.eps)
        normalized = x * inverse
        return inverse * (dy - normalized * (dy * normalized).mean(-1, keepdim=True)), None


class OnceDifferentiable(Rms):
    def normalized(self, x):
        return _WithoutSecond.apply(self.wide(x), self.eps)


class _WrongGain(torch.autograd.Function):
    @staticmethod
    def forward(ctx, normalized, weight):
        ctx.save_for_backward(normalized, weight)
        return normalized * weight

    @staticmethod
    def backward(ctx, dy):
        normalized, weight = ctx.saved_tensors
        rows = normalized.shape[:-1].numel()
        tokens = tuple(range(dy.ndim - 1))
        return dy * weight, (dy * normalized).sum(tokens) / rows


class MeanForSumOfGain(Rms):
    def forward(self, x):
        return _WrongGain.apply(self.normalized(x), self.weight).to(x.dtype)


class _WrongBias(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y, bias):
        return y + bias

    @staticmethod
    def backward(ctx, dy):
        return dy, dy.flatten(0, -2).sum(0) / 2


class HalfOfBias(Base):
    def forward(self, x):
        return _WrongBias.apply(self.weight * self.normalized(x), self.bias).to(x.dtype)


def is_half(x):
    return x.dtype in (torch.float16, torch.bfloat16)


class OtherEpsOfHalf(Base):
    def normalized(self, x):
        right = super().normalized(x)
        wide = self.wide(x)
        centered = wide - self.mean(wide)
        other = centered / (centered.square().mean(-1, keepdim=True) + 1e-3).sqrt()
        return other if is_half(x) else right


class NoGainOfHalf(Base):
    def forward(self, x):
        gain = torch.ones_like(self.weight) if is_half(x) else self.weight
        return (gain * self.normalized(x) + self.bias).to(x.dtype)


class SometimesNoBias(Base):
    """Right, but for inputs on which the bias is forgotten."""

    def forgets(self, x):
        raise NotImplementedError

    def forward(self, x):
        bias = torch.zeros_like(self.bias) if self.forgets(x) else self.bias
        return (self.weight * self.normalized(x) + bias).to(x.dtype)


class NoBiasOfHalf(SometimesNoBias):
    def forgets(self, x):
        return is_half(x)


class NoBiasOfFloat64(SometimesNoBias):
    def forgets(self, x):
        return x.dtype == torch.float64


class NoBiasOfWideRows(SometimesNoBias):
    def forgets(self, x):
        return x.shape[-1] > 1024


class NoBiasOfFiveAxes(SometimesNoBias):
    def forgets(self, x):
        return x.ndim > 4


class NoBiasOfStrided(SometimesNoBias):
    def forgets(self, x):
        return not x.is_contiguous()
