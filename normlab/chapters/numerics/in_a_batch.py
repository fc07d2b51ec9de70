"""One row, alone and among others: are the bits of its result the same?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from normlab import norms
from normlab.norms import FloatArray

Operation = Callable[[FloatArray], FloatArray]
"""Casts rows (N, D) to its dtype, and gives its result (N, D) in float64."""


def operations(features: int, seed: int = 0) -> dict[str, Operation]:
    """Norms, and products with a random matrix W (D, D), by library and dtype.

    >>> operations(2)["norms.rms_norm, float32"](np.array([[3.0, 3.0]])).round(3).tolist()
    [[1.0, 1.0]]
    """
    weight = np.random.default_rng(seed).standard_normal((features, features)) / features**0.5
    found: dict[str, Operation] = {}
    for dtype in (torch.float32, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        found[f"F.layer_norm, {name}"] = _in_torch(lambda x: F.layer_norm(x, (features,)), dtype)
        found[f"F.rms_norm, {name}"] = _in_torch(lambda x: F.rms_norm(x, (features,)), dtype)
    found["norms.layer_norm, float32"] = _in_numpy(norms.layer_norm)
    found["norms.rms_norm, float32"] = _in_numpy(norms.rms_norm)
    for dtype in (torch.float32, torch.bfloat16):
        name, matrix = str(dtype).removeprefix("torch."), torch.from_numpy(weight).to(dtype)
        found[f"x @ W, torch, {name}"] = _in_torch(partial(_times, w=matrix), dtype)
    found["x @ W, NumPy, float32"] = _in_numpy(partial(_times, w=weight.astype(np.float32)))
    return found


def _times(x: Any, w: Any) -> Any:
    return x @ w  # (N, D) @ (D, D)


def _in_torch(function: Callable[[Tensor], Tensor], dtype: torch.dtype) -> Operation:
    return lambda rows: function(torch.from_numpy(rows).to(dtype)).double().numpy()


def _in_numpy(function: Callable[[FloatArray], FloatArray]) -> Operation:
    return lambda rows: function(rows.astype(np.float32)).astype(np.float64)


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
    for name, operation in operations(features, seed).items():
        alone = operation(x[:1])[0]
        changed[name] = np.array([(operation(x[:n])[0] != alone).mean() for n in counts])
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

    Raises:
        ValueError: if `parts` is no power of two, or does not divide D.

    Source: the loop of `rms_norm_kernel` in vLLM, csrc/layernorm_kernels.cu, where each thread of
    a block has one partial sum. The order in which these are joined is simplified here.

    >>> mean_square_in_parts(np.array([[1.0, 2.0, 3.0, 4.0]]), parts=2)
    array([7.5])
    """
    if parts < 1 or parts & (parts - 1) or x.shape[1] % parts:
        raise ValueError(
            f"parts is {parts} for rows of {x.shape[1]} features; expected a power of two that "
            "divides them."
        )
    squares = (x * x).reshape(len(x), -1, parts)  # (N, D) -> (N, D/parts, parts)
    sums = np.zeros_like(squares[:, 0])
    for place in range(squares.shape[1]):
        sums = sums + squares[:, place]
    while sums.shape[1] > 1:
        half = sums.shape[1] // 2
        sums = sums[:, :half] + sums[:, half:]  # (N, parts) -> (N, parts/2)
    return np.asarray(sums[:, 0] / x.dtype.type(x.shape[1]))
