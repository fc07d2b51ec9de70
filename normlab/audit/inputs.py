"""Rows that norms are tried on, always the same ones."""

import torch
from torch import Tensor

ORDINARY = (16, 64)


def rows(*shape: int, seed: int = 0) -> Tensor:
    """Ordinary rows (..., D), float64: means from −1 to 1, deviations from 0.5 to 2."""
    rng = torch.Generator().manual_seed(seed)
    drawn = torch.randn(shape, generator=rng, dtype=torch.float64)
    one = (*shape[:-1], 1)
    mean = 2 * torch.rand(one, generator=rng, dtype=torch.float64) - 1
    return drawn * (0.5 + 1.5 * torch.rand(one, generator=rng, dtype=torch.float64)) + mean


def peaks(count: int, size: int, height: float) -> Tensor:
    """Rows (N, D) of small numbers with one far greater, float64."""
    x = 0.1 * rows(count, size)
    x[:, size // 3] = height
    return x


def pairs(size: int, height: float) -> Tensor:
    """Two rows (2, D) of ± a number with mean 0, float64: their variance is its square."""
    signs = torch.ones(2, size, dtype=torch.float64)
    signs[:, ::2] = -1
    return height * signs
