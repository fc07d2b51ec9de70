"""Right answers to exercise 02."""

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


RIGHT = {
    "layer_norm_backward": [
        rows_and_einsum,
        path_by_path,
        jacobian,
        projections,
        autograd,
        of_the_package,
    ]
}
SAME_SHAPE = "the first condition has found dy.shape and x.shape equal"
EQUIVALENT = {
    "layer_norm_backward": {
        "if not (dy.shape == x.shape and gamma.shape == x.shape[-1:]): -> "
        "if not (dy.shape == x.shape and gamma.shape == dy.shape[-1:]):": SAME_SHAPE,
        "tokens = tuple(range(x.ndim - 1)) -> tokens = tuple(range(dy.ndim - 1))": SAME_SHAPE,
    }
}
