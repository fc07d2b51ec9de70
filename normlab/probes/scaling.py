"""How a measured number grows with depth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from normlab.norms import FloatArray
from normlab.tools.error_bars import standard_error, with_error
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

Measure = Callable[[int, int], float]
"""`measure(depth, seed)`."""
Fit = Callable[[FloatArray, FloatArray], float]
"""`fit(depths, values)`: the slope of a line through the logarithms."""


def loglog_slope(depths: ArrayLike, values: ArrayLike) -> float:
    """The power p of the best fit values ≈ c · depthsᵖ: least squares on both logarithms.

    Args:
        depths: (N,), above 0, at least two of them different.
        values: (N,), above 0.

    Raises:
        ValueError: if the shapes differ, or a number is not above 0 and finite, or all depths
            are equal.

    Example:
        >>> round(loglog_slope([2, 4, 8], [3, 6, 12]), 6)
        1.0
    """
    x, y = np.asarray(depths, np.float64), np.asarray(values, np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"depths have shape {x.shape} and values {y.shape}; expected one (N,).")
    for name, numbers in (("depths", x), ("values", y)):
        if not (np.isfinite(numbers) & (numbers > 0)).all():
            raise ValueError(f"{name} are {numbers}; a logarithm needs finite numbers above 0.")
    if np.unique(x).size < 2:  # the spread of their logarithms may be a rounding error
        raise ValueError(f"depths are {x}; a slope needs at least two different ones.")
    centered = np.log(x) - np.log(x).mean()  # (N,) -> ()
    return float(centered @ np.log(y) / (centered @ centered))  # (N,) -> ()


@dataclass(frozen=True)
class DepthSweep:
    """Numbers at N depths with K seeds.

    Attributes:
        depths: (N,) layers in each stack.
        measured: (K, N) by name.
        fit: what finds the slope.
    """

    depths: Sequence[int]
    measured: Mapping[str, FloatArray]
    fit: Fit = loglog_slope

    @property
    def values(self) -> Mapping[str, FloatArray]:
        """The geometric mean over seeds at each depth (N,), by name."""
        logs = {name: np.log(values) for name, values in self.measured.items()}
        return {name: np.exp(log.mean(0)) for name, log in logs.items()}  # (K, N) -> (N,)

    def band(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Where about two of three seeds lie: the mean logarithm ± one standard deviation, (N,).

        >>> sweep = DepthSweep([1, 2], {"a": np.array([[1.0, 1.0], [1.0, 4.0]])})
        >>> sweep.band("a")[1].round(2).tolist()  # ln 4 apart: 2 · exp(ln 4/√2)
        [1.0, 5.33]
        """
        logs = np.log(self.measured[name])
        middle = logs.mean(0)  # (K, N) -> (N,)
        spread = logs.std(0, ddof=1) if len(logs) > 1 else 0 * middle  # (K, N) -> (N,)
        return np.exp(middle - spread), np.exp(middle + spread)

    def slope(self, name: str) -> float:
        """The log–log slope of one of them."""
        return self.fit(np.array(self.depths, np.float64), self.values[name])

    def slope_error(self, name: str) -> float:
        """The standard error of the slope: of the seeds' own slopes, s/√K; nan for one seed."""
        depths = np.array(self.depths, np.float64)
        return standard_error([self.fit(depths, values) for values in self.measured[name]])

    def said_slope(self, name: str) -> str:
        """The slope with its standard error."""
        return with_error(self.slope(name), self.slope_error(name))

    def table(self) -> Table:
        """One row for each name: the value at each depth, and the slope with its standard error."""
        columns = ("", *(f"{depth} layers" for depth in self.depths), "slope")
        rows = [
            [name, *(f"{value:.3g}" for value in values), self.said_slope(name)]
            for name, values in self.values.items()
        ]
        return Table(columns, rows)


def sweep_depths(
    measures: Mapping[str, Measure],
    depths: Sequence[int],
    seeds: Sequence[int],
    title: str = "depths",
    fit: Fit = loglog_slope,
) -> DepthSweep:
    """Measure at every depth with every seed.

    Over the seeds the geometric mean is taken: a logarithm is fitted afterwards, and some of these
    numbers spread over a power of ten from seed to seed, so that an arithmetic mean would be that
    of the greatest alone.

    Args:
        measures: by name, functions of the number of layers and a seed; above 0.
        depths: layers in each stack.
        seeds: one run each.
        title: of the progress bar.
        fit: what finds the slopes.

    Example:
        >>> sweep = sweep_depths({"square": lambda depth, seed: depth**2}, [1, 2, 4], seeds=[0])
        >>> round(sweep.slope("square"), 6)
        2.0
    """
    runs = [(name, depth, seed) for name in measures for depth in depths for seed in seeds]
    measured = [measures[name](depth, seed) for name, depth, seed in progress_bar(runs, title)]
    shape = (len(measures), len(depths), len(seeds))
    by_seed = np.array(measured, np.float64).reshape(shape).swapaxes(1, 2)  # -> (M, K, N)
    return DepthSweep(tuple(depths), dict(zip(measures, by_seed, strict=True)), fit)
