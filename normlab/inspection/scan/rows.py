"""The rows of a scan in a CSV file: a folder's are there as a whole, or count for nothing."""

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path
from textwrap import shorten

from normlab.tools.whole_files import written_whole

COLUMNS = (
    "folder",
    "part",
    "config",
    "role",
    "own_layers",
    "outcome",
    "model",
    "layer",
    "layers",
    "norm",
    "eps",
    "released_eps",
    "gain",
    "bias",
    "norms_on_wiring",
    "inner_norms",
    "qk_norm",
    "placement",
    "equations",
    "final_norm",
    "embedding_norm",
    "streams",
    "gates",
    "norms_read",
    "norms_met",
    "warnings",
    "level",
    "year",
    "reason",
    "seed",
    "transformers",
    "command",
    "started",
    "normlab",
    "torch",
    "numpy",
    "python",
)
"""What a row says.

- folder, config, model, layer: the folder, and the classes that were read
- part: "2/5" is the second of a folder's five rows
- role: what the model is for; own_layers: the folder's layers with norms, by their source
- outcome: "wiring" if a layer was read, "norms" if norms alone, "other folders" or "parts"
  if its layers are those of others, "nothing" if it has no norm, else "failed"; reason says why
- layers: how many of them ran; norm, eps, gain, bias: of the norms on the wiring, the class default
- norms_on_wiring, inner_norms: of one layer; qk_norm: kind and width
- norms_read, norms_met: of the whole model
- warnings: "code:severity:count" of the whole model
- level: how it was made small; year, released_eps: where a source says so
"""
ScanRow = dict[str, str]


class ScanFile:
    """The file that a scan fills, folder by folder, and goes on from.

    Args:
        path: a .csv file, new or of an earlier scan.

    Raises:
        ValueError: if it is another file.
    """

    def __init__(self, path: Path) -> None:
        if not path.parent.is_dir():
            raise ValueError(f"there is no folder {path.parent}; make it, or name another file.")
        self.path = path
        self.rows = _whole_folders(read_scan(path, torn=True)) if path.exists() else []
        with written_whole(path) as unfinished:
            unfinished.write_text(_text([dict(zip(COLUMNS, COLUMNS, strict=True)), *self.rows]))

    def append(self, rows: Iterable[ScanRow]) -> None:
        """Add the rows of a folder; on the disk when it returns."""
        rows = list(rows)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(_text(rows))
            file.flush()
            os.fsync(file.fileno())
        self.rows += rows

    def sort(self) -> None:
        """Put the folders in the order of their names."""
        self.rows.sort(key=lambda row: row["folder"])
        with written_whole(self.path) as unfinished:
            unfinished.write_text(_text([dict(zip(COLUMNS, COLUMNS, strict=True)), *self.rows]))


def read_scan(path: Path, torn: bool = False) -> list[ScanRow]:
    """The rows of a scan.

    Args:
        path: the file.
        torn: whether its last line may be torn, as after a kill; it is left out then.

    Raises:
        ValueError: if it was not written by a scan.
        OSError: if there is no such file.
    """
    if not path.exists():
        made = f"`normlab scan --out {path}` makes one"
        raise FileNotFoundError(f"there is no file {path}; {made}.")
    text = path.read_bytes().decode("utf-8")
    if torn:
        text = text[: text.rfind("\n") + 1]
    header, *lines = [*csv.reader(io.StringIO(text, newline=""))] or [[]]
    if header and tuple(header) != COLUMNS:
        raise ValueError(f"{path} {_difference(header)}. Name another file.")
    whole = [line for line in lines if len(line) == len(COLUMNS) or not torn]
    return [dict(zip(COLUMNS, line, strict=True)) for line in whole]


def _difference(header: list[str]) -> str:
    """How the columns of another file differ."""
    missing = [name for name in COLUMNS if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    parts = (("it lacks", missing), ("it alone has", unknown))
    odd = [f"{said} {shorten(', '.join(names), 80)}" for said, names in parts if names]
    return f"has other columns than a scan writes: {'; '.join(odd) or 'their order'}"


def _whole_folders(rows: list[ScanRow]) -> list[ScanRow]:
    """The rows of the folders that were written to their end."""
    last = {row["folder"]: row["part"].split("/") for row in rows}
    return [row for row in rows if last[row["folder"]][0] == last[row["folder"]][1]]


def _text(rows: Iterable[ScanRow]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([row[name] for name in COLUMNS] for row in rows)
    return text.getvalue()
