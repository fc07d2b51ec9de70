"""Where an error of layer norm comes from: what the input lost, and what each norm adds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from normlab.norms import FloatArray, layer_norm

PARTS = (
    "input rounded",
    "mean rounded",
    "nn.LayerNorm",
    "two pass",
    "centered twice",
    "normlab.norms",
)


def largest_errors(offset: float, rows: int = 256, features: int = 512) -> dict[str, float]:
    """Each largest error on rows N(offset, 1) in float32, by the names of `PARTS`.

    "Input rounded" compares two runs in float64, before and after the rows are stored. All others
    compare with the second of them.

    >>> errors = largest_errors(1e6)
    >>> round(errors["input rounded"], 2), bool(errors["two pass"] > errors["input rounded"])
    (0.04, True)
    """
    before = np.random.default_rng(0).standard_normal((rows, features)) + offset  # (N, D)
    x = before.astype(np.float32)
    stored = x.astype(np.float64)
    exact, mean = layer_norm(stored), stored.mean(-1, keepdims=True)  # (N, D), (N, 1)
    outputs = (
        layer_norm(before),
        F.layer_norm(torch.from_numpy(x), (features,)).numpy(),
        two_pass_layer_norm(x),
        two_pass_layer_norm(x - x.mean(-1, keepdims=True)),
        layer_norm(x),
    )
    inputs, *norms = [float(np.abs(y - exact).max()) for y in outputs]
    of_mean = float(np.abs(mean.astype(np.float32) - mean).max())
    return dict(zip(PARTS, (inputs, of_mean, *norms), strict=True))


def two_pass_layer_norm(x: FloatArray, eps: float = 1e-5) -> FloatArray:
    """Layer norm with its mean subtracted once, every step in the dtype of x (..., D)."""
    centered = x - x.mean(-1, keepdims=True)  # (..., D) - (..., 1)
    variance = (centered**2).mean(-1, keepdims=True)  # (..., D) -> (..., 1)
    return np.asarray(centered / np.sqrt(variance + x.dtype.type(eps)))


@dataclass(frozen=True)
class ErrorSweep:
    """`largest_errors` at each offset (F,), by the names of `PARTS`."""

    offsets: FloatArray
    errors: Mapping[str, FloatArray]


def error_sweep(offsets: Sequence[float]) -> ErrorSweep:
    """`largest_errors` at each of the offsets."""
    found = [largest_errors(offset) for offset in offsets]
    errors = {name: np.array([errors[name] for errors in found]) for name in PARTS}
    return ErrorSweep(np.asarray(offsets, np.float64), errors)
