"""Three ways to run a norm on a GPU, by what each launches and moves. Counted, not timed."""

from dataclasses import dataclass
from functools import cache

import torch

from normlab.chapters.one_kernel.compiled import ITEM_BYTES, load_compiled
from normlab.chapters.one_kernel.written_out import Work, eager_operators
from normlab.fused_norms.tiles import is_whole

EAGER, COMPILED, FUSED = "one operation at a time", "torch.compile", "normlab.fused_norms"
ROWS_COUNTED = 4096
"""So many that what belongs to a feature, and not to a row, hardly counts."""


@dataclass(frozen=True)
class Variant:
    """A way to run a norm on bfloat16 rows (N, D).

    Args:
        name: of the way.
        launches: kernels that are started.
        tensors: what is read and written, in tensors of the size of x.
        again: how much of that a kernel reads that it has read before; a cache may serve it.
    """

    name: str
    launches: int
    tensors: float
    again: float = 0.0

    def moved(self, rows: int, features: int) -> float:
        """Bytes that are read and written."""
        return self.tensors * rows * features * ITEM_BYTES


@dataclass(frozen=True)
class OwnTraffic:
    """What a kernel moves, in tensors of the size of x.

    Args:
        rows, features: N and D.
        read: of x and of the weight, by name.
        written: of y.
        eager: what one operation at a time moves.
        fused: what our kernel moves, x and y alone.
    """

    rows: int
    features: int
    read: dict[str, float]
    written: float
    eager: float
    fused: float


@cache
def variants(work: Work, features: int) -> tuple[Variant, ...]:
    """The ways to do a piece of work at a width D of `FEATURES`.

    >>> [(way.name, way.launches, round(way.tensors)) for way in variants(
    ...     Work("RMSNorm", "forward"), 1024)]
    [('one operation at a time', 8, 18), ('torch.compile', 1, 2), ('normlab.fused_norms', 1, 2)]
    """
    return eager(work, features), compiled(work, features), fused(work, features)


def eager(work: Work, features: int) -> Variant:
    """As many kernels as torch runs operators."""
    operators = eager_operators(work, ROWS_COUNTED, features)
    moved = sum(op.read + op.written for op in operators)
    return Variant(EAGER, len(operators), moved / (ROWS_COUNTED * features * ITEM_BYTES))


def compiled(work: Work, features: int) -> Variant:
    """What torch.compile generates for an H100, as stored."""
    asked = work.norm, work.direction, work.added, features
    row = next(
        row
        for row in load_compiled()
        if (row.norm, row.direction, row.added, row.features) == asked
    )
    return Variant(COMPILED, row.launches, row.reads + row.writes, row.repeated_reads)


def fused(work: Work, features: int) -> Variant:
    """What our kernels move; their tests count the same under Triton's interpreter.

    >>> fused(Work("LayerNorm", "backward"), 16_384).tensors
    3.0
    >>> fused(Work("LayerNorm", "backward"), 32_768).tensors
    5.0
    """
    forward = work.direction == "forward"
    once = 2 + 2 * work.added if forward else 3 + work.added
    whole = is_whole(features, torch.float32, work.direction)
    again = 0 if whole else 1 if forward else 2
    return Variant(FUSED, 1 if forward else 2, float(once + again), float(again))
