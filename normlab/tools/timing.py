"""Fair timings: contenders take turns in one run, on one thread, and the medians are compared."""

import ctypes
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""See mallopt(3)."""
MOST_MMAP_THRESHOLD = 32 * 2**20
"""glibc takes no more."""


class Quartiles(NamedTuple):
    """A quarter of the turns took less than `lower`, half less than `median`, and so on."""

    lower: float
    median: float
    upper: float

    @property
    def spread(self) -> float:
        """How many times the lower quartile the upper one is."""
        return self.upper / self.lower


@dataclass(frozen=True)
class Race:
    """Seconds per call of each contender, one number for each of its turns."""

    turns: Mapping[str, Sequence[float]]

    @property
    def seconds(self) -> dict[str, float]:
        """The median of each contender."""
        return {name: statistics.median(times) for name, times in self.turns.items()}

    def quartiles(self, contender: str) -> Quartiles:
        """Between what two times the middle half of its turns lies.

        >>> Race({"a": [1.0, 2.0, 3.0, 4.0, 9.0]}).quartiles("a")
        Quartiles(lower=2.0, median=3.0, upper=4.0)
        """
        times = self.turns[contender]
        if len(times) == 1:
            return Quartiles(times[0], times[0], times[0])
        return Quartiles(*statistics.quantiles(times, n=4, method="inclusive"))

    def ratio(self, contender: str, to: str) -> float:
        """How many times the time of `to` the contender takes."""
        return self.seconds[contender] / self.seconds[to]

    def table(self, to: str) -> Table:
        """One row per contender: microseconds a call, and the ratio to the contender `to`."""
        rows = [
            [name, f"{1e6 * seconds:.1f}", f"{self.ratio(name, to):.2f}"]
            for name, seconds in self.seconds.items()
        ]
        return Table(("contender", "µs a call", f"× {to}"), rows)


def race(
    contenders: Mapping[str, Callable[[], object]],
    rounds: int = 21,
    turn_seconds: float = 0.005,
    synchronize: Callable[[], object] = lambda: None,
    clock: Callable[[], float] | None = None,
) -> Race:
    """Time functions without arguments against each other.

    Every round gives each contender one turn of about `turn_seconds`, so that a slow moment
    of the machine hits all alike.

    Args:
        contenders: by their names.
        rounds, turn_seconds: how many turns, and of what length.
        synchronize: waits for a device (`torch.cuda.synchronize`).
        clock: gives the seconds; by default the time of day, `time.perf_counter`.

    Raises:
        ValueError: if there is no contender.

    >>> race({"sum": lambda: sum(range(100))}, rounds=3).seconds["sum"] > 0
    True
    """
    if not contenders:
        raise ValueError("there are no contenders; expected a dict of functions by name.")
    turn = partial(_turn, synchronize=synchronize, clock=clock or time.perf_counter)
    calls = {name: max(1, round(turn_seconds / turn(run, 2))) for name, run in contenders.items()}
    turns: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in progress_bar(range(rounds), "timing"):
        for name, run in contenders.items():
            turns[name].append(turn(run, calls[name]))
    return Race(turns)


def _turn(
    run: Callable[[], object],
    calls: int,
    synchronize: Callable[[], object],
    clock: Callable[[], float],
) -> float:
    """Seconds a call, over `calls` calls."""
    synchronize()
    start = clock()
    for _ in range(calls):
        run()
    synchronize()
    return (clock() - start) / calls


@contextmanager
def one_thread() -> Iterator[None]:
    """One BLAS and one torch thread, as it was before on leaving."""
    import torch  # here, so that the module can be imported without it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def memory_kept() -> Iterator[None]:
    """What is freed stays with this process until the block ends (glibc; elsewhere as ever).

    Else glibc gives large arrays back to the system and asks for them anew, or does not, depending
    on what was allocated before; each page costs a microsecond then, and a race tells of that.
    """
    libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(libc, "mallopt"):
        yield
        return
    libc.mallopt(MMAP_THRESHOLD, MOST_MMAP_THRESHOLD)
    libc.mallopt(TRIM_THRESHOLD, 2**30)
    try:
        yield
    finally:
        libc.mallopt(TRIM_THRESHOLD, 2 * MOST_MMAP_THRESHOLD)  # as far as glibc goes by itself
        libc.malloc_trim(0)
