"""Wrong answers to exercise 03."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def check_shapes(x, gamma, dy=None):
    if gamma.shape != x.shape[-1:]:
        raise ValueError(f"gamma {gamma.shape} does not fit x {x.shape}")
    if dy is not None and dy.shape != x.shape:
        raise ValueError(f"dy {dy.shape} does not fit x {x.shape}")


def widened(x):
    return x.astype(np.promote_types(x.dtype, np.float32))


def tokens(a):
    return a.reshape(-1, a.shape[-1]).sum(0)


def mean(a):
    return a.mean(-1, keepdims=True)


def centered_first(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    h = h - h.mean(-1, keepdims=True)
    rms = np.sqrt(np.mean(h**2, axis=-1, keepdims=True) + eps)
    return (gamma * h / rms).astype(x.dtype)


def standard_deviation(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    return (gamma * h / np.sqrt(h.var(-1, keepdims=True) + eps)).astype(x.dtype)


def unit_length(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    length = np.linalg.norm(h, axis=-1, keepdims=True)
    return (h / np.sqrt(length**2 + eps) * gamma).astype(x.dtype)


def no_root(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    return (gamma * h / ((h * h).mean(-1)[..., None] + eps)).astype(x.dtype)


def square_of_the_mean(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    ms = h.mean(-1, keepdims=True) ** 2
    return (gamma * h / np.sqrt(ms + eps)).astype(x.dtype)


def over_all_tokens(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    rms = np.sqrt(np.mean(h**2) + eps)
    return (h / rms * gamma).astype(x.dtype)


def mean_absolute_value(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    return (gamma * h / (np.abs(h).mean(-1, keepdims=True) + eps)).astype(x.dtype)


def gemma_gain(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    y = h / np.sqrt(np.einsum("...d,...d->...", h, h)[..., None] / x.shape[-1] + eps)
    return ((1 + gamma) * y).astype(x.dtype)


def gain_before_the_norm(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x) * gamma
    return (h / np.sqrt((h**2).mean(-1, keepdims=True) + eps)).astype(x.dtype)


def squared_before_widening(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    with np.errstate(over="ignore"):
        squares = x**2
    ms = widened(squares).mean(-1, keepdims=True)
    return (gamma * (widened(x) / np.sqrt(ms + eps))).astype(x.dtype)


def eps_of_layer_norm(x, gamma, eps=1e-5):
    check_shapes(x, gamma)
    h = widened(x)
    return (gamma * h / np.sqrt((h**2).mean(-1, keepdims=True) + eps)).astype(x.dtype)


def a_quarter_of_the_features(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    k = max(1, x.shape[-1] // 4)
    ms = (h[..., :k] ** 2).mean(-1, keepdims=True)
    return (gamma * h / np.sqrt(ms + eps)).astype(x.dtype)


def promoted_dtype(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    y = h / np.sqrt((h**2).mean(-1, keepdims=True) + eps)
    return y.astype(x.dtype) * gamma


def gain_broadcast(x, gamma, eps=1e-6):
    if x.shape[-1] % gamma.shape[-1]:
        raise ValueError(f"gamma {gamma.shape} does not fit x {x.shape}")
    h = widened(x)
    return (gamma * h / np.sqrt((h**2).mean(-1, keepdims=True) + eps)).astype(x.dtype)


def returned(dx, dgamma, x, gamma):
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype)


def root(h, eps):
    return np.sqrt((h**2).mean(-1, keepdims=True) + eps)


def rms_held_constant(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    return returned(g * gamma / r, tokens(g * h / r), x, gamma)


def layer_norm_s_backward(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / r
    return returned(dx, tokens(g * x_hat), x, gamma)


def sum_for_mean(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    dx = (u - x_hat * np.einsum("...d,...d->...", u, x_hat)[..., None]) / r
    return returned(dx, tokens(g * x_hat), x, gamma)


def third_power_forgotten(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    u = g * gamma
    dx = u / r - h * mean(u * h) / r
    return returned(dx, tokens(g * h / r), x, gamma)


def gain_outside(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat = h / r
    dx = gamma * (g - x_hat * mean(g * x_hat)) / r
    return returned(dx, tokens(g * x_hat), x, gamma)


def gain_missing(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat = h / r
    return returned((g - x_hat * mean(g * x_hat)) / r, tokens(g * x_hat), x, gamma)


def plus(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    inv = 1 / root(h, eps)
    u = g * gamma
    dx = inv * u + inv**3 * h * mean(u * h)
    return returned(dx, tokens(g * h * inv), x, gamma)


def dgamma_not_normalized(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    return returned((u - x_hat * mean(u * x_hat)) / r, tokens(g * h), x, gamma)


def dgamma_with_the_gain(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    y, u = gamma * h / r, g * gamma
    x_hat = h / r
    return returned((u - x_hat * mean(u * x_hat)) / r, tokens(g * y), x, gamma)


def dgamma_of_each_token(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    return returned((u - x_hat * mean(u * x_hat)) / r, g * x_hat, x, gamma)


def swapped(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    return returned((u - x_hat * mean(u * x_hat)) / r, tokens(g * x_hat), x, gamma)[::-1]


def partial_sums_rounded(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    dgamma = np.zeros(x.shape[-1], x.dtype)
    for row in (g * x_hat).reshape(-1, x.shape[-1]):
        dgamma += row.astype(x.dtype)
    return returned((u - x_hat * mean(u * x_hat)) / r, dgamma, x, gamma)


class Parameters(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def wide(self, x):
        return x.to(torch.promote_types(x.dtype, torch.float32))


class LlamaRMSNorm(Parameters):
    def forward(self, hidden_states):
        input_dtype = hidden_states.dtype
        hidden_states = self.wide(hidden_states)
        variance = hidden_states.pow(2).mean(-1, keepdim=True)
        hidden_states = hidden_states * torch.rsqrt(variance + self.eps)
        return self.weight * hidden_states.to(input_dtype)


class ConvertedTwice(Parameters):
    def forward(self, x):
        h = self.wide(x)
        h = (h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)).type_as(x)
        return (h * self.weight).type_as(x)


class WeightRounded(Parameters):
    def forward(self, x):
        h = self.wide(x)
        normed = h / torch.sqrt(torch.mean(h**2, -1, keepdim=True) + self.eps)
        return (normed * self.weight.to(x.dtype)).to(x.dtype)


class DtypeOfTheWeight(Parameters):
    def forward(self, x):
        h = self.wide(x)
        normed = h * torch.rsqrt(h.square().mean(-1, keepdim=True) + self.eps)
        return (self.weight * normed).to(self.weight.dtype)


class Gemma(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        out = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (out * (1.0 + self.weight)).type_as(x)


class CalledScale(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.scale = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        ms = torch.einsum("...d,...d->...", h, h).unsqueeze(-1) / h.size(-1)
        return (h / (ms + self.eps).sqrt() * self.scale).to(x.dtype)


class WithBias(Parameters):
    def __init__(self, dim, eps=1e-6):
        super().__init__(dim, eps)
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        h = self.wide(x)
        out = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * out + self.bias).to(x.dtype)


class NoGradAroundTheRoot(Parameters):
    def forward(self, x):
        h = self.wide(x)
        with torch.no_grad():
            scale = torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * (h * scale)).to(x.dtype)


class InTheDtypeOfTheInput(Parameters):
    def forward(self, x):
        rms = torch.sqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * (x / rms)).to(x.dtype)


class EpsInTheState(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.register_buffer("eps", torch.tensor(eps))

    def forward(self, x):
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        out = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * out).to(x.dtype)


class NotAParameter(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = torch.ones(dim)

    def forward(self, x):
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        out = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * out).to(x.dtype)


class RandomGain(Parameters):
    def __init__(self, dim, eps=1e-6):
        super().__init__(dim, eps)
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x):
        h = self.wide(x)
        out = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * out).to(x.dtype)


class Centered(Parameters):
    def forward(self, x):
        h = self.wide(x)
        h = h - h.mean(-1, keepdim=True)
        var = h.pow(2).mean(-1, keepdim=True)
        return (self.weight * h * torch.rsqrt(var + self.eps)).to(x.dtype)


class LengthOnly(Parameters):
    def forward(self, x):
        h = self.wide(x)
        scale = torch.rsqrt(h.pow(2).sum(-1, keepdim=True) + self.eps)
        return (self.weight * h * scale).to(x.dtype)


def gain_rounded(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    y = h / np.sqrt((h**2).mean(-1, keepdims=True) + eps)
    return (gamma.astype(x.dtype) * y).astype(x.dtype)


def converted_before_the_gain(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    y = (h / np.sqrt((h**2).mean(-1, keepdims=True) + eps)).astype(x.dtype)
    return (gamma.astype(x.dtype) * y).astype(x.dtype)


def clipped_at_four(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    y = gamma * h / np.sqrt((h**2).mean(-1, keepdims=True) + eps)
    return np.clip(y, -4, 4).astype(x.dtype)


def root_without_eps_for_large_rows(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    ms = (h**2).mean(-1, keepdims=True)
    return (gamma * h / np.sqrt(np.where(ms < eps, ms + eps, ms))).astype(x.dtype)


def dgamma_narrowed(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    dgamma = tokens((g * x_hat).astype(np.float32))
    return returned((u - x_hat * mean(u * x_hat)) / r, dgamma, x, gamma)


def dgamma_averaged(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    dgamma = (g * x_hat).reshape(-1, x.shape[-1]).mean(0)
    return returned((u - x_hat * mean(u * x_hat)) / r, dgamma, x, gamma)


def second_term_over_the_batch(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    return returned((u - x_hat * (u * x_hat).mean()) / r, tokens(g * x_hat), x, gamma)


class EpsIgnored(Parameters):
    def forward(self, x):
        h = self.wide(x)
        return (self.weight * h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype)


class EpsOutside(Parameters):
    def forward(self, x):
        h = self.wide(x)
        return (self.weight * h / (h.pow(2).mean(-1, keepdim=True).sqrt() + self.eps)).to(x.dtype)


class EpsOfLayerNorm(Parameters):
    def __init__(self, dim, eps=1e-5):
        super().__init__(dim, eps)

    def forward(self, x):
        h = self.wide(x)
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * y).to(x.dtype)


class EpsOfTheDtype(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + torch.finfo(h.dtype).eps)
        return (self.weight * y).to(x.dtype)


class WholeTensor(Parameters):
    def forward(self, x):
        h = self.wide(x)
        return (self.weight * h * torch.rsqrt(h.pow(2).mean() + self.eps)).to(x.dtype)


class AllButTheFirstAxis(Parameters):
    def forward(self, x):
        h = self.wide(x)
        axes = tuple(range(1, h.dim())) or (-1,)
        return (self.weight * h * torch.rsqrt(h.pow(2).mean(axes, True) + self.eps)).to(x.dtype)


class WeightDetached(Parameters):
    def forward(self, x):
        h = self.wide(x)
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight.data * y).to(x.dtype)


class ChangedInPlace(Parameters):
    def forward(self, x):
        scale = torch.rsqrt(self.wide(x).pow(2).mean(-1, keepdim=True) + self.eps)
        x.data.mul_(scale.to(x.dtype))
        return (self.weight * x).to(x.dtype)


class WeightInHalf(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim, dtype=torch.bfloat16))

    def forward(self, x):
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * y).to(x.dtype)


class Float32OnlyForHalf(Parameters):
    def forward(self, x):
        h = x.float() if x.dtype == torch.float16 else x
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * y).to(x.dtype)


class WeightOfOneRow(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(1, dim))

    def forward(self, x):
        h = x.to(torch.promote_types(x.dtype, torch.float32))
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight[0] * y).to(x.dtype)


WRONG = {
    "rms_norm": [
        (centered_first, "The mean is subtracted first: that is layer norm without a shift."),
        (
            standard_deviation,
            "The division is by the standard deviation, not by the root mean square.",
        ),
        (
            unit_length,
            "The rows get length 1: the squares are summed, not averaged over D.",
        ),
        (no_root, "The division is by the mean square: the root is missing."),
        (square_of_the_mean, "The mean is squared, where the squares should be averaged."),
        (over_all_tokens, "One mean square is taken over the whole array."),
        (
            mean_absolute_value,
            "The division is by the mean absolute value, not by the root mean square.",
        ),
        (gemma_gain, "The gain is 1 + γ, not γ."),
        (gain_before_the_norm, "γ is multiplied onto x before the root mean square is taken."),
        (
            squared_before_widening,
            "The squares are computed in float16, where they overflow; only then comes float32.",
        ),
        (eps_of_layer_norm, "The default of eps is 1e-5, not 1e-6."),
        (
            a_quarter_of_the_features,
            "The mean square is taken over the first quarter of the features alone.",
        ),
        (promoted_dtype, "The product with γ has the wider dtype of the two, not that of x."),
        (gain_rounded, "γ is rounded to the dtype of x."),
        (
            converted_before_the_gain,
            "x̂ and γ are rounded to the dtype of x, and multiplied in it.",
        ),
        (clipped_at_four, "The result is clipped at ±4."),
        (root_without_eps_for_large_rows, "ε is added only where the mean square is below ε."),
        (gain_broadcast, "A gamma of shape (1,) or (1, D) is accepted."),
    ],
    "rms_norm_backward": [
        (rms_held_constant, "The path through the root mean square is missing in dx."),
        (layer_norm_s_backward, "The mean of ĝ is subtracted, as in the backward of layer norm."),
        (sum_for_mean, "The sum of ĝ ⊙ x̂ stands where its mean should be: 1/D is missing."),
        (
            third_power_forgotten,
            "The second term has x where x̂ belongs, twice: it should be divided by r³, not r.",
        ),
        (gain_outside, "γ is multiplied onto the result, after the mean, not onto dy before it."),
        (gain_missing, "γ is missing in dx."),
        (plus, "The second term of dx has the wrong sign."),
        (dgamma_not_normalized, "dγ uses x and not the normalized x̂."),
        (dgamma_with_the_gain, "dγ has a factor γ too much: it uses y and not x̂."),
        (dgamma_of_each_token, "dγ is not summed over the tokens."),
        (swapped, "dγ and dx are returned in exchanged order."),
        (dgamma_narrowed, "dγ of float64 numbers is summed in float32."),
        (dgamma_averaged, "dγ is averaged over the tokens, not summed."),
        (second_term_over_the_batch, "The mean in dx goes over all tokens, too."),
        (partial_sums_rounded, "The sum over the tokens is accumulated in float16."),
    ],
    "RMSNorm": [
        (
            LlamaRMSNorm,
            "x̂ is converted before the weight is multiplied (LLaMA's order), so the output is "
            "float32 for half precision inputs.",
        ),
        (
            ConvertedTwice,
            "x̂ is converted to the dtype of x before the weight is multiplied: rounded twice.",
        ),
        (WeightRounded, "The weight is rounded to the dtype of x."),
        (DtypeOfTheWeight, "The result has the dtype of the weight, not that of x."),
        (Gemma, "Gemma's gain: 1 + weight, with a weight that starts at 0."),
        (CalledScale, "The parameter is called scale, not weight."),
        (WithBias, "There is a bias that was not asked for."),
        (
            NoGradAroundTheRoot,
            "No gradient flows through the root mean square.",
        ),
        (InTheDtypeOfTheInput, "Half precision is not computed in float32."),
        (EpsInTheState, "eps is a buffer and stands in the state_dict."),
        (NotAParameter, "The weight is a plain tensor, not a parameter."),
        (RandomGain, "The weight starts at random numbers, not at 1."),
        (Centered, "The mean is subtracted: that is layer norm without a bias."),
        (EpsIgnored, "eps is ignored: 1e-6 is used."),
        (EpsOutside, "ε is added outside the root."),
        (EpsOfLayerNorm, "The default of eps is 1e-5, not 1e-6."),
        (EpsOfTheDtype, "eps is ignored: the machine epsilon of the dtype is used."),
        (WholeTensor, "One mean square is taken over the whole tensor."),
        (AllButTheFirstAxis, "The mean goes over all axes but the first."),
        (WeightDetached, "No gradient reaches the weight."),
        (ChangedInPlace, "x is changed in place."),
        (WeightInHalf, "The weight is made in bfloat16, not in float32."),
        (Float32OnlyForHalf, "bfloat16 is not computed in float32."),
        (WeightOfOneRow, "The weight has the shape (1, dim), not (dim,)."),
        (LengthOnly, "The squares are summed, not averaged over D."),
    ],
}


def pico_rms(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    return (x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * gamma).astype(x.dtype)


def scale_norm_with_eps_outside(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    rms = np.linalg.norm(h, axis=-1, keepdims=True) * x.shape[-1] ** -0.5
    return (gamma * h / (rms + eps)).astype(x.dtype)


def x_transformers(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    length = np.maximum(np.linalg.norm(h, axis=-1, keepdims=True), 1e-12)
    return (h / length * x.shape[-1] ** 0.5 * gamma).astype(x.dtype)


def length_floored_at_eps(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    length = np.maximum(np.linalg.norm(h, axis=-1, keepdims=True), eps)
    return (h / length * x.shape[-1] ** 0.5 * gamma).astype(x.dtype)


def eps_in_the_sum(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    rms = np.sqrt(1 / x.shape[-1] * ((h**2).sum(-1, keepdims=True) + eps))
    return (gamma * h / rms).astype(x.dtype)


def scaled_by_the_greatest(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    h = widened(x)
    greatest = np.abs(h).max(-1, keepdims=True)
    h = h / np.where(greatest == 0, 1, greatest)
    return (gamma * h / np.sqrt((h**2).mean(-1, keepdims=True) + eps)).astype(x.dtype)


def no_more_than_three_axes(x, gamma, eps=1e-6):
    check_shapes(x, gamma)
    if x.ndim > 3:
        raise ValueError(f"x {x.shape} has more than three axes")
    h = widened(x)
    return (gamma * h / np.sqrt((h**2).mean(-1, keepdims=True) + eps)).astype(x.dtype)


def dx_narrowed(dy, x, gamma, eps=1e-6):
    check_shapes(x, gamma, dy)
    g, h = widened(dy), widened(x)
    r = root(h, eps)
    x_hat, u = h / r, g * gamma
    dx = ((u - x_hat * mean(u * x_hat)) / r).astype(np.float32)
    return returned(dx, tokens(g * x_hat), x, gamma)


class PaperCode(Parameters):
    def forward(self, x):
        h = self.wide(x)
        rms_x = h.norm(2, dim=-1, keepdim=True) * h.shape[-1] ** -0.5
        return (self.weight * (h / (rms_x + self.eps))).to(x.dtype)


class NormalizeTimesRoot(Parameters):
    def forward(self, x):
        h = self.wide(x)
        return (F.normalize(h, dim=-1) * h.shape[-1] ** 0.5 * self.weight).to(x.dtype)


class NormalizeWithEps(Parameters):
    def forward(self, x):
        h = self.wide(x)
        y = F.normalize(h, dim=-1, eps=self.eps) * h.shape[-1] ** 0.5
        return (y * self.weight).to(x.dtype)


class ThroughNumPy(Parameters):
    def forward(self, x):
        h = self.wide(x).detach().numpy()
        y = torch.from_numpy(h / np.sqrt((h**2).mean(-1, keepdims=True) + self.eps))
        return (self.weight * y).to(x.dtype)


class AlwaysHalf(Parameters):
    def forward(self, x):
        h = self.wide(x)
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * y).half()


class Float32AndEps(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        h = x.to(torch.float32)
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + 1e-5)
        return (self.weight * y).to(x.dtype)


class Float32AndOnePlus(Parameters):
    def forward(self, x):
        h = x.to(torch.float32)
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return ((1 + self.weight) * y).to(x.dtype)


class NoMoreThanThreeAxes(Parameters):
    def forward(self, x):
        if x.ndim > 3:
            raise ValueError(f"x {tuple(x.shape)} has more than three axes")
        h = self.wide(x)
        y = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return (self.weight * y).to(x.dtype)


NAMED, REJECTED = "rejected and named", "rejected"
REPORTED = {
    "rms_norm": [
        (pico_rms, "half-statistics alone: the statistics are computed in float16.", NAMED),
        (scale_norm_with_eps_outside, "eps-outside", NAMED),
        (x_transformers, "eps-as-floor, and 1e-12 on the length instead of the eps given.", NAMED),
        (length_floored_at_eps, "eps-as-floor, on the length.", NAMED),
        (eps_in_the_sum, "ε is added to the sum of squares, before the division by D.", NAMED),
        (
            scaled_by_the_greatest,
            "x is divided by its greatest number before ε is added, so that ε counts for more "
            "or less.",
            NAMED,
        ),
        (no_more_than_three_axes, "More than three axes are refused.", REJECTED),
    ],
    "rms_norm_backward": [
        (dx_narrowed, "dx of a float64 input has only float32's accuracy.", REJECTED),
    ],
    "RMSNorm": [
        (PaperCode, "eps-outside", NAMED),
        (
            NormalizeTimesRoot,
            "eps-as-floor, and 1e-12 on the length instead of the eps given.",
            NAMED,
        ),
        (NormalizeWithEps, "eps-as-floor, on the length.", NAMED),
        (ThroughNumPy, "No gradient reaches x: the forward goes through NumPy.", NAMED),
        (AlwaysHalf, "The output is always float16; say the dtype.", NAMED),
        (
            Float32AndEps,
            "eps is ignored (1e-5), and float64 is computed in float32; the first comes first.",
            NAMED,
        ),
        (
            Float32AndOnePlus,
            "The gain is 1 + weight, and float64 is computed in float32; the first comes first.",
            NAMED,
        ),
        (NoMoreThanThreeAxes, "More than three axes are refused.", REJECTED),
    ],
}
