"""The ways to run a norm side by side: what each moves, its least time, and what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

from normlab.chapters.one_kernel.compiled import FEATURES
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
        least: seconds, by the bandwidth of the GPU.
        measured: seconds, or None.
    """

    way: Variant
    moved: float
    least: float
    measured: float | None


@dataclass(frozen=True)
class Comparison:
    """The ways to do one piece of work on one GPU.

    Args:
        ways: by D.
        measured: seconds, where someone has measured.
    """

    work: Work
    gpu: Gpu
    ways: Mapping[int, tuple[Variant, ...]]
    measured: Mapping[Key, float]

    def at(self, rows: int, features: int) -> list[Timed]:
        """All ways at one size."""
        return [
            Timed(
                way,
                moved := way.moved(rows, features),
                self.gpu.least_seconds(moved),
                self.measured.get((way.name, rows, features)),
            )
            for way in self.ways[features]
        ]


def compare_ways(work: Work, gpu: str) -> Comparison:
    """The ways to do a piece of work on the GPU of a name, at every D.

    Raises:
        ValueError: if no GPU here has that name.

    >>> fused = compare_ways(Work("RMSNorm", "forward"), "H100").at(8192, 4096)[-1]
    >>> f"{1e6 * fused.least:.0f} µs"
    '40 µs'
    """
    ways = {features: variants(work, features) for features in FEATURES}
    return Comparison(work, find_gpu(gpu), ways, measured_seconds(work, gpu))
