"""The gain of a norm, stored as w (LLaMA) or as 1 + w behind a stored w (Gemma), in bfloat16."""

from dataclasses import dataclass

import torch

from normlab.norms import FloatArray


@dataclass(frozen=True)
class StoredGains:
    """The same gains in either form, as float64 (N,).

    Attributes:
        gemma: 1 + w, with w in bfloat16.
        llama: the same 1 + w, itself in bfloat16.
    """

    gemma: FloatArray
    llama: FloatArray


def stored_gains(spread: float = 0.02, count: int = 100_000, seed: int = 0) -> StoredGains:
    """Gains of Gemma's form with w of that standard deviation, and what LLaMA's form keeps.

    >>> gains = stored_gains(count=1000)
    >>> len(set(gains.llama)) < len(set(gains.gemma))
    True
    """
    generator = torch.Generator().manual_seed(seed)
    w = (spread * torch.randn(count, generator=generator)).bfloat16()
    return StoredGains((1 + w.double()).numpy(), (1 + w).double().numpy())
