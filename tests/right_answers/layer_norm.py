"""Right answers to exercise 01."""

import numpy as np
import torch
import torch.nn.functional as F

from normlab import norms


def check_shapes(x, *parameters):
    for parameter in parameters:
        if parameter.shape != (x.shape[-1],):
            raise ValueError(f"shape {parameter.shape} does not fit {x.shape}")


def einsum(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    wide = x.astype(np.float64)
    d = x.shape[-1]
    centered = wide - np.einsum("...d->...", wide)[..., None] / d
    variance = np.einsum("...d,...d->...", centered, centered)[..., None] / d
    return (
        np.einsum("d,...d->...d", gamma, centered / np.sqrt(variance + eps)).astype(x.dtype) + beta
    )


def loops(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        row = [float(v) for v in x[place]]
        mean = sum(row) / len(row)
        variance = sum((v - mean) ** 2 for v in row) / len(row)
        for d, value in enumerate(row):
            out[place][d] = gamma[d] * (value - mean) / (variance + eps) ** 0.5 + beta[d]
    return out


def vecdot(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    wide = x if x.dtype != np.float16 else x.astype(np.float32)
    centered = wide - wide.mean(axis=-1, keepdims=True)
    variance = np.vecdot(centered, centered)[..., None] / x.shape[-1]
    return (centered * (gamma / np.sqrt(variance + eps)) + beta).astype(x.dtype)


def built_in_variance(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    wide = x.astype(np.float64)
    mean, variance = wide.mean(-1, keepdims=True), wide.var(-1, keepdims=True)
    return (beta + gamma * ((wide - mean) * (variance + eps) ** -0.5)).astype(x.dtype)


def centering_then_rms_norm(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    wide = np.asarray(x, np.float64)
    centered = wide - wide.mean(axis=-1, keepdims=True)
    rms = np.sqrt(np.mean(np.square(centered), axis=-1, keepdims=True) + eps)
    return np.asarray(centered / rms * gamma + beta, x.dtype)


def through_torch(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    wide = (torch.from_numpy(np.asarray(a, np.float64)) for a in (x, gamma, beta))
    x_wide, weight, bias = wide
    return F.layer_norm(x_wide, x.shape[-1:], weight, bias, eps).numpy().astype(x.dtype)


def of_the_package(x, gamma, beta, eps=1e-5):
    return norms.layer_norm(x, gamma, beta, eps)


RIGHT = {
    "layer_norm": [
        einsum,
        loops,
        vecdot,
        built_in_variance,
        centering_then_rms_norm,
        through_torch,
        of_the_package,
    ]
}
EQUIVALENT = {"layer_norm": {}}
