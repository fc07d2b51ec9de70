"""Means over seeds with their standard errors, in no digit more than they are good for."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def standard_error(numbers: Sequence[float] | NDArray[np.floating]) -> float:
    """Of the mean of K independent numbers: their standard deviation over √K; nan for one.

    >>> standard_error([1.0, 3.0]), standard_error([1.0])
    (1.0, nan)
    """
    count = len(numbers)
    return float(np.std(numbers, ddof=1) / np.sqrt(count)) if count > 1 else math.nan


def with_error(value: float, error: float) -> str:
    """A value and its standard error, both to the first digit of the error.

    No minus before a zero. An error that is not known is left out, and so is one below a
    ten-thousandth of the value.

    >>> with_error(-0.471, 0.004), with_error(1.717, 0.11), with_error(-0.01, math.nan)
    ('-0.471 ± 0.004', '1.7 ± 0.1', '-0.01')
    >>> with_error(6123, 1800), with_error(6.5e9, 2.3e9), with_error(1.0, 1e-7)
    ('6,000 ± 2,000', '6e+09 ± 2e+09', '1')
    """
    if math.isnan(error):
        return f"{round(value, 2) + 0.0:.2f}"
    if error <= 1e-4 * abs(value):
        return f"{value + 0.0:.3g}"
    size, first = max(abs(value), error), math.floor(math.log10(error))
    if not 1e-4 <= size < 1e5:
        digits = math.floor(math.log10(size)) - first
        return f"{value:.{digits}e} ± {error:.0e}"
    decimals = max(0, -first)
    rounded = round(float(value), -first) + 0.0
    return f"{rounded:,.{decimals}f} ± {round(error, -first):,.{decimals}f}"


def typical(values: NDArray[np.floating]) -> str:
    """The geometric mean of positive numbers (K,) with its standard error.

    The error is the mean times that of the mean logarithm.

    >>> typical(np.array([5.0, 6.0, 7.0])), typical(np.array([3e3, 9e3, 1.5e4]))
    ('5.9 ± 0.6', '7,000 ± 4,000')
    """
    logs = np.log(values)
    mean = math.exp(logs.mean())  # (K,) -> ()
    return with_error(mean, mean * standard_error(logs))
