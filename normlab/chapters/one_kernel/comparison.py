"""The ways to run a norm side by side: what each moves, its least time, and what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from normlab.chapters.one_kernel.compiled import FEATURES, ITEM_BYTES, ROWS
from normlab.chapters.one_kernel.gpus import Gpu, find_gpu
from normlab.chapters.one_kernel.measured import Key, measured_seconds
from normlab.chapters.one_kernel.traffic import Variant, variants
from normlab.chapters.one_kernel.written_out import Work


@dataclass(frozen=True)
class Timed:
    """A way at one size.

    Args:
        way: what it launches and moves.
        moved: bytes.
        by_bandwidth: seconds in which the GPU's memory moves them.
        measured: seconds, or None.
    """

    way: Variant
    moved: float
    by_bandwidth: float
    measured: float | None


@dataclass(frozen=True)
class Comparison:
    """The ways to do one piece of work on one GPU.

    Args:
        ways: by N and D.
        measured: seconds, where someone has measured.
    """

    work: Work
    gpu: Gpu
    ways: Mapping[tuple[int, int], tuple[Variant, ...]]
    measured: Mapping[Key, float]

    @property
    def most_moved(self) -> float:
        """Tensors of the size of x that a way moves, where it moves most."""
        return max(way.moved for ways in self.ways.values() for way in ways)

    def at(self, rows: int, features: int) -> list[Timed]:
        """All ways at one size."""
        return [
            Timed(
                way,
                moved := way.moved * rows * features * ITEM_BYTES,
                self.gpu.least_seconds(moved),
                self.measured.get((way.name, rows, features)),
            )
            for way in self.ways[rows, features]
        ]


def compare_ways(work: Work, gpu: str) -> Comparison:
    """The ways to do a piece of work on the GPU of a name, at every N and D.

    Raises:
        ValueError: if no GPU here has that name.

    >>> fused = compare_ways(Work("RMSNorm", "forward"), "H100").at(8192, 4096)[-1]
    >>> f"{1e6 * fused.by_bandwidth:.0f} µs"
    '40 µs'
    """
    ways = {size: variants(work, *size) for size in product(ROWS, FEATURES)}
    return Comparison(work, find_gpu(gpu), ways, measured_seconds(work, gpu))
