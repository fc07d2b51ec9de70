"""A cancellation, digit by digit: the two terms of a one-pass variance on paper and in float32."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class DigitLadder:
    """Whole numbers one below the other, by name, each on paper and as float32 has it."""

    x: tuple[int, ...]
    on_paper: dict[str, int]
    in_float32: dict[str, int]
    spacing: int
    """Of float32 at mean(x²)."""
    spacing_at_sum: int
    """Of float32 at the sum of the squares."""


def digit_ladder(x: Sequence[int]) -> DigitLadder:
    """mean(x²), μ² and their difference, for whole x (D,) with a whole mean and mean square.

    >>> ladder = digit_ladder([9999, 10001])
    >>> ladder.on_paper["mean(x²)"], ladder.in_float32["mean(x²)"], ladder.spacing
    (100000001, 100000000, 8)
    >>> digit_ladder([10002, 10002, 10004, 10004]).spacing_at_sum
    32
    """
    stored = np.asarray(x, np.float32)
    mean = stored.mean()  # (D,) -> ()
    terms = {"mean(x²)": (stored * stored).mean(), "μ²": mean * mean}  # (D,) -> ()
    mean_square = sum(value**2 for value in x) // len(x)
    exact = {"mean(x²)": mean_square, "μ²": (sum(x) // len(x)) ** 2}
    return DigitLadder(
        tuple(x),
        exact | {"difference": exact["mean(x²)"] - exact["μ²"]},
        {name: int(value) for name, value in terms.items()}
        | {"difference": int(terms["mean(x²)"] - terms["μ²"])},
        int(np.spacing(terms["mean(x²)"])),
        int(np.spacing((stored * stored).sum())),  # (D,) -> ()
    )
