"""One row, alone and among others: are the bits of its result the same?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from normlab import norms
from normlab.norms import FloatArray

Operation = Callable[[Any], Any]


def operations(features: int, seed: int = 0) -> dict[str, tuple[Operation, str]]:
    """Norms and matrix products of rows (N, D), and the dtype of their input.

    W (D, D) is random; the dtype is one of torch, or "numpy" for float32 in NumPy.
    """
    weight = np.random.default_rng(seed).standard_normal((features, features))
    weight /= np.sqrt(features)
    products: dict[str, tuple[Operation, str]] = {}
    found: dict[str, tuple[Operation, str]] = {}
    for dtype in ("float32", "bfloat16"):
        found[f"F.layer_norm, {dtype}"] = lambda x: F.layer_norm(x, (features,)), dtype
        found[f"F.rms_norm, {dtype}"] = lambda x: F.rms_norm(x, (features,)), dtype
        matrix = torch.from_numpy(weight).to(getattr(torch, dtype))
        products[f"x @ W, torch, {dtype}"] = matrix.__rmatmul__, dtype
    found["norms.layer_norm, float32"] = norms.layer_norm, "numpy"
    found["norms.rms_norm, float32"] = norms.rms_norm, "numpy"
    products["x @ W, NumPy, float32"] = weight.astype(np.float32).__rmatmul__, "numpy"
    return found | products


@dataclass(frozen=True)
class BatchRows:
    """By operation, the share of one row's outputs whose bits change in a batch of `counts`."""

    counts: tuple[int, ...]
    changed: Mapping[str, FloatArray]
    """By operation: (C,)."""


def batch_rows(
    counts: Sequence[int] = (2, 4, 64, 513), features: int = 512, seed: int = 0
) -> BatchRows:
    """Run each of `operations` on the first row alone, and as the first of more and more rows.

    What comes out depends on the machine, and on the versions of the libraries.

    >>> rows = batch_rows(counts=(1, 2), features=8)
    >>> rows.counts, max(share[0] for share in rows.changed.values()).item()
    ((1, 2), 0.0)
    """
    x = np.random.default_rng(seed).standard_normal((max(counts), features))  # (N, D)
    changed = {}
    for name, (operation, dtype) in operations(features, seed).items():
        rows: Any = x.astype(np.float32)
        if dtype != "numpy":
            rows = torch.from_numpy(x).to(getattr(torch, dtype))
        alone = operation(rows[:1])[0]
        shares = [float((operation(rows[:n])[0] != alone).sum()) / features for n in counts]
        changed[name] = np.array(shares)
    return BatchRows(tuple(counts), changed)


def mean_square_in_parts(x: FloatArray, parts: int) -> FloatArray:
    """mean(x²) over the last axis, by way of partial sums: the order of a GPU's RMSNorm.

    Partial sum p adds x_p², x_{p + parts}², … in this order. Then halves of the partial sums are
    added to each other until one number is left. Every step is rounded to the dtype of x.

    Args:
        x: (N, D), with D a multiple of `parts`.
        parts: how many partial sums, a power of two.

    Returns:
        (N,) in the dtype of x.

    Source: the loop of `rms_norm_kernel` in vLLM, csrc/layernorm_kernels.cu, where each thread of
    a block has one partial sum. The order in which these are joined is simplified here.

    >>> mean_square_in_parts(np.array([[1.0, 2.0, 3.0, 4.0]]), parts=2)
    array([7.5])
    """
    squares = (x * x).reshape(len(x), -1, parts)  # (N, D) -> (N, D/parts, parts)
    sums = np.zeros_like(squares[:, 0])
    for place in range(squares.shape[1]):
        sums = sums + squares[:, place]
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        sums = sums[:, :half] + sums[:, half:]  # (N, parts) -> (N, parts/2)
    return np.asarray(sums[:, 0] / x.dtype.type(x.shape[1]))
