"""Rows in a CSV file, written so that a kill at any moment costs at most the last run in it."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from normlab.tools.whole_files import written_whole
from normlab.training.sweep.rows import COLUMNS, Row, is_whole, row_key
from normlab.training.sweep.values import from_text, to_text

HEADER = ",".join(COLUMNS) + "\n"


def read_csv(path: Path) -> list[Row]:
    """The rows of a whole file.

    Raises:
        ValueError: if the columns are others, or a cell has no value of its column's type.
        OSError: if there is no such file.
    """
    return parse(path, path.read_bytes())


def read_mending(path: Path) -> list[Row]:
    """The rows of the runs that were written to their end; what follows is cut off the file.

    Only the last run can be torn: rows are appended, and those of a run stand together.
    """
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if not whole and HEADER.encode().startswith(data):
        rows, size = [], 0
    else:
        rows, size = parse(path, whole), len(whole)
        torn = _torn(rows)
        size -= sum(len(line) for line in whole.splitlines(keepends=True)[-torn:] if torn)
        rows = rows[: len(rows) - torn]
    if size < len(data):
        os.truncate(path, size)
    return rows


def append(file: BinaryIO, rows: Iterable[Row]) -> None:
    """Write the rows at the end, and have them on the disk before returning."""
    text = "".join(map(_line, rows))
    header = "" if os.fstat(file.fileno()).st_size else HEADER
    file.write((header + text).encode())
    file.flush()
    os.fsync(file.fileno())


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write a file anew: under another name, then renamed."""
    with written_whole(path) as unfinished, unfinished.open("wb") as file:
        append(file, rows)


def parse(path: Path, data: bytes) -> list[Row]:
    """The rows in the bytes of a file; `path` is for the errors."""
    text = data.decode("utf-8-sig", errors="replace")
    header, *lines = [*csv.reader(io.StringIO(text, newline=""))] or [[]]
    if header != list(COLUMNS):
        odd = ", ".join(sorted({*header} ^ {*COLUMNS})) or "their order"
        raise ValueError(
            f"{path} has other columns than a sweep writes (what differs: {odd}). "
            "Name another file, or move this one away."
        )
    return [_row(path, number, cells) for number, cells in enumerate(lines, start=2)]


def _row(path: Path, number: int, cells: Sequence[str]) -> Row:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{path}, line {number}: {len(cells)} cells, expected {len(COLUMNS)}.")
    row: Row = {}
    for (name, hint), text in zip(COLUMNS.items(), cells, strict=True):
        try:
            row[name] = from_text(text, hint)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}, column {name}: {error}") from error
    return row


def _line(row: Row) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(map(to_text, row.values()))
    return text.getvalue()


def _torn(rows: Sequence[Row]) -> int:
    """How many rows at the end are of a run that does not go up to its last step."""
    if not rows or is_whole(rows[-1:]):
        return 0
    last = row_key(rows[-1])
    return next((n for n, row in enumerate(reversed(rows)) if row_key(row) != last), len(rows))
