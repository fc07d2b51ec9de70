"""Rows of results that come with the package: written with what made them, and read again."""

import csv
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import numpy as np
import torch

import normlab
from normlab.tools.whole_files import written_whole


def write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows with the same columns as CSV; each also says when and with what it was made."""
    made = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "normlab": normlab.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    whole = [{**row, **made} for row in rows]
    with written_whole(path) as unfinished, unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(whole[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(whole)


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of a file in `normlab/results`, every value as text.

    >>> read_rows("graph.csv")[0]["norm"]
    'no norm'
    """
    text = resources.files("normlab").joinpath("results", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


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
