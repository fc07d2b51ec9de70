"""Fair timings on a GPU: contenders take turns, each after the cache was overwritten."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

from normlab.tools.timing import Race

CACHE_BYTES = 2**30
"""Overwritten before each turn: more than any cache, and long enough that the host, which goes on
meanwhile, is ahead of the device when the turn begins."""


def device_race(turns: Mapping[str, Callable[[], Any]], rounds: int) -> Race:
    """Every round gives each one turn; seconds of the CUDA device, by its own clock."""
    timer: Any = torch.cuda.Event  # torch leaves it untyped
    cache = torch.empty(CACHE_BYTES, dtype=torch.uint8, device="cuda")
    for run in turns.values():
        run()  # compiles
    events: dict[str, list[tuple[Any, Any]]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, run in turns.items():
            begin, end = (timer(enable_timing=True) for _ in range(2))
            cache.zero_()
            begin.record()
            run()
            end.record()
            events[name].append((begin, end))
    torch.cuda.synchronize()
    return Race({name: [b.elapsed_time(e) / 1e3 for b, e in all_] for name, all_ in events.items()})
