"""What many seeds say together: a typical value, its standard error, and both in words."""

import math

import numpy as np

from normlab.norms import FloatArray


def typical(values: FloatArray) -> FloatArray:
    """The typical value over the seeds, (seeds, …) -> (…,).

    >>> typical(np.array([[1.0, 2.0], [100.0, 8.0]]))
    array([10.,  4.])
    """
    return np.exp(np.log(values).mean(0))  # (seeds, …) -> (…,)


def spread(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A band about the geometric mean: one standard deviation of the logarithms down, and up.

    >>> low, high = spread(np.array([[1.0], [100.0]]))
    >>> round(float(high[0] / low[0]))
    668
    """
    logs = np.log(values)
    mean, sd = logs.mean(0), logs.std(0, ddof=1)  # (seeds, …) -> (…,)
    return np.exp(mean - sd), np.exp(mean + sd)


def standard_error(values: FloatArray) -> float:
    """The standard deviation of numbers (seeds,) over √seeds.

    Raises:
        ValueError: if there is one number only.

    Example:
        >>> standard_error(np.array([1.0, 2.0, 3.0, 4.0]))
        0.6454972243679028
    """
    if len(values) < 2:
        raise ValueError(f"got {len(values)} seed; a standard error needs two at least.")
    return float(values.std(ddof=1) / math.sqrt(len(values)))  # (seeds,) -> ()


def plus_minus(value: float, error: float) -> str:
    """A value with as many decimals as the first digit of its standard error, three at most.

    >>> plus_minus(1.72345, 0.11), plus_minus(-0.0004, 0.003), plus_minus(0.5, 1e-6)
    ('1.7 ± 0.1', '0.000 ± 0.003', '0.500 ± 0.001')
    """
    error = max(error, 0.001)
    decimals = max(0, -math.floor(math.log10(error)))
    return f"{round(value, decimals) + 0.0:.{decimals}f} ± {error:.{decimals}f}"
