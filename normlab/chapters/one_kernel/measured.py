"""What was measured of the ways to run a norm, once someone has measured on a GPU."""

import re
from functools import cache

from normlab.chapters.one_kernel.traffic import COMPILED, FUSED
from normlab.chapters.one_kernel.written_out import Work
from normlab.chapters.rms_norm.fused_races import OURS, FusedRace, load_fused_races

CONTENDERS = {COMPILED: "torch.compile", FUSED: OURS}
"""A way -> how the measurement calls it. One operation at a time is not measured."""
COMMAND = "make bench BENCH=gpu"


@cache
def races() -> tuple[FusedRace, ...]:
    """The stored races; none, if nobody has measured yet."""
    return load_fused_races()


def measured_seconds(work: Work, way: str, gpu: str, rows: int, features: int) -> tuple[float, ...]:
    """The median seconds of a way on a GPU, in bfloat16; nothing where it is not measured.

    >>> measured_seconds(Work("RMSNorm", "forward"), FUSED, "H100", 1, 1)
    ()
    """
    return tuple(
        race.seconds[name].median
        for race in races()
        if (name := CONTENDERS.get(way, "")) in race.seconds
        and re.search(rf"\b{re.escape(gpu)}\b", race.machine)
        and race.setting.dtype == "bfloat16"
        and (race.setting.rows, race.setting.features) == (rows, features)
        and (race.setting.norm, race.setting.direction, race.setting.added)
        == (work.norm, work.direction, work.added)
    )
