"""Wrong answers to exercise 02."""

import numpy as np


def check_shapes(dy, x, gamma):
    if dy.shape != x.shape or gamma.shape != x.shape[-1:]:
        raise ValueError(f"dy {dy.shape}, gamma {gamma.shape}, x {x.shape}")


def returned(dx, dgamma, dbeta, x, gamma):
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)


def widened(dy, x):
    dtype = np.promote_types(x.dtype, np.float32)
    return dy.astype(dtype), x.astype(dtype)


def forward(x, eps):
    centered = x - x.mean(-1, keepdims=True)
    std = np.sqrt((centered**2).mean(-1, keepdims=True) + eps)
    return centered / std, std


def tokens(a):
    return a.reshape(-1, a.shape[-1]).sum(0)


def mean(a):
    return a.mean(-1, keepdims=True)


def statistics_held_constant(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    return returned(g * gamma / std, tokens(g * x_hat), tokens(g), x, gamma)


def variance_path_missing(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    dx_hat = g * gamma
    dx = (dx_hat - mean(dx_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def mean_path_missing(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    dx_hat = g * gamma
    dx = (dx_hat - x_hat * mean(dx_hat * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def gain_forgotten(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    dx = (g - mean(g) - x_hat * mean(g * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def gain_last(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    dx = gamma / std * (g - mean(g) - x_hat * mean(g * x_hat))
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def batch_norm_backward(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    d = x.shape[-1]
    g, h = (a.reshape(-1, d) for a in widened(dy, x))
    n = h.shape[0]
    x_hat, std = forward(h, eps)
    dxhat = g * gamma
    dx = (n * dxhat - dxhat.sum(axis=0) - x_hat * (dxhat * x_hat).sum(axis=0)) / std / n
    return returned(dx.reshape(x.shape), (g * x_hat).sum(0), g.sum(0), x, gamma)


def sums_for_means(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    dx_hat = g * gamma
    dx = dx_hat - dx_hat.sum(-1, keepdims=True)
    dx -= x_hat * (dx_hat * x_hat).sum(-1, keepdims=True)
    return returned(dx / std, tokens(g * x_hat), tokens(g), x, gamma)


def backprop_ninja(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    n = x.shape[-1]
    raw, std = forward(h, eps)
    draw = gamma * g
    bessel = n / (n - 1) if n > 1 else 1.0
    inner = n * draw - draw.sum(-1, keepdims=True)
    inner = inner - bessel * raw * (draw * raw).sum(-1, keepdims=True)
    return returned(inner / (n * std), tokens(g * raw), tokens(g), x, gamma)


def sample_variance(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    c = h - mean(h)
    d = x.shape[-1]
    var = (c**2).sum(-1, keepdims=True) / (d - 1 if d > 1 else 1)
    x_hat, std = c / np.sqrt(var + eps), np.sqrt(var + eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def dgamma_of_the_raw_input(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * h), tokens(g), x, gamma)


def dgamma_of_the_centered_input(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * (h - mean(h))), tokens(g), x, gamma)


def summed_over_axis_0(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, (g * x_hat).sum(axis=0), g.sum(axis=0), x, gamma)


def gain_in_both(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    g = g * gamma
    dx = (g - mean(g) - x_hat * mean(g * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def shift_before_gain_returned(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g), tokens(g * x_hat), x, gamma)


def variance_path_doubled(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    d = x.shape[-1]
    c = h - mean(h)
    var = mean(c**2) + eps
    dx_hat = g * gamma
    dvar = np.sum(dx_hat * c * -1.0 * var**-1.5, axis=-1, keepdims=True)
    dmean = np.sum(-dx_hat / np.sqrt(var), axis=-1, keepdims=True)
    dx = dx_hat / np.sqrt(var) + dvar * 2 * c / d + dmean / d
    return returned(dx, tokens(g * c / np.sqrt(var)), tokens(g), x, gamma)


def variance_path_added(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) + x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def not_divided_by_sigma(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, _ = forward(h, eps)
    u = g * gamma
    dx = u - mean(u) - x_hat * mean(u * x_hat)
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def divided_by_the_variance(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std**2
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def normalized_once_only(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - (h - mean(h)) * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def eps_beside_the_root(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    std = h.std(-1, keepdims=True) + eps
    x_hat = (h - mean(h)) / std
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def token_sums_in_half(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    over = tuple(range(x.ndim - 1))
    dgamma = (dy * x_hat.astype(x.dtype)).sum(axis=over)
    return returned(dx, dgamma, dy.sum(axis=over), x, gamma)


def all_in_the_dtype_of_x(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return tuple(a.astype(x.dtype) for a in (dx, tokens(g * x_hat), tokens(g)))


def dbeta_averaged(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    dbeta = g.reshape(-1, x.shape[-1]).mean(0)
    return returned(dx, tokens(g * x_hat), dbeta, x, gamma)


def no_shape_check(dy, x, gamma, eps=1e-5):
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def param_gradients_narrowed(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    sums = (tokens((g * x_hat).astype(np.float32)), tokens(g.astype(np.float32)))
    return returned(dx, *sums, x, gamma)


def one_pass_variance(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    std = np.sqrt(mean(h**2) - mean(h) ** 2 + eps)
    x_hat = (h - mean(h)) / std
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def upstream_in_half(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    _, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = dy * gamma.astype(dy.dtype)
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    g = dy.astype(h.dtype)
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def gradients_clipped(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = np.clip((u - mean(u) - x_hat * mean(u * x_hat)) / std, -100, 100)
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def dtype_of_gamma_for_all(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return tuple(a.astype(gamma.dtype) for a in (dx, tokens(g * x_hat), tokens(g)))


def upstream_only_scaled_by_mean_gain(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma.mean()
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def dy_changed_in_place(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    _, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    g = dy.astype(h.dtype)
    dgamma, dbeta = tokens(g * x_hat), tokens(g)
    dy *= gamma.astype(dy.dtype)
    u = dy.astype(h.dtype)
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, dgamma, dbeta, x, gamma)


WRONG = {
    "layer_norm_backward": [
        (
            statistics_held_constant,
            "Mean and variance are taken for constants: both paths through them are missing.",
        ),
        (variance_path_missing, "The path through the variance is missing in dx."),
        (mean_path_missing, "The path through the mean is missing in dx."),
        (gain_forgotten, "γ is missing in dx: dy is used for ĝ."),
        (
            gain_last,
            "γ is multiplied onto the result, after the means, and not onto dy before them.",
        ),
        (
            batch_norm_backward,
            "The means in dx go over the tokens, as in the backward of batch norm.",
        ),
        (sums_for_means, "Sums stand where the means over the features should be: 1/D is missing."),
        (
            backprop_ninja,
            "The variance path has the factor D/(D − 1) of a sample variance, which the forward "
            "pass has not.",
        ),
        (sample_variance, "The variance is divided by D − 1."),
        (dgamma_of_the_raw_input, "dγ uses x and not the normalized x̂."),
        (dgamma_of_the_centered_input, "dγ uses x − mean, not divided by σ."),
        (
            summed_over_axis_0,
            "dγ and dβ are summed over the first axis alone, not over all tokens.",
        ),
        (gain_in_both, "dγ and dβ have a factor γ too much: they use ĝ and not dy."),
        (shift_before_gain_returned, "dβ and dγ are returned in exchanged order."),
        (
            variance_path_doubled,
            "The factor ½ of the root's derivative is missing: the variance path counts twice.",
        ),
        (variance_path_added, "The variance path has the wrong sign."),
        (not_divided_by_sigma, "dx is not divided by σ."),
        (divided_by_the_variance, "dx is divided by σ² and not by σ."),
        (
            normalized_once_only,
            "The variance path has x − mean where x̂ belongs: one division by σ is missing there.",
        ),
        (eps_beside_the_root, "ε is added outside the root."),
        (token_sums_in_half, "The sums over the tokens are computed in float16."),
        (all_in_the_dtype_of_x, "dγ and dβ have the dtype of x, not of gamma."),
        (dbeta_averaged, "dβ is averaged over the tokens, not summed."),
        (param_gradients_narrowed, "dγ and dβ of float64 numbers are summed in float32."),
        (one_pass_variance, "The variance is E[x²] − E[x]²."),
        (upstream_in_half, "dy ⊙ γ is computed in float16, with γ rounded to it."),
        (gradients_clipped, "dx is clipped at ±100."),
        (dtype_of_gamma_for_all, "dx has the dtype of gamma, not of x."),
        (upstream_only_scaled_by_mean_gain, "The mean of γ stands where γ belongs, in dx."),
        (dy_changed_in_place, "dy is multiplied by γ in place."),
        (no_shape_check, "Wrong shapes raise no ValueError."),
    ]
}


def eps_dropped(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, 1e-30)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def dgamma_averaged(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    dgamma = (g * x_hat).reshape(-1, x.shape[-1]).mean(0)
    return returned(dx, dgamma, tokens(g), x, gamma)


def all_divided_by_the_tokens(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    g = g / (x.size // x.shape[-1])
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def no_more_than_three_axes(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    if x.ndim > 3:
        raise ValueError(f"x {x.shape} has more than three axes")
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = (u - mean(u) - x_hat * mean(u * x_hat)) / std
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def dx_narrowed(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    x_hat, std = forward(h, eps)
    u = g * gamma
    dx = ((u - mean(u) - x_hat * mean(u * x_hat)) / std).astype(np.float32)
    return returned(dx, tokens(g * x_hat), tokens(g), x, gamma)


def two_axes_assumed(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    g, h = widened(dy, x)
    mu = h.mean(1, keepdims=True)
    std = np.sqrt(h.var(1, keepdims=True) + eps)
    x_hat = (h - mu) / std
    u = g * gamma
    dx = (u - u.mean(1, keepdims=True) - x_hat * (u * x_hat).mean(1, keepdims=True)) / std
    return returned(dx, (g * x_hat).sum(0), g.sum(0), x, gamma)


NAMED, REJECTED = "rejected and named", "rejected"
REPORTED = {
    "layer_norm_backward": [
        (eps_dropped, "eps-missing", NAMED),
        (dgamma_averaged, "dγ alone is averaged over the tokens, not summed.", NAMED),
        (all_divided_by_the_tokens, "All gradients are divided by the number of tokens.", NAMED),
        (no_more_than_three_axes, "More than three axes are refused.", REJECTED),
        (dx_narrowed, "dx of a float64 input has only float32's accuracy.", REJECTED),
        (two_axes_assumed, "Two axes are assumed: axis 1 for features, axis 0 for tokens.", NAMED),
    ]
}
