"""GPUs by what their makers publish, and the least time that work on them can take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """A GPU as its data sheet has it.

    Args:
        bandwidth: of its memory, in bytes a second.
        flops: float32 operations a second, outside the matrix units.
        source: which data sheet.
    """

    name: str
    bandwidth: float
    flops: float
    source: str

    @property
    def balance(self) -> float:
        """Operations that it does in the time in which one byte is moved."""
        return self.flops / self.bandwidth

    def least_seconds(self, moved: float, operations: float = 0.0) -> float:
        """For work that moves so many bytes and does so many operations, both at full speed.

        Formula: max(bytes/bandwidth, operations/flops)

        Source: Williams, Waterman & Patterson 2009, the roofline (doi 10.1145/1498765.1498785).

        >>> find_gpu("H100").least_seconds(3.35e9)
        0.001
        """
        return max(moved / self.bandwidth, operations / self.flops)

    def attainable(self, intensity: float) -> float:
        """Operations a second at so many operations for each byte: the roof over them.

        >>> find_gpu("H100").attainable(1.0) == find_gpu("H100").bandwidth
        True
        """
        return min(self.flops, intensity * self.bandwidth)


GPUS = (
    Gpu("L4", 0.300e12, 30.3e12, "NVIDIA L4 data sheet"),
    Gpu("RTX 4090", 1.008e12, 82.6e12, "NVIDIA Ada GPU architecture white paper"),
    Gpu("A100", 2.039e12, 19.5e12, "NVIDIA A100 data sheet, 80 GB SXM"),
    Gpu("H100", 3.35e12, 67e12, "NVIDIA H100 data sheet, SXM"),
    Gpu("H200", 4.8e12, 67e12, "NVIDIA H200 data sheet, SXM"),
    Gpu("B200", 8.0e12, 75e12, "NVIDIA HGX B200 data sheet, an eighth of the board"),
)
"""From the least bandwidth to the greatest."""


def find_gpu(name: str) -> Gpu:
    """The GPU of a name.

    Raises:
        ValueError: if there is none; it names those that there are.

    >>> f"{find_gpu('H100').balance:.0f}"
    '20'
    """
    for gpu in GPUS:
        if gpu.name == name:
            return gpu
    known = ", ".join(gpu.name for gpu in GPUS)
    raise ValueError(f"no GPU here is called {name!r}; expected one of {known}.")
