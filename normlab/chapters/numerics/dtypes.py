"""Which numbers a dtype has: near one place, and from the smallest to the largest."""

from dataclasses import dataclass

import numpy as np
import torch

from normlab.norms import FloatArray

DTYPES = ("bfloat16", "float16", "float32")


@dataclass(frozen=True)
class NumberLine:
    """The numbers of a dtype from `low` to `high`, and the ends of its range."""

    dtype: str
    bits: int
    """Significant bits; u is 2 to the power −bits."""
    numbers: FloatArray
    """(n,), rising, in float64."""
    smallest: float
    """Of the numbers with all significant bits."""
    subnormal: float
    """The smallest number above 0."""
    largest: float

    @property
    def gaps(self) -> list[float]:
        """The distances between neighbours, each once, rising."""
        return np.unique(np.diff(self.numbers)).tolist()

    def around(self, center: float, reach: float) -> FloatArray:
        """(k,) of the numbers: those at most `reach` from `center`."""
        return self.numbers[np.abs(self.numbers - center) <= reach]


def number_lines(low: float, high: float) -> list[NumberLine]:
    """A `NumberLine` for each of `DTYPES`.

    Args:
        low, high: its ends, above 0; bfloat16 numbers, so that every dtype has them.

    Raises:
        ValueError: if an end is not a number above 0 that bfloat16 has, or they are in disorder.

    >>> [line.gaps for line in number_lines(1008, 1040)][:2]
    [[4.0, 8.0], [0.5, 1.0]]
    """
    stored = torch.tensor([low, high], dtype=torch.float64).bfloat16().tolist()
    if not 0 < low < high or stored != [low, high]:
        raise ValueError(
            f"the ends are {low:g} and {high:g}, in bfloat16 {stored[0]:g} and {stored[1]:g}; "
            "expected 0 < low < high, both numbers that bfloat16 has."
        )
    return [_number_line(dtype, low, high) for dtype in DTYPES]


def _number_line(name: str, low: float, high: float) -> NumberLine:
    """Numbers of one sign are in the order of their bits, read as whole numbers."""
    dtype = getattr(torch, name)
    info = torch.finfo(dtype)
    whole = torch.int32 if info.bits == 32 else torch.int16
    first, last = (torch.tensor(end, dtype=dtype).view(whole).item() for end in (low, high))
    numbers = torch.arange(first, last + 1, dtype=whole).view(dtype).double().numpy()
    bits = 1 - int(np.log2(info.eps))
    return NumberLine(name, bits, numbers, info.tiny, info.tiny * info.eps, info.max)
