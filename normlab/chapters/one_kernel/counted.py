"""What our kernels read and wrote, counted under Triton's interpreter and stored.

`normlab remake counted_bytes` counts again; it needs Triton.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import torch

from normlab import fused_norms
from normlab.chapters.one_kernel.compiled import ITEM_BYTES
from normlab.chapters.one_kernel.written_out import DIRECTIONS, NORMS, Work
from normlab.checks.interpreter import interpreting
from normlab.checks.watched_memory import Traffic, watch_memory
from normlab.tools.processes import Processes
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import read_rows, write_rows

STORED = Path(__file__).with_name("counted_bytes.csv")
ROWS = 16
FEATURES = (1024, 16384, 32768, 65536)
WHOLE = ("x_ptr", "residual_ptr", "sum_ptr", "y_ptr", "dy_ptr", "dsum_ptr", "dx_ptr")
"""The parameters of the kernels that are tensors of the size of x."""


@dataclass(frozen=True)
class Counted:
    """What the kernels of a piece of work moved, for bfloat16 rows (N, D).

    Args:
        read, written: of tensors of the size of x, in such tensors.
        others: bytes of all the rest: statistics of rows, gains, parts of dγ and dβ.
    """

    work: Work
    rows: int
    features: int
    read: float
    written: float
    others: int


@cache
def load_counted() -> tuple[Counted, ...]:
    """The stored counts.

    >>> first = load_counted()[0]
    >>> str(first.work), first.features, first.read, first.written
    ('LayerNorm, forward', 1024, 1.0, 1.0)
    """
    return tuple(
        Counted(
            Work(row["norm"], row["direction"], row["added"] == "True"),
            int(row["rows"]),
            int(row["features"]),
            float(row["read"]),
            float(row["written"]),
            int(row["others"]),
        )
        for row in read_rows(STORED)
    )


def write_counted(path: Path, rows: int = ROWS, features: Sequence[int] = FEATURES) -> None:
    """Count every piece of work at every D, in a process that interprets kernels.

    Raises:
        ModuleNotFoundError: that says what to install, if there is no Triton.
    """
    works = [Work(n, d, added) for n in NORMS for d in DIRECTIONS for added in (False, True)]
    asked = [(work, rows, width) for work in works for width in features]
    with interpreting(), Processes(1) as processes:
        counts = [processes.submit(count, *each).result() for each in progress_bar(asked, "counts")]
    made = [{**asdict(found.work), **_without_work(found), "seed": 0} for found in counts]
    write_rows(path, made, "normlab remake counted_bytes")


def _without_work(found: Counted) -> dict[str, object]:
    return {name: value for name, value in asdict(found).items() if name != "work"}


def count(work: Work, rows: int, features: int) -> Counted:
    """Run the kernels of a piece of work on rows (N, D), and count what they move."""
    generator = torch.Generator().manual_seed(0)
    inputs = [_drawn(generator, rows, features) for _ in range(1 + work.added)]
    parameters = [_drawn(generator, features) for _ in range(1 + (work.norm == "LayerNorm"))]
    name = f"{'add_' * work.added}{'layer' if work.norm == 'LayerNorm' else 'rms'}_norm"
    with watch_memory() as traffic:
        results = getattr(fused_norms, name)(*inputs, *parameters)
        results = results if isinstance(results, tuple) else (results,)
        if work.direction == "backward":
            traffic.read.clear()
            traffic.written.clear()
            upstream = [torch.ones_like(each) for each in results]
            torch.autograd.grad(results, [*inputs, *parameters], upstream)
    return _counted(work, rows, features, traffic)


def _drawn(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator).bfloat16().requires_grad_()


def _counted(work: Work, rows: int, features: int, traffic: Traffic) -> Counted:
    whole = rows * features * ITEM_BYTES
    read, written = (sum(c[name] for name in WHOLE) for c in (traffic.read, traffic.written))
    return Counted(
        *(work, rows, features, read / whole, written / whole, traffic.total - read - written)
    )
