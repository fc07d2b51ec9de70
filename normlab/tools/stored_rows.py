"""Stored results: files that come with the package, and say what made them."""

import csv
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from normlab.tools.whole_files import written_whole


def made_by(command: str) -> dict[str, str]:
    """What a stored file says of its making: the command, the UTC time, and versions.

    >>> made_by("normlab remake graph")["command"]
    'normlab remake graph'
    """
    return {
        "command": command,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        **{package: version(package) for package in ("normlab", "torch", "numpy")},
        "python": platform.python_version(),
    }


def write_rows(path: Path, rows: Iterable[Mapping[str, object]], command: str) -> None:
    """Write rows with the same columns as CSV; each also says what made it.

    A row that says it already, since it was kept from an earlier file, goes on saying the same.
    """
    made = made_by(command)
    whole = [{**row, **made, **row} for row in rows]
    with written_whole(path) as unfinished, unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(whole[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(whole)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, every value as text.

    Raises:
        OSError: if there is no such file.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def joined(numbers: Iterable[float]) -> str:
    """Numbers as one cell, four digits each.

    >>> joined([2.77259, 0.5])
    '2.773 0.5'
    """
    return " ".join(f"{number:.4g}" for number in numbers)


def split(cell: str) -> list[float]:
    """The numbers of such a cell.

    >>> split("2.773 0.5")
    [2.773, 0.5]
    """
    return [float(number) for number in cell.split()]
