"""The gain γ of a norm, stored as γ (LLaMA) or as γ − 1 (Gemma), in bfloat16."""

from dataclasses import dataclass

import torch

from normlab.norms import FloatArray


@dataclass(frozen=True)
class StoredGains:
    """The same gains in either form, as float64 (N,).

    Attributes:
        gemma: γ, where γ − 1 is in bfloat16.
        llama: the same γ, itself in bfloat16.
    """

    gemma: FloatArray
    llama: FloatArray


def stored_gains(spread: float = 0.02, count: int = 100_000, seed: int = 0) -> StoredGains:
    """Gains of Gemma's form, γ − 1 of that standard deviation, and what LLaMA's form keeps.

    >>> gains = stored_gains(count=1000)
    >>> len(set(gains.llama)) < len(set(gains.gemma))
    True
    """
    generator = torch.Generator().manual_seed(seed)
    stored = (spread * torch.randn(count, generator=generator)).bfloat16()
    return StoredGains((1 + stored.double()).numpy(), (1 + stored).double().numpy())
