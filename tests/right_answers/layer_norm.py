"""Right answers to exercise 01."""

import functools
import math
import statistics

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
    scaled = np.einsum("d,...d->...d", gamma, centered / np.sqrt(variance + eps))
    return (scaled + beta).astype(x.dtype)


def loops(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        row = [float(v) for v in x[place]]
        mean = sum(row) / len(row)
        variance = sum((v - mean) ** 2 for v in row) / len(row)
        for d, value in enumerate(row):
            normalized = (value - mean) / (variance + eps) ** 0.5
            out[place][d] = float(gamma[d]) * normalized + float(beta[d])
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


def of_one_row(row, gamma, beta, eps):
    centered = row - row.mean()
    return gamma * centered / np.sqrt(centered @ centered / len(row) + eps) + beta


row_by_row = np.vectorize(of_one_row, otypes=[float], signature="(d),(d),(d),()->(d)")


def vectorized(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    wide = (a.astype(np.float64) for a in (x, gamma, beta))
    return row_by_row(*wide, eps).astype(x.dtype)


class Callable:
    """An object that is called like a function."""

    __name__ = "Callable"

    def __call__(self, x, gamma, beta, eps=1e-5):
        check_shapes(x, gamma, beta)
        wide = x.astype(np.result_type(x, np.float32))
        return self.affine(self.standardized(wide, eps), gamma, beta).astype(x.dtype)

    @staticmethod
    def standardized(wide, eps):
        centered = np.subtract(wide, np.mean(wide, axis=-1, keepdims=True))
        return centered / np.sqrt(np.var(wide, axis=-1, keepdims=True) + eps)

    @staticmethod
    def affine(normalized, gamma, beta):
        return np.add(np.multiply(normalized, gamma), beta)


def with_settings(x, gamma, beta, eps=1e-5, *, dtype, axis):
    check_shapes(x, gamma, beta)
    wide = x.astype(dtype)
    centered = wide - np.expand_dims(wide.mean(axis), axis)
    variance = np.expand_dims(np.square(centered).mean(axis), axis)
    return (gamma * centered / np.sqrt(variance + eps) + beta).astype(x.dtype)


partial_in_long_double = functools.update_wrapper(
    functools.partial(with_settings, dtype=np.longdouble, axis=-1), with_settings
)


def length_of_the_centered_row(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    centered = x.astype(np.float64)
    centered -= centered.mean(axis=-1, keepdims=True)
    d = x.shape[-1]
    length = np.hypot(np.linalg.norm(centered, axis=-1, keepdims=True), math.sqrt(d * eps))
    return (centered / length * math.sqrt(d) * gamma + beta).astype(x.dtype)


def features_first(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    columns = np.moveaxis(x, -1, 0).astype(np.promote_types(x.dtype, np.float32))
    columns = columns - columns.mean(0)
    columns = columns / np.sqrt((columns**2).mean(0) + eps)
    return (np.moveaxis(columns, 0, -1) * gamma + beta).astype(x.dtype)


def welford(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    wide, d = x.astype(np.float64), x.shape[-1]
    mean, squares = np.zeros((2, *x.shape[:-1]))
    for k in range(d):
        step = wide[..., k] - mean
        mean = mean + step / (k + 1)
        squares = squares + step * (wide[..., k] - mean)
    root = np.sqrt(squares / d + eps)
    return ((wide - mean[..., None]) / root[..., None] * gamma + beta).astype(x.dtype)


def of_the_standard_library(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    rows, gain, shift = [], gamma.tolist(), beta.tolist()
    for row in x.reshape(-1, x.shape[-1]).tolist():
        mean = math.fsum(row) / len(row)
        root = math.sqrt(statistics.pvariance(row) + eps)
        rows.append([g * (v - mean) / root + b for v, g, b in zip(row, gain, shift, strict=True)])
    return np.array(rows, dtype=x.dtype).reshape(x.shape)


def torch_var_mean(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    wide = torch.tensor(x.tolist(), dtype=torch.float64).reshape(x.shape)
    variance, mean = torch.var_mean(wide, dim=-1, correction=0, keepdim=True)
    y = ((wide - mean) * torch.rsqrt(variance + eps)).numpy()
    return np.add(y * gamma, beta).astype(x.dtype)


RIGHT = {
    "layer_norm": [
        einsum,
        loops,
        vecdot,
        built_in_variance,
        centering_then_rms_norm,
        through_torch,
        of_the_package,
        vectorized,
        Callable(),
        partial_in_long_double,
        length_of_the_centered_row,
        features_first,
        welford,
        of_the_standard_library,
        torch_var_mean,
    ]
}
EQUIVALENT = {"layer_norm": {}}
