"""Right answers to exercise 03."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from normlab import norms, torch_norms


def check_shapes(x, gamma, dy=None):
    if gamma.shape != x.shape[-1:] or (dy is not None and dy.shape != x.shape):
        shapes = [a.shape for a in (x, gamma, dy) if a is not None]
        raise ValueError(f"the shapes {shapes} do not fit")


def einsum(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    wide = x.astype(np.float64)
    mean_square = np.einsum("...d,...d->...", wide, wide) / x.shape[-1]
    return np.einsum("...d,d,...->...d", wide, gamma, (mean_square + eps) ** -0.5).astype(x.dtype)


def loops(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        row = [float(v) for v in x[place]]
        rms = (sum(v * v for v in row) / len(row) + eps) ** 0.5
        for d, value in enumerate(row):
            out[place][d] = float(gamma[d]) * value / rms
    return out


def vecdot(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    wide = x if x.dtype != np.float16 else x.astype(np.float32)
    scale = 1 / np.sqrt(np.vecdot(wide, wide)[..., None] / x.shape[-1] + eps)
    return (wide * scale * gamma).astype(x.dtype)


def length_and_hypot(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    wide = np.float64(x)
    length = np.linalg.norm(wide, axis=-1, keepdims=True)
    return np.asarray(gamma * wide / np.hypot(length / x.shape[-1] ** 0.5, eps**0.5), x.dtype)


def variance_plus_squared_mean(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean_square = wide.var(-1, keepdims=True) + wide.mean(-1, keepdims=True) ** 2
    return (wide / np.sqrt(mean_square + eps) * gamma).astype(x.dtype)


def through_torch(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    wide, weight = (torch.from_numpy(np.asarray(a, np.float64)) for a in (x, gamma))
    return F.rms_norm(wide, gamma.shape, weight, eps).numpy().astype(x.dtype)


def of_the_package(x, gamma, eps=1e-6):
    return norms.rms_norm(x, gamma, eps)


def returned(dx, dgamma, x, gamma):
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype)


def rows_and_einsum(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    d = x.shape[-1]
    rows, upstream = (a.reshape(-1, d).astype(np.float64) for a in (x, dy))
    inverse = (np.einsum("nd,nd->n", rows, rows) / d + eps) ** -0.5
    along = np.einsum("nd,nd,d->n", upstream, rows, gamma) * inverse**3 / d
    dx = upstream * gamma * inverse[:, None] - rows * along[:, None]
    return returned(dx.reshape(x.shape), np.einsum("nd,nd,n->d", upstream, rows, inverse), x, gamma)


def chain_rule(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    dtype = np.promote_types(x.dtype, np.float32)
    x_wide, dy_wide = x.astype(dtype), dy.astype(dtype)
    mean_square = np.mean(np.square(x_wide), axis=-1, keepdims=True)
    dx_hat = dy_wide * gamma
    dscale = (dx_hat * x_wide).sum(-1, keepdims=True)
    dmean_square = -0.5 * dscale * (mean_square + eps) ** -1.5
    dx = dx_hat / np.sqrt(mean_square + eps) + dmean_square * 2 * x_wide / x.shape[-1]
    x_hat = x_wide / np.sqrt(mean_square + eps)
    return returned(dx, (dy_wide * x_hat).sum(axis=tuple(range(x.ndim - 1))), x, gamma)


def jacobian(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    d = x.shape[-1]
    dx, dgamma = np.empty_like(x), np.zeros(d)
    for place in np.ndindex(x.shape[:-1]):
        row, upstream = x[place].astype(np.float64), dy[place].astype(np.float64)
        rms = np.sqrt((row**2).mean() + eps)
        matrix = (np.eye(d) - np.outer(row, row) / (d * rms**2)) / rms
        dx[place] = matrix @ (gamma * upstream)
        dgamma += upstream * row / rms
    return returned(dx, dgamma, x, gamma)


def from_the_pairs(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    x64, u, d = np.float64(x), np.float64(dy) * gamma, x.shape[-1]
    mean_square = np.vecdot(x64, x64)[..., None] / d + eps
    turned = u[..., :, None] * x64[..., None, :] - x64[..., :, None] * u[..., None, :]
    dx = (np.einsum("...ij,...j->...i", turned, x64) / d + eps * u) / mean_square**1.5
    dgamma = np.float64(dy) * x64 / np.sqrt(mean_square)
    return returned(dx, dgamma.reshape(-1, d).sum(0), x, gamma)


def autograd(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    leaves = [torch.tensor(np.asarray(a, np.float64), requires_grad=True) for a in (x, gamma)]
    y = F.rms_norm(leaves[0], gamma.shape, leaves[1], eps)
    gradients = torch.autograd.grad(y, leaves, torch.tensor(np.float64(dy)))
    return returned(*(g.numpy() for g in gradients), x, gamma)


def backward_of_the_package(dy, x, gamma, eps=1e-6):
    return returned(*norms.rms_norm_backward(dy, x, gamma, eps), x, gamma)


class WithRsqrt(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.variance_epsilon = eps

    def forward(self, hidden_states):
        wide = hidden_states
        if wide.dtype in (torch.float16, torch.bfloat16):
            wide = wide.float()
        variance = wide.pow(2).mean(-1, keepdim=True)
        return (self.weight * (wide * torch.rsqrt(variance + self.variance_epsilon))).type_as(
            hidden_states
        )


class BuiltIn(nn.RMSNorm):
    def __init__(self, dim, eps=1e-6):
        super().__init__(dim, eps=eps)


class BuiltInFunction(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight = nn.Parameter(torch.empty(dim))
        nn.init.ones_(self.weight)

    def forward(self, x):
        dtype = torch.promote_types(torch.promote_types(x.dtype, self.weight.dtype), torch.float32)
        return F.rms_norm(x.to(dtype), (self.dim,), self.weight.to(dtype), self.eps).to(x.dtype)


class AllInFloat64(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.register_buffer("eps", torch.tensor(eps, dtype=torch.float64), persistent=False)
        self.weight = nn.Parameter(torch.full((dim,), 1.0))

    def forward(self, x):
        wide = x.double()
        length = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        scale = torch.hypot(length / x.shape[-1] ** 0.5, self.eps.sqrt())
        return (wide * self.weight.double() / scale).to(x.dtype)


class Einsum(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.register_parameter("weight", nn.Parameter(torch.ones(dim)))

    def forward(self, x):
        dtype = torch.promote_types(x.dtype, torch.float32)
        wide, weight = x.to(dtype), self.weight.to(dtype)
        mean_square = torch.einsum("...d,...d->...", wide, wide) / len(weight)
        return torch.einsum("...d,d,...->...d", wide, weight, (mean_square + self.eps) ** -0.5).to(
            x.dtype
        )


class OfThePackage(torch_norms.RMSNorm):
    def __init__(self, dim, eps=1e-6):
        super().__init__(dim, eps)


def one_more_feature(x, gamma, eps=1e-6):
    """The length of the row and a last number √(εD), over √D."""
    check_shapes(x, gamma)
    d, wide = x.shape[-1], x.astype(np.float64)
    last = np.full((*x.shape[:-1], 1), math.sqrt(eps * d))
    length = np.linalg.norm(np.concatenate([wide, last], axis=-1), axis=-1, keepdims=True)
    return (gamma * (math.sqrt(d) * wide / length)).astype(x.dtype)


def norm_maker(axis, widest):
    def norm(x, gamma, eps=1e-6):
        check_shapes(x, gamma)
        wide = x.astype(np.promote_types(x.dtype, widest))
        scale = np.reciprocal(np.sqrt(np.mean(wide * wide, axis=axis) + eps))
        return (np.expand_dims(scale, axis) * wide * gamma).astype(x.dtype)

    return norm


closure = norm_maker(axis=-1, widest=np.float32)


def hypot_of_the_row(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    d = x.shape[-1]
    rows = x.reshape(-1, d).tolist()
    lengths = [math.hypot(*row, math.sqrt(eps * d)) for row in rows]
    scale = math.sqrt(d) / np.array(lengths).reshape(*x.shape[:-1], 1)
    return (x.astype(np.float64) * scale * gamma).astype(x.dtype)


def of_one_row(row, gamma, eps):
    return gamma * row / np.sqrt(np.dot(row, row) / row.size + eps)


def vectorized(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    each = np.vectorize(of_one_row, otypes=[np.float64], signature="(d),(d),()->(d)")
    return each(x.astype(np.float64), gamma.astype(np.float64), eps).astype(x.dtype)


def with_power(x, gamma, eps=1e-6, power=-0.5):
    check_shapes(x, gamma)
    wide = np.array(x, dtype=np.longdouble)
    return (gamma * wide * np.power(np.square(wide).mean(-1, keepdims=True) + eps, power)).astype(
        x.dtype
    )


partial_in_long_double = functools.update_wrapper(
    functools.partial(with_power, power=-0.5), with_power
)


def complex_step(dy, x, gamma, eps=1e-6):
    """Derivatives without a formula: the imaginary part of y at x + i·10⁻³⁰."""
    check_shapes(x, gamma, dy)
    wide, upstream, d = x.astype(np.float64), dy.astype(np.float64), x.shape[-1]

    def normalized(z):
        return z / np.sqrt((z * z).sum(-1, keepdims=True) / d + eps)

    moved = wide[..., None, :] + 1e-30j * np.eye(d)  # (..., D, D): row k has feature k moved
    slopes = normalized(moved).imag / 1e-30
    dx = np.einsum("...kd,...d->...k", slopes, upstream * gamma)
    dgamma = (upstream * normalized(wide)).reshape(-1, d).sum(axis=0)
    return returned(dx, dgamma, x, gamma)


def vjp_of_a_formula(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    wide, weight, upstream = (torch.from_numpy(a.astype(np.float64)) for a in (x, gamma, dy))

    def forward(x, gamma):
        return gamma * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)

    _, pull_back = torch.func.vjp(forward, wide, weight)
    return returned(*(g.numpy() for g in pull_back(upstream)), x, gamma)


def reduced_token_by_token(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    d, dx = x.shape[-1], np.zeros(x.shape)
    flat, dgamma = dx.reshape(-1, d), np.zeros(d)
    rows, upstream = (a.reshape(-1, d).astype(np.float64) for a in (x, dy))
    for n, (row, up) in enumerate(zip(rows, upstream, strict=True)):
        mean_square = np.dot(row, row) / d + eps
        g_hat = up * gamma
        flat[n] = (g_hat - row * np.dot(g_hat, row) / (d * mean_square)) / np.sqrt(mean_square)
        dgamma = dgamma + up * row / np.sqrt(mean_square)
    return returned(dx, dgamma, x, gamma)


def turned_back(dy, x, gamma, eps=1e-6):
    """The part of ĝ along x is shrunk to ε/(mean(x²) + ε) of itself."""
    check_shapes(x, gamma, dy)
    x64, g_hat = np.asarray(x, np.float64), np.multiply(dy, gamma, dtype=np.float64)
    squares = np.square(x64).sum(axis=-1, keepdims=True)
    safe = np.where(squares > 0, squares, 1)
    along = x64 * (g_hat * x64).sum(axis=-1, keepdims=True) / safe
    mean_square = squares / x.shape[-1] + eps
    dx = (g_hat - along + along * (eps / mean_square)) / np.sqrt(mean_square)
    tokens = tuple(range(x.ndim - 1))
    return returned(dx, (dy * (x64 / np.sqrt(mean_square))).sum(axis=tokens), x, gamma)


@dataclass(eq=False)
class Dataclass(nn.Module):
    dim: int
    eps: float = 1e-6

    def __post_init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(self.dim))

    def forward(self, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        divisor = wide.pow(2).mean(-1, keepdim=True).add(self.eps).sqrt()
        return wide.div(divisor).mul(self.weight).to(dtype=x.dtype)


class OneMoreFeature(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.last = math.sqrt(eps * dim)
        self.weight = nn.Parameter(torch.ones((dim,)))

    def forward(self, x):
        wide = x if x.dtype == torch.float64 else x.float()
        length = torch.linalg.vector_norm(F.pad(wide, (0, 1), value=self.last), dim=-1)
        y = wide / length.unsqueeze(-1) * len(self.weight) ** 0.5
        return torch.mul(y, self.weight).to(x.dtype)


class ByHand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, wide, weight, eps):
        inverse = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(wide, weight, inverse)
        return wide * inverse * weight

    @staticmethod
    def backward(ctx, dy):
        wide, weight, inverse = ctx.saved_tensors
        x_hat, g_hat = wide * inverse, dy * weight
        dx = inverse * (g_hat - x_hat * (g_hat * x_hat).mean(-1, keepdim=True))
        dweight = (dy * x_hat).reshape(-1, weight.numel()).sum(0)
        return dx.to(wide.dtype), dweight.to(weight.dtype), None


class WithItsOwnBackward(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(dim)), eps

    def forward(self, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return ByHand.apply(wide, self.weight, self.eps).to(x.dtype)


def module_of(normalize):
    class Module(nn.Module):
        def __init__(self, dim, eps=1e-6):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(dim))
            self.normalize = functools.partial(normalize, eps=eps)

        def forward(self, x):
            wide = x.to(torch.promote_types(x.dtype, torch.float32))
            return (self.normalize(wide) * self.weight).to(x.dtype)

    return Module


FromAFactory = module_of(lambda z, eps: z * (z.square().mean(dim=-1, keepdim=True) + eps) ** -0.5)


RIGHT = {
    "rms_norm": [
        einsum,
        loops,
        vecdot,
        length_and_hypot,
        variance_plus_squared_mean,
        through_torch,
        of_the_package,
        one_more_feature,
        closure,
        hypot_of_the_row,
        vectorized,
        partial_in_long_double,
    ],
    "rms_norm_backward": [
        rows_and_einsum,
        chain_rule,
        jacobian,
        from_the_pairs,
        autograd,
        backward_of_the_package,
        complex_step,
        vjp_of_a_formula,
        reduced_token_by_token,
        turned_back,
    ],
    "RMSNorm": [
        WithRsqrt,
        BuiltIn,
        BuiltInFunction,
        AllInFloat64,
        Einsum,
        OfThePackage,
        Dataclass,
        OneMoreFeature,
        WithItsOwnBackward,
        FromAFactory,
    ],
}
SAME_SHAPE = "the first condition has found dy.shape and x.shape equal"
EQUIVALENT = {
    "rms_norm": {},
    "rms_norm_backward": {
        "if not (dy.shape == x.shape and gamma.shape == x.shape[-1:]): -> "
        "if not (dy.shape == x.shape and gamma.shape == dy.shape[-1:]):": SAME_SHAPE,
        "tokens = tuple(range(x.ndim - 1)) -> tokens = tuple(range(dy.ndim - 1))": SAME_SHAPE,
    },
    "RMSNorm": {},
}
