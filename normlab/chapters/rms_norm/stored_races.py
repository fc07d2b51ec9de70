"""The stored races of the two norms, on a CPU and, once someone has measured it, on a GPU.

`normlab remake norm_race` measures the CPU's rows again and keeps the others;
`normlab remake norm_race --device cuda` those of a GPU.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from normlab.chapters.rms_norm.norm_race import race_norms
from normlab.chapters.rms_norm.norm_times import COPY, NormTimes
from normlab.tools.stored_rows import read_rows, write_rows
from normlab.tools.timing import Quartiles

STORED = Path(__file__).with_name("norm_race.csv")
SHAPES: Mapping[str, Sequence[tuple[int, int]]] = {
    "cpu": ((2048, 768), (64, 16384)),
    "cuda": ((8192, 4096), (65536, 768)),
}
"""By device. A GPU needs more elements than a CPU before memory decides its time."""


def load_norm_races(device: str) -> tuple[NormTimes, ...]:
    """The stored races on "cpu" or "cuda": none, if nobody has measured there yet.

    >>> [race.title for race in load_norm_races("cpu")][:2]
    ['forward (2048, 768), cpu', 'forward (64, 16384), cpu']
    """
    rows = [row for row in read_rows(STORED) if row["device"] == device]
    races = groupby(
        rows, key=lambda row: (row["direction"], int(row["rows"]), int(row["features"]))
    )
    return tuple(_race(list(found)) for _, found in races)


def _race(found: list[dict[str, str]]) -> NormTimes:
    seconds = {
        (row["library"], row["norm"]): Quartiles(
            *(float(row[name]) for name in ("lower", "median", "upper"))
        )
        for row in found
    }
    copy, first = seconds.pop(COPY), found[0]
    shape = int(first["rows"]), int(first["features"])
    return NormTimes(first["direction"], shape, first["device"], first["machine"], seconds, copy)


def write_norm_races(
    path: Path,
    device: str = "cpu",
    shapes: Sequence[tuple[int, int]] = (),
    rounds: int = 101,
    tries: int = 10,
) -> None:
    """Race both directions at every shape; the rows of other devices stay as they are.

    A race on a busy machine is run again, up to `tries` times (`quiet_race`).

    Raises:
        ValueError: if the device is not there.
    """
    kept = [row for row in read_rows(STORED) if row["device"] != device] if STORED.exists() else []
    command = "normlab remake norm_race" + (f" --device {device}" if device != "cpu" else "")
    new = []
    for direction in ("forward", "backward"):
        for shape in shapes or SHAPES[device]:
            new += _rows(quiet_race(shape, direction, device, rounds, tries), rounds)
    write_rows(path, [*new, *kept], command)


def quiet_race(
    shape: tuple[int, int], direction: str, device: str, rounds: int, tries: int
) -> NormTimes:
    """The first race without a warning; if all tries have one, that of the least spread."""
    races: list[NormTimes] = []
    while len(races) < tries:
        races.append(race_norms(*shape, direction, device, rounds))
        if not races[-1].warning:
            return races[-1]
    return min(races, key=lambda race: race.spread)


def _rows(race: NormTimes, rounds: int) -> list[dict[str, object]]:
    return [
        {
            "device": race.device,
            "machine": race.machine,
            "direction": race.direction,
            "rows": race.shape[0],
            "features": race.shape[1],
            "library": library,
            "norm": norm,
            **{name: f"{value:.3e}" for name, value in time._asdict().items()},
            "rounds": rounds,
            "seed": 0,
        }
        for (library, norm), time in [*race.seconds.items(), (COPY, race.copy)]
    ]
