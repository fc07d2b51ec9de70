"""Right answers to exercise 02."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from normlab import norms


def check_shapes(dy, x, gamma):
    if dy.shape != x.shape:
        raise ValueError(f"dy has shape {dy.shape}, x has shape {x.shape}")
    if gamma.shape != (x.shape[-1],):
        raise ValueError(f"gamma has shape {gamma.shape}, x has shape {x.shape}")


def returned(dx, dgamma, dbeta, x, gamma):
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)


def rows_and_einsum(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    d = x.shape[-1]
    rows, upstream = (a.reshape(-1, d).astype(np.float64) for a in (x, dy))
    centered = rows - np.einsum("nd->n", rows)[:, None] / d
    inverse = 1 / np.sqrt(np.einsum("nd,nd->n", centered, centered) / d + eps)
    x_hat = np.einsum("nd,n->nd", centered, inverse)
    u = upstream * gamma
    along = np.einsum("nd,nd->n", u, x_hat)[:, None]
    dx = (d * u - u.sum(1, keepdims=True) - x_hat * along) * inverse[:, None] / d
    dgamma, dbeta = np.einsum("nd,nd->d", upstream, x_hat), np.einsum("nd->d", upstream)
    return returned(dx.reshape(x.shape), dgamma, dbeta, x, gamma)


def path_by_path(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    dtype = np.promote_types(x.dtype, np.float32)
    x_wide, dy_wide = x.astype(dtype), dy.astype(dtype)
    d = x.shape[-1]
    mean = x_wide.mean(-1, keepdims=True)
    var = x_wide.var(-1, keepdims=True)
    std = np.sqrt(var + eps)
    dx_hat = dy_wide * gamma
    dvar = (dx_hat * (x_wide - mean) * -0.5 * (var + eps) ** -1.5).sum(-1, keepdims=True)
    dmean = (-dx_hat / std).sum(-1, keepdims=True)
    dx = dx_hat / std + dvar * 2 * (x_wide - mean) / d + dmean / d
    axes = tuple(range(x.ndim - 1))
    dgamma = np.sum(dy_wide * (x_wide - mean) / std, axis=axes)
    return returned(dx, dgamma, np.sum(dy_wide, axis=axes), x, gamma)


def jacobian(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    d = x.shape[-1]
    dx = np.empty_like(x)
    dgamma, dbeta = np.zeros(d), np.zeros(d)
    for place in np.ndindex(x.shape[:-1]):
        row, upstream = x[place].astype(np.float64), dy[place].astype(np.float64)
        std = np.sqrt(row.var() + eps)
        x_hat = (row - row.mean()) / std
        matrix = (np.eye(d) - 1 / d - np.outer(x_hat, x_hat) / d) / std
        dx[place] = matrix @ (gamma * upstream)
        dgamma += upstream * x_hat
        dbeta += upstream
    return returned(dx, dgamma, dbeta, x, gamma)


def projections(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    x64, dy64 = np.float64(x), np.float64(dy)
    centered = x64 - x64.mean(-1, keepdims=True)
    variance = np.vecdot(centered, centered)[..., None] / x.shape[-1]
    u = dy64 * gamma
    u = u - u.mean(-1, keepdims=True)
    slope = np.vecdot(u, centered)[..., None] / x.shape[-1]
    dx = (u - centered * slope / (variance + eps)) / np.sqrt(variance + eps)
    x_hat = centered / np.sqrt(variance + eps)
    sums = [a.reshape(-1, x.shape[-1]).sum(0) for a in (dy64 * x_hat, dy64)]
    return returned(dx, *sums, x, gamma)


def autograd(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    leaves = [
        torch.tensor(np.asarray(a, np.float64), requires_grad=True) for a in (x, gamma, 0 * gamma)
    ]
    y = F.layer_norm(leaves[0], gamma.shape, leaves[1], leaves[2], eps)
    gradients = torch.autograd.grad(y, leaves, torch.tensor(np.float64(dy)))
    return returned(*(g.numpy() for g in gradients), x, gamma)


def of_the_package(dy, x, gamma, eps=1e-5):
    return returned(*norms.layer_norm_backward(dy, x, gamma, eps), x, gamma)


def complex_step(dy, x, gamma, eps=1e-5):
    """Derivatives without a formula: the imaginary part of y at x + i·10⁻³⁰."""
    check_shapes(dy, x, gamma)
    d = x.shape[-1]

    def normalized(row):
        centered = row - row.sum() / d
        return centered / np.sqrt((centered * centered).sum() / d + eps)

    dx, dgamma, dbeta = np.empty(x.shape), np.zeros(d), np.zeros(d)
    for place in np.ndindex(x.shape[:-1]):
        row, upstream = x[place].astype(np.float64), dy[place].astype(np.float64)
        for k in range(d):
            moved = row.astype(complex)
            moved[k] += 1e-30j
            dx[(*place, k)] = (upstream * gamma * normalized(moved)).imag.sum() / 1e-30
        dgamma += upstream * normalized(row)
        dbeta += upstream
    return returned(dx, dgamma, dbeta, x, gamma)


def vjp_of_a_formula(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    wide, weight, upstream = (torch.from_numpy(a.astype(np.float64)) for a in (x, gamma, dy))

    def forward(x, gamma, beta):
        centered = x - x.mean(-1, keepdim=True)
        return gamma * centered / (centered.square().mean(-1, keepdim=True) + eps).sqrt() + beta

    _, pull_back = torch.func.vjp(forward, wide, weight, torch.zeros_like(weight))
    return returned(*(g.numpy() for g in pull_back(upstream)), x, gamma)


def matrix_products(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    d = x.shape[-1]
    rows, upstream = (a.reshape(-1, d).astype(np.float64) for a in (x, dy))
    project = np.eye(d) - np.full((d, d), 1 / d)
    centered = (rows - rows[:, :1]) @ project
    inverse = np.diag(1 / np.sqrt((centered**2) @ np.full(d, 1 / d) + eps))
    x_hat = inverse @ centered
    u = (upstream @ np.diag(gamma.astype(np.float64))) @ project
    dx = inverse @ (u - np.diag((u * x_hat) @ np.full(d, 1 / d)) @ x_hat)
    ones = np.ones(len(rows))
    return returned(dx.reshape(x.shape), ones @ (upstream * x_hat), ones @ upstream, x, gamma)


def lists_of_numbers(dy, x, gamma, eps=1e-5):
    check_shapes(dy, x, gamma)
    d, weight = x.shape[-1], gamma.tolist()
    dx, of_gain = [], []
    upstream = dy.reshape(-1, d).tolist()
    for row, up in zip(x.reshape(-1, d).tolist(), upstream, strict=True):
        mean = math.fsum(row) / d
        std = math.sqrt(math.fsum((v - mean) ** 2 for v in row) / d + eps)
        x_hat = [(v - mean) / std for v in row]
        u = [a * g for a, g in zip(up, weight, strict=True)]
        average = math.fsum(u) / d
        along = math.fsum(a * h for a, h in zip(u, x_hat, strict=True)) / d
        dx.append([(a - average - h * along) / std for a, h in zip(u, x_hat, strict=True)])
        of_gain.append([a * h for a, h in zip(up, x_hat, strict=True)])
    sums = [
        np.array([math.fsum(row[k] for row in a) for k in range(d)]) for a in (of_gain, upstream)
    ]
    return returned(np.array(dx).reshape(x.shape), *sums, x, gamma)


def norms_of_the_gradient(dy, x, gamma, eps=1e-5):
    """dx is the part of ĝ that is orthogonal to 1 and, up to ε, to x̂."""
    check_shapes(dy, x, gamma)
    x64, dy64 = (np.asarray(a, dtype="f8") for a in (x, dy))
    centered = x64 - np.mean(x64, axis=-1, keepdims=True)
    length = np.linalg.norm(centered, axis=-1, keepdims=True)
    std = np.hypot(length / x.shape[-1] ** 0.5, eps**0.5)
    u = np.multiply(dy64, gamma)
    u = u - np.mean(u, axis=-1, keepdims=True)
    share = np.einsum("...d,...d->...", u, centered)[..., np.newaxis] / (x.shape[-1] * std**2)
    tokens = tuple(range(x.ndim - 1))
    dgamma = np.add.reduce(dy64 * centered / std, axis=tokens)
    return returned((u - share * centered) / std, dgamma, dy64.sum(axis=tokens), x, gamma)


def by_hand(dy, x, gamma, eps=1e-5):
    """Chapter 02's function, for (N, D); made for all shapes and dtypes."""
    check_shapes(dy, x, gamma)
    dtype = np.promote_types(x.dtype, np.float32)
    rows = [a.reshape(-1, x.shape[-1]).astype(dtype) for a in (dy, x)]
    dx, dgamma, dbeta = layer_norm_backward_by_hand(*rows, gamma, eps)
    return returned(dx.reshape(x.shape), dgamma, dbeta, x, gamma)


def layer_norm_backward_by_hand(dy, x, gamma, eps=1e-5):
    centered = x - x.mean(-1, keepdims=True)
    sigma = np.sqrt((centered**2).mean(-1, keepdims=True) + eps)
    x_hat, dx_hat = centered / sigma, dy * gamma
    along_ones = dx_hat.mean(-1, keepdims=True)
    along_x_hat = (dx_hat * x_hat).mean(-1, keepdims=True)
    dx = (dx_hat - along_ones - x_hat * along_x_hat) / sigma
    return dx, (dy * x_hat).sum(0), dy.sum(0)


def centered_and_sigma(x, eps):
    centered = x - x.mean(-1, keepdims=True)
    return centered, np.sqrt((centered**2).mean(-1, keepdims=True) + eps)


def dvar_of_the_chapter(dx_hat, x, eps=1e-5):
    centered, sigma = centered_and_sigma(x, eps)
    return -(dx_hat * centered / sigma).sum(-1, keepdims=True) / (2 * sigma**2)


def dvar_by_the_power(dx_hat, x, eps=1e-5):
    var = x.var(-1, keepdims=True)
    centered = x - x.mean(-1, keepdims=True)
    return np.sum(dx_hat * centered * -0.5 * (var + eps) ** -1.5, axis=-1, keepdims=True)


def dvar_by_einsum(dx_hat, x, eps=1e-5):
    centered, sigma = centered_and_sigma(x, eps)
    return np.einsum("...d,...d->...", dx_hat, centered)[..., None] / sigma**3 * -0.5


def dvar_by_loops(dx_hat, x, eps=1e-5):
    out = np.zeros((*x.shape[:-1], 1))
    for place in np.ndindex(x.shape[:-1]):
        row, g = x[place], dx_hat[place]
        sigma = (row.var() + eps) ** 0.5
        for d in range(len(row)):
            out[place] -= g[d] * (row[d] - row.mean()) / sigma**3 / 2
    return out


def leaves(dx_hat, x, eps):
    wide = torch.tensor(x)
    mean = wide.mean(-1, keepdim=True).requires_grad_()
    return wide, mean, torch.tensor(dx_hat), eps


def dvar_by_autograd(dx_hat, x, eps=1e-5):
    wide, mean, g, eps = leaves(dx_hat, x, eps)
    var = ((wide - mean) ** 2).mean(-1, keepdim=True).detach().requires_grad_()
    loss = (g * (wide - mean) / torch.sqrt(var + eps)).sum()
    return torch.autograd.grad(loss, var)[0].numpy()


def dmean_of_the_chapter(dx_hat, x, eps=1e-5):
    _, sigma = centered_and_sigma(x, eps)
    return -dx_hat.sum(-1, keepdims=True) / sigma


def dmean_with_the_term_that_is_0(dx_hat, x, eps=1e-5):
    centered, sigma = centered_and_sigma(x, eps)
    through_var = dvar_by_the_power(dx_hat, x, eps) * (-2 * centered).mean(-1, keepdims=True)
    return np.sum(-dx_hat / sigma, axis=-1, keepdims=True) + through_var


def dmean_by_einsum(dx_hat, x, eps=1e-5):
    return np.einsum("...d->...", -dx_hat)[..., None] * (x.var(-1, keepdims=True) + eps) ** -0.5


def dmean_by_a_product(dx_hat, x, eps=1e-5):
    _, sigma = centered_and_sigma(x, eps)
    return dx_hat @ -np.ones((x.shape[-1], 1)) / sigma


def dmean_by_autograd(dx_hat, x, eps=1e-5):
    wide, mean, g, eps = leaves(dx_hat, x, eps)
    var = ((wide - mean) ** 2).mean(-1, keepdim=True)
    loss = (g * (wide - mean) / torch.sqrt(var + eps)).sum()
    return torch.autograd.grad(loss, mean)[0].numpy()


def dx_of_the_chapter(dx_hat, x, eps=1e-5):
    centered, sigma = centered_and_sigma(x, eps)
    dvar, dmean = dvar_of_the_chapter(dx_hat, x, eps), dmean_of_the_chapter(dx_hat, x, eps)
    d = x.shape[-1]
    return dx_hat / sigma + dvar * 2 * centered / d + dmean / d


def dx_collapsed(dx_hat, x, eps=1e-5):
    centered, sigma = centered_and_sigma(x, eps)
    x_hat = centered / sigma
    means = [a.mean(-1, keepdims=True) for a in (dx_hat, dx_hat * x_hat)]
    return (dx_hat - means[0] - x_hat * means[1]) / sigma


def dx_by_jacobians(dx_hat, x, eps=1e-5):
    centered, sigma = centered_and_sigma(x, eps)
    x_hat, d = centered / sigma, x.shape[-1]
    matrix = np.eye(d) - 1 / d - x_hat[..., :, None] * x_hat[..., None, :] / d
    return np.einsum("...ij,...j->...i", matrix, dx_hat) / sigma


def dx_by_the_package(dx_hat, x, eps=1e-5):
    return norms.layer_norm_backward(dx_hat, x, np.ones(x.shape[-1]), eps)[0]


def dx_by_autograd(dx_hat, x, eps=1e-5):
    return autograd(dx_hat, x, np.ones(x.shape[-1]), eps)[0]


RIGHT = {
    "variance_gradient": [
        dvar_of_the_chapter,
        dvar_by_the_power,
        dvar_by_einsum,
        dvar_by_loops,
        dvar_by_autograd,
    ],
    "mean_gradient": [
        dmean_of_the_chapter,
        dmean_with_the_term_that_is_0,
        dmean_by_einsum,
        dmean_by_a_product,
        dmean_by_autograd,
    ],
    "input_gradient": [
        dx_of_the_chapter,
        dx_collapsed,
        dx_by_jacobians,
        dx_by_the_package,
        dx_by_autograd,
    ],
    "layer_norm_backward": [
        by_hand,
        rows_and_einsum,
        path_by_path,
        jacobian,
        projections,
        autograd,
        of_the_package,
        complex_step,
        vjp_of_a_formula,
        matrix_products,
        lists_of_numbers,
        norms_of_the_gradient,
    ],
}
SAME_SHAPE = "the first condition has found dy.shape and x.shape equal"
EQUIVALENT = {
    "variance_gradient": {},
    "mean_gradient": {},
    "input_gradient": {
        "size = x.shape[-1] -> size = dx_hat.shape[-1]": "dx_hat has the shape of x",
    },
    "layer_norm_backward": {
        "if not (dy.shape == x.shape and gamma.shape == x.shape[-1:]): -> "
        "if not (dy.shape == x.shape and gamma.shape == dy.shape[-1:]):": SAME_SHAPE,
        "tokens = tuple(range(x.ndim - 1)) -> tokens = tuple(range(dy.ndim - 1))": SAME_SHAPE,
    },
}
