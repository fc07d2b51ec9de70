"""Sums of many terms in half precision: where they stop growing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from normlab.norms import FloatArray


def round_to_bfloat16(x: ArrayLike) -> FloatArray:
    """The nearest bfloat16 (8 significant bits, ties to even) of finite x, held in float32.

    >>> round_to_bfloat16([257.0, 258.0, 0.1]).tolist()
    [256.0, 258.0, 0.10009765625]
    """
    bits = np.asarray(x, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)
    return np.asarray(rounded.astype(np.uint32).view(np.float32))


ROUNDING: Mapping[str, Callable[[ArrayLike], FloatArray]] = {
    "float32": lambda x: np.asarray(x, np.float32),
    "float16": lambda x: np.asarray(x, np.float16).astype(np.float32),
    "bfloat16": round_to_bfloat16,
}
"""Rounding to each dtype, the result held in float32."""


@dataclass(frozen=True)
class RepeatedSums:
    """Sums of n equal terms after n = `counts` (C,) of them, by dtype of the accumulator."""

    terms: FloatArray
    counts: FloatArray
    sums: Mapping[str, FloatArray]
    """(C, T), one column per term."""

    def of(self, dtype: str, term: float) -> FloatArray:
        """The sums (C,) of one term."""
        return self.sums[dtype][:, int(np.abs(self.terms - term).argmin())]

    def counted(self, dtype: str, term: float) -> float:
        """How many of the terms the last sum is worth."""
        return float(self.of(dtype, term)[-1] / ROUNDING[dtype](term))

    def stalled(self, dtype: str, term: float) -> bool:
        """Whether the sum had stopped growing before the end."""
        sums = self.of(dtype, term)
        return bool(sums[-1] == sums[-2])


def repeated_sums(
    terms: Sequence[float], block: int = 1, count: int = 8192, points: int = 128
) -> RepeatedSums:
    """Add each term `count` times, rounding to the dtype after every addition.

    `block` terms are first added up into a partial sum, then the partial sums are added;
    block = 1 is one running sum.

    >>> sums = repeated_sums([1.0])
    >>> [sums.counted(dtype, 1.0) for dtype in sums.sums]
    [8192.0, 2048.0, 256.0]
    >>> sums = repeated_sums([1.0], block=64)
    >>> [sums.counted(dtype, 1.0) for dtype in sums.sums]
    [8192.0, 8192.0, 8192.0]
    """
    every = count // points
    sums = {}
    for dtype, rounding in ROUNDING.items():
        partial = _running_sums(rounding(terms), block, rounding)[-1]  # (block, T) -> (T,)
        totals = _running_sums(partial, count // block, rounding)
        sums[dtype] = totals[max(every // block, 1) - 1 :: max(every // block, 1)]
    return RepeatedSums(np.asarray(terms), every * np.arange(1.0, points + 1), sums)


def _running_sums(
    terms: FloatArray, count: int, rounding: Callable[[ArrayLike], FloatArray]
) -> FloatArray:
    """The sums (count, T) after each addition of the terms (T,)."""
    sums = np.empty((count, *terms.shape), np.float32)
    total = np.zeros_like(terms)
    for k in range(count):
        total = rounding(total + terms)
        sums[k] = total
    return sums
