"""Chapter 13's bars with a learner's kernel: what it reads and writes, beside one operation at a
time.
"""

from collections.abc import Callable
from typing import Any

import torch

from normlab.chapters.one_kernel.compiled import ITEM_BYTES
from normlab.chapters.one_kernel.figures import describe_own_traffic, draw_own_traffic
from normlab.chapters.one_kernel.traffic import OwnTraffic, eager, fused
from normlab.chapters.one_kernel.written_out import Work
from normlab.checks.watched_memory import watch_memory
from normlab.pictures import Use

ROWS, FEATURES, BLOCK = 64, 1000, 1024
EPS = 1e-6
POINTERS = ("x", "weight", "y")
"""What the first three parameters of the kernel point to, whatever they are called."""


def own_traffic(kernel: Callable[..., Any]) -> OwnTraffic:
    """The kernel runs on float16 rows, under Triton's interpreter, and its bytes are counted."""
    from triton.runtime.interpreter import InterpretedFunction

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, FEATURES, generator=generator).half()
    weight, y = torch.ones(FEATURES).half(), torch.empty_like(x)
    interpreted = InterpretedFunction(getattr(kernel, "fn", kernel))
    with watch_memory() as traffic:
        interpreted[(ROWS,)](x, weight, y, x.stride(0), FEATURES, EPS, BLOCK)
    whole = ROWS * FEATURES * ITEM_BYTES
    names = dict(zip(POINTERS, interpreted.arg_names, strict=False))
    read = {name: traffic.read[names[name]] / whole for name in ("x", "weight")}
    work = Work("RMSNorm", "forward")
    moved = [way(work, ROWS, FEATURES).tensors for way in (eager, fused)]
    return OwnTraffic(ROWS, FEATURES, read, traffic.written[names["y"]] / whole, *moved)


USES = {
    ("rms_norm_kernel",): Use(
        own_traffic,
        draw_own_traffic,
        describe_own_traffic,
        size=(7.0, 2.4),
    ),
}
