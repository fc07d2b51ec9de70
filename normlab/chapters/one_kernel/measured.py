"""What was measured of the ways to run a norm, once someone has measured on a GPU."""

import re
from collections.abc import Mapping
from functools import cache

from normlab.chapters.one_kernel.traffic import COMPILED, FUSED
from normlab.chapters.one_kernel.written_out import Work
from normlab.chapters.rms_norm.fused_races import OURS, FusedRace, load_fused_races

CONTENDERS = {COMPILED: "torch.compile", FUSED: OURS}
"""A way -> how the measurement calls it. One operation at a time is not measured."""
COMMAND = "make bench BENCH=gpu"

Key = tuple[str, int, int]
"""A way, rows and D."""


@cache
def races() -> tuple[FusedRace, ...]:
    """The stored races; none, if nobody has measured yet."""
    return load_fused_races()


def measured_seconds(work: Work, gpu: str) -> Mapping[Key, float]:
    """The median seconds of each way on a GPU, in bfloat16; empty where nothing is measured.

    >>> measured_seconds(Work("RMSNorm", "forward"), "no such GPU")
    {}
    """
    return {
        (way, race.setting.rows, race.setting.features): race.seconds[name].median
        for race in races()
        for way, name in CONTENDERS.items()
        if name in race.seconds and _is_of(race, work, gpu)
    }


def _is_of(race: FusedRace, work: Work, gpu: str) -> bool:
    setting = race.setting
    same_work = (setting.norm, setting.direction, setting.added) == (
        *(work.norm, work.direction, work.added),
    )
    named = re.search(rf"\b{re.escape(gpu)}\b", race.machine)
    return same_work and setting.dtype == "bfloat16" and named is not None
