"""Three ways to run a norm on a GPU, by what each launches and moves. Counted, not timed."""

from dataclasses import dataclass
from functools import cache

import torch

from normlab.chapters.one_kernel.compiled import ITEM_BYTES, CompiledNorm, load_compiled
from normlab.chapters.one_kernel.imagined_gpu import H100
from normlab.chapters.one_kernel.written_out import Work, eager_operators
from normlab.fused_norms.tiles import is_whole, rows_of_each, whole_tile

EAGER, COMPILED, FUSED = "one operation at a time", "torch.compile", "normlab.fused_norms"
FLOAT32_BYTES = 4
PROCESSORS: int = H100.multi_processor_count


@dataclass(frozen=True)
class Variant:
    """A way to run a norm on bfloat16 rows (N, D).

    What belongs to a row, and the gain and the shift, are left out: every program reads these, and
    all but the first find them in a cache.

    Args:
        name: of the way.
        launches: kernels that are started.
        tensors: tensors of the size of x that are read and written.
        again: how many of them a kernel reads that has read them before; a cache may serve it.
        parts: what programs leave of dγ and dβ, written and read, in such tensors.
    """

    name: str
    launches: int
    tensors: float
    again: float = 0.0
    parts: float = 0.0

    @property
    def moved(self) -> float:
        """All that is read and written, in tensors of the size of x."""
        return self.tensors + self.parts


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
def variants(work: Work, rows: int, features: int) -> tuple[Variant, ...]:
    """The ways to do a piece of work at N of `ROWS` and D of `FEATURES`.

    >>> [(way.name, way.launches, round(way.moved)) for way in variants(
    ...     Work("RMSNorm", "forward"), 8192, 1024)]
    [('one operation at a time', 8, 18), ('torch.compile', 1, 2), ('normlab.fused_norms', 1, 2)]
    """
    ways = eager, compiled, fused
    return tuple(way(work, rows, features) for way in ways)


def eager(work: Work, rows: int, features: int) -> Variant:
    """As many kernels as torch runs operators."""
    operators = eager_operators(work, rows, features)
    moved = sum(op.read + op.written for op in operators)
    return Variant(EAGER, len(operators), moved / (rows * features * ITEM_BYTES))


def compiled(work: Work, rows: int, features: int) -> Variant:
    """What torch.compile generates for an H100, as stored."""
    row = _compiled_rows()[work.norm, work.direction, work.added, rows, features]
    return Variant(COMPILED, row.launches, row.reads + row.writes, row.repeated_reads, row.parts)


@cache
def _compiled_rows() -> dict[tuple[str, str, bool, int, int], CompiledNorm]:
    return {
        (row.norm, row.direction, row.added, row.rows, row.features): row for row in load_compiled()
    }


def fused(work: Work, rows: int, features: int) -> Variant:
    """What our kernels move on an H100; their tests count the same under Triton's interpreter.

    >>> fused(Work("LayerNorm", "backward"), 2048, 16_384).tensors
    3.0
    >>> fused(Work("LayerNorm", "backward"), 1024, 32_768).tensors
    5.0
    """
    forward = work.direction == "forward"
    once = 2 + 2 * work.added if forward else 3 + work.added
    whole = is_whole(features, torch.float32, work.direction)
    again = 0 if whole else 1 if forward else 2
    parts = 0.0 if forward or not whole else _parts(work, rows, features)
    return Variant(FUSED, 1 if forward else 2, float(once + again), float(again), parts)


def _parts(work: Work, rows: int, features: int) -> float:
    """What P programs leave of dγ and dβ: 2 · 4·P·D bytes each, in tensors of 2·N·D bytes."""
    each = rows_of_each(rows, whole_tile(features, work.direction), work.direction, PROCESSORS)
    programs, gradients = -(-rows // each), 2 if work.norm == "LayerNorm" else 1
    return 2 * gradients * programs * FLOAT32_BYTES / (rows * ITEM_BYTES)
