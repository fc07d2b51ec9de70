"""Fused norms against each other on a GPU: what was stored, once someone has measured it.

`make bench BENCH=gpu` measures and stores.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from normlab.tools.stored_rows import read_rows, write_rows
from normlab.tools.table import Table
from normlab.tools.timing import Quartiles

STORED = Path(__file__).with_name("fused_races.csv")
OURS, COPY = "normlab.fused_norms", "copy"
ITEM_BYTES = {"bfloat16": 2, "float32": 4}


@dataclass(frozen=True)
class Setting:
    """What is raced.

    Args:
        direction: "forward" or "backward".
        norm: "LayerNorm" or "RMSNorm".
        added: of x + residual, the sum of which is a result too.
        dtype: of x, "bfloat16" or "float32".
        rows, features: N and D.
    """

    direction: str
    norm: str
    added: bool
    dtype: str
    rows: int
    features: int

    @property
    def bytes(self) -> int:
        """The least that has to be read and written: statistics and gains are left out.

        Forward x and y, backward dy, x and dx; with a residual also it and the sum, or the sum's
        gradient.

        >>> Setting("backward", "RMSNorm", True, "bfloat16", 10, 100).bytes
        8000
        """
        tensors = 2 + 2 * self.added if self.direction == "forward" else 3 + self.added
        return tensors * self.rows * self.features * ITEM_BYTES[self.dtype]

    @property
    def copied_bytes(self) -> int:
        """What a copy of x reads and writes."""
        return 2 * self.rows * self.features * ITEM_BYTES[self.dtype]

    def __str__(self) -> str:
        name = f"add + {self.norm}" if self.added else self.norm
        return f"{name}, {self.direction}, {self.dtype}, D = {self.features}"


@dataclass(frozen=True)
class FusedRace:
    """Seconds a call by contender, quartiles of turns in one run, and those of a copy of x."""

    setting: Setting
    machine: str
    seconds: Mapping[str, Quartiles]
    copy: Quartiles

    def share(self, contender: str) -> float:
        """The contender's bandwidth, of the bytes that have to be moved, over the copy's."""
        speed = self.setting.bytes / self.seconds[contender].median
        return speed / (self.setting.copied_bytes / self.copy.median)

    @property
    def beside_best(self) -> float:
        """Our time over that of the fastest other one."""
        others = [time.median for name, time in self.seconds.items() if name != OURS]
        return self.seconds[OURS].median / min(others)


def fused_race_table(races: Sequence[FusedRace]) -> Table:
    """A row a race: each contender's part of the copy's bandwidth, and our time beside the best."""
    names = list(dict.fromkeys(name for race in races for name in race.seconds))
    rows = [
        [
            str(race.setting),
            *(f"{race.share(name):.0%}" if name in race.seconds else "" for name in names),
            f"{race.beside_best:.2f}",
        ]
        for race in races
    ]
    return Table(("of the copy's bandwidth", *names, "ours/best other"), rows)


def write_fused_races(path: Path, races: Iterable[FusedRace], triton: str, command: str) -> None:
    """A row for each contender of each race, the copy among them."""
    rows: list[dict[str, object]] = [
        {
            "machine": race.machine,
            **asdict(race.setting),
            "contender": contender,
            **{name: f"{value:.3e}" for name, value in time._asdict().items()},
            "triton": triton,
        }
        for race in races
        for contender, time in [*race.seconds.items(), (COPY, race.copy)]
    ]
    write_rows(path, rows, command)


def load_fused_races(path: Path = STORED) -> tuple[FusedRace, ...]:
    """The stored races; none, if nobody has measured on a GPU yet.

    >>> all(0 < race.share(OURS) < 1.2 for race in load_fused_races())
    True
    """
    if not path.exists():
        return ()
    races = groupby(read_rows(path), key=_setting)
    return tuple(_race(setting, list(rows)) for setting, rows in races)


def _setting(row: Mapping[str, str]) -> Setting:
    sizes = int(row["rows"]), int(row["features"])
    return Setting(row["direction"], row["norm"], row["added"] == "True", row["dtype"], *sizes)


def _race(setting: Setting, rows: list[dict[str, str]]) -> FusedRace:
    seconds = {
        row["contender"]: Quartiles(*(float(row[name]) for name in Quartiles._fields))
        for row in rows
    }
    copy = seconds.pop(COPY)
    return FusedRace(setting, rows[0]["machine"], seconds, copy)
