"""Into what tiles rows are cut, and how many programs share them.

The tile depends on D and the dtype alone, so that a row has the same bits alone and among others
that lie as far apart. (Triton shares rows out to threads by whether that is a multiple of 16.)
"""

import functools
from dataclasses import dataclass

import torch

LONGEST = 65_536
"""Longer rows have no kernel."""
WHOLE = {"forward": 32_768, "backward": 16_384}
"""A row up to so many elements stays in registers, and is read once: half a streaming
multiprocessor's 65,536, and a quarter where sums for dγ and dβ lie beside it. With statistics in
float64, which takes two registers an element, half of it. At the limits some are spilled into the
first-level cache (up to 220 bytes a thread, by ptxas for sm_90); by its bandwidth that costs less
than to read the rows again, which nobody has measured yet."""
TILE = {"forward": 2_048, "backward": 4_096}
"""Short rows are taken several at a time, to so many elements."""
RESIDENT = {"forward": 32_768, "backward": 8_192}
"""Elements of all programs for one multiprocessor together. Each reads γ and writes its parts of
dγ and dβ, so that fewer cost less, and more hide the latency of memory."""
ELEMENTS_A_THREAD = 16
LONG_TILE, COLUMNS_TILE, SUMS_TILE = (2, 2_048), (32, 128), (32, 64)
"""Rows and columns of the tiles of long rows, of columns for dx, dγ and dβ, and of their parts."""
PROCESSORS_INTERPRETED = 2
"""Multiprocessors that the interpreter is taken to have."""


@dataclass(frozen=True)
class Tile:
    """ROWS, BLOCK and threads of a program; the last in warps of 32."""

    rows: int
    block: int

    @property
    def warps(self) -> int:
        """A power of two from 4 to 32.

        >>> [Tile(1, block).warps for block in (64, 4096, 32768)]
        [4, 8, 32]
        """
        return min(32, max(4, self.rows * self.block // (32 * ELEMENTS_A_THREAD)))


def is_whole(features: int, statistics: torch.dtype, direction: str) -> bool:
    """Whether rows of so many elements stay in registers, by the dtype of their statistics.

    >>> [is_whole(32_768, torch.float32, direction) for direction in ("forward", "backward")]
    [True, False]
    """
    return _power_of_two(features) * statistics.itemsize // 4 <= WHOLE[direction]


def whole_tile(features: int, direction: str) -> Tile:
    """That of rows that stay in registers.

    >>> whole_tile(768, "forward"), whole_tile(8192, "forward")
    (Tile(rows=2, block=1024), Tile(rows=1, block=8192))
    """
    block = _power_of_two(features)
    return Tile(max(1, TILE[direction] // block), block)


def rows_of_each(rows: int, tile: Tile, direction: str, processors: int) -> int:
    """How many rows a program takes, so that all programs are on the device at once or soon.

    >>> rows_of_each(4096, Tile(1, 8192), "backward", processors=2)
    2048
    """
    at_once = max(1, RESIDENT[direction] // (tile.rows * tile.block))
    tiles = -(-rows // (at_once * processors * tile.rows))
    return tiles * tile.rows


@functools.cache
def processors_of(device: torch.device) -> int:
    """The streaming multiprocessors of a device.

    >>> processors_of(torch.device("cpu"))
    2
    """
    if device.type == "cpu":
        return PROCESSORS_INTERPRETED
    return torch.cuda.get_device_properties(device).multi_processor_count


def _power_of_two(features: int) -> int:
    """The least that is not smaller."""
    return 1 << (features - 1).bit_length()
