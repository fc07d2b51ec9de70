"""What torch.compile would launch for a norm on an H100, read from the source that it writes.

`normlab remake compiled_norms` writes the rows anew; it needs Triton, and no GPU.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
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
ELEMENTS = 2**25
FEATURES = (768, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
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


@dataclass(frozen=True)
class CompiledNorm:
    """The kernels of one pass of a norm over bfloat16 rows, N·D = 2²⁵.

    Args:
        norm, direction, added, features: as `Work`, and D.
        launches: kernels that are started.
        reads: tensors of the size of x that their code reads, each time counted.
        repeated_reads: of these, reads of what the same kernel has read or written before.
        writes: tensors of that size that are written.
    """

    norm: str
    direction: str
    added: bool
    features: int
    launches: int
    reads: float
    repeated_reads: float
    writes: float


@cache
def load_compiled() -> tuple[CompiledNorm, ...]:
    """The stored rows.

    >>> row = load_compiled()[0]
    >>> row.norm, row.direction, row.features, row.launches
    ('LayerNorm', 'forward', 768, 1)
    """
    return tuple(
        CompiledNorm(
            row["norm"],
            row["direction"],
            row["added"] == "True",
            int(row["features"]),
            int(row["launches"]),
            *(float(row[name]) for name in ("reads", "repeated_reads", "writes")),
        )
        for row in read_rows(STORED)
    )


def write_compiled(path: Path, features: Sequence[int] = FEATURES) -> None:
    """Have every norm compiled at every D, in a process of its own.

    Raises:
        RuntimeError: if torch is another version, or Triton is missing.
    """
    asked = [
        (norm, added, width) for norm in NORMS for added in (False, True) for width in features
    ]
    with Processes(1) as processes:
        pairs = [
            processes.submit(compile_norm, *each).result()
            for each in progress_bar(asked, "compiling")
        ]
    rows = [{**asdict(row), "seed": 0} for pair in pairs for row in pair]
    write_rows(path, rows, "normlab remake compiled_norms")


def compile_norm(norm: str, added: bool, features: int) -> tuple[CompiledNorm, ...]:
    """Forward and backward of one norm."""

    def run(x: Tensor, residual: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
        total = x + residual if added else x
        if norm == "LayerNorm":
            y = F.layer_norm(total, (features,), weight, bias, EPS)
        else:
            y = F.rms_norm(total, (features,), weight, EPS)
        return (total, y) if added else (y,)

    rows = ELEMENTS // features
    shapes = ((rows, features), (rows, features), (features,), (features,))
    inputs = [torch.empty(shape, dtype=torch.bfloat16, requires_grad=True) for shape in shapes]
    sources = generated_sources(run, inputs)
    return tuple(
        CompiledNorm(norm, direction, added, features, *counts(source, rows * features))
        for direction, source in zip(DIRECTIONS, sources, strict=True)
    )


def counts(source: str, elements: int) -> tuple[int, float, float, float]:
    """Launches, and what the kernels read, read again, and write.

    Args:
        source: that Inductor has written.
        elements: of x, in bfloat16; smaller tensors do not count, those in float32 count twice.
    """
    sizes = dict(_tensors(source, elements))
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
    return launches, reads, again, writes


def _tensors(source: str, elements: int) -> Iterator[tuple[str, int]]:
    """The names of tensors of the size of x, and how many elements of x they are worth."""
    for name, shape, dtype in TENSOR.findall(source):
        if prod(int(n) for n in shape.split(",") if n.strip()) == elements:
            yield name, elements * getattr(torch, dtype).itemsize // ITEM_BYTES
