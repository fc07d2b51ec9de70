"""What torch.compile would launch for a norm on an H100, read from the source that it writes.

`normlab remake compiled_norms` writes the rows anew; it needs Triton, and no GPU.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from math import prod
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from normlab.chapters.one_kernel.imagined_gpu import generated_sources
from normlab.chapters.one_kernel.written_out import DIRECTIONS, NORMS
from normlab.tools.processes import Processes
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import read_rows, write_rows

STORED = Path(__file__).with_name("compiled_norms.csv")
FEATURES = (768, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
ROWS = (128, 512, 2048, 8192, 32768)
EPS = 1e-5
ITEM_BYTES = 2
"""Of bfloat16."""
TENSOR = re.compile(
    r"(\w+) = (?:rand_strided|empty_strided_cuda)\(\(([\d, ]*)\), \([\d, ]*\).*torch\.(\w+)\)"
)
RUN = re.compile(r"(\w+)\.run\(([^)]*)\)")
KERNEL = re.compile(r"^def (triton_\w+)\(([^)]*)\):\n(.*?)^'''", re.MULTILINE | re.DOTALL)
ACCESS = re.compile(r"tl\.(load|store)\((\w+)")
SUM_OF_PARTS = ".sum(dim=0)"
"""What Inductor calls behind a kernel whose programs have left their parts of a sum."""
MADE = "empty_strided_cuda"
"""What Inductor calls for memory."""


@dataclass(frozen=True)
class CompiledNorm:
    """The kernels of one pass of a norm over bfloat16 rows (N, D).

    Args:
        norm, direction, added, rows, features: as `Work`, and N and D.
        launches: kernels that are started.
        reads: tensors of the size of x that their code reads, each time counted.
        repeated_reads: of these, reads of what the same kernel has read or written before.
        writes: tensors of that size that are written.
        parts: parts of sums in float32, which one kernel writes and another reads, as a share of
            the bytes of x; both count.
    """

    norm: str
    direction: str
    added: bool
    rows: int
    features: int
    launches: int
    reads: float
    repeated_reads: float
    writes: float
    parts: float


@cache
def load_compiled() -> tuple[CompiledNorm, ...]:
    """The stored rows.

    >>> row = load_compiled()[0]
    >>> row.norm, row.direction, row.rows, row.features, row.launches
    ('LayerNorm', 'forward', 128, 768, 1)
    """
    return tuple(
        CompiledNorm(
            row["norm"],
            row["direction"],
            row["added"] == "True",
            *(int(row[name]) for name in ("rows", "features", "launches")),
            *(float(row[name]) for name in ("reads", "repeated_reads", "writes", "parts")),
        )
        for row in read_rows(STORED)
    )


def write_compiled(
    path: Path, rows: Sequence[int] = ROWS, features: Sequence[int] = FEATURES
) -> None:
    """Have every norm compiled at every N and D, in a process of its own.

    Raises:
        RuntimeError: if torch is another version, or Triton is missing.
    """
    asked = [*product(NORMS, (False, True), rows, features)]
    with Processes(1) as processes:
        pairs = [
            processes.submit(compile_norm, *each).result()
            for each in progress_bar(asked, "compiling")
        ]
    made = [{**asdict(each), "seed": 0} for pair in pairs for each in pair]
    write_rows(path, made, "normlab remake compiled_norms")


def compile_norm(norm: str, added: bool, rows: int, features: int) -> tuple[CompiledNorm, ...]:
    """Forward and backward of one norm."""

    def run(x: Tensor, residual: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
        total = x + residual if added else x
        if norm == "LayerNorm":
            y = F.layer_norm(total, (features,), weight, bias, EPS)
        else:
            y = F.rms_norm(total, (features,), weight, EPS)
        return (total, y) if added else (y,)

    shapes = ((rows, features), (rows, features), (features,), (features,))
    return tuple(
        CompiledNorm(norm, direction, added, rows, features, *counts(source, rows, features))
        for direction, source in zip(DIRECTIONS, generated_sources(run, shapes), strict=True)
    )


def counts(source: str, rows: int, features: int) -> tuple[int, float, float, float, float]:
    """Launches, and what the kernels read, read again, write, and leave as parts of sums.

    Args:
        source: that Inductor has written.
        rows, features: of x, in bfloat16. A tensor in float32 counts twice. Of smaller ones the
            parts count, and not what belongs to a row or a feature.
    """
    elements = rows * features
    sizes = {name: size for name, count, size in _tensors(source) if count == elements}
    kernels = {name: (parameters, body) for name, parameters, body in KERNEL.findall(source)}
    calls = [(name, given) for name, given in RUN.findall(source) if name in kernels]
    moved: Counter[str] = Counter()
    for name, given in calls:
        parameters, body = kernels[name]
        pairs = zip(parameters.split(", "), given.split(", "), strict=False)
        size = {parameter: sizes.get(tensor, 0) for parameter, tensor in pairs}
        accesses = Counter(ACCESS.findall(body))
        for (access, parameter), times in accesses.items():
            moved[access] += times * size[parameter]
            if access == "load":
                known = 0 if ("store", parameter) in accesses else 1
                moved["again"] += (times - known) * size[parameter]
    launches = len(calls) + source.count(SUM_OF_PARTS)
    reads, again, writes = (moved[name] / elements for name in ("load", "again", "store"))
    return launches, reads, again, writes, 2 * _parts(source, rows, features) / elements


def _parts(source: str, rows: int, features: int) -> int:
    """The size of what is made in float32 and has neither x's elements nor one a row."""
    lines = "\n".join(line for line in source.splitlines() if MADE in line and "float32" in line)
    return sum(size for _, count, size in _tensors(lines) if count not in (rows, rows * features))


def _tensors(source: str) -> Iterator[tuple[str, int, int]]:
    """Names of tensors, their elements, and how many in bfloat16 have as many bytes."""
    for name, shape, dtype in TENSOR.findall(source):
        count = prod(int(n) for n in shape.split(",") if n.strip())
        yield name, count, count * getattr(torch, dtype).itemsize // ITEM_BYTES
