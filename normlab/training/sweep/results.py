"""The file that a sweep fills, run by run, and goes on from.

While a sweep runs, every finished run is appended to a CSV file and is on the disk before the
next one counts. For `results.csv` that is the file itself. For `results.parquet` it is
`results.parquet.partial.csv`, which becomes `results.parquet` when the sweep ends or is
interrupted; after a kill it stays, and the next start goes on from it.

Runs of other configs that are in the file stay as they are. So a grid can grow.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from normlab.tools.whole_files import held
from normlab.training.sweep.csv_file import append, read_csv, read_mending, write_csv
from normlab.training.sweep.parquet_file import need_pyarrow, read_parquet, write_parquet
from normlab.training.sweep.rows import Key, Row, row_key

SUFFIXES = (".csv", ".parquet")


def read_results(path: Path) -> list[Row]:
    """The rows of a results file, CSV or Parquet; None where a cell is empty.

    The columns are described at `normlab.training.sweep.rows.COLUMNS`.

    Raises:
        ValueError: if the suffix is another, or the file was not written by a sweep.
        OSError: if there is no such file.
    """
    return read_parquet(path) if _suffix(path) == ".parquet" else read_csv(path)


class Results:
    """A results file, open for one sweep at a time: `with Results(path) as results`.

    Attributes:
        runs: the rows of each finished run in the file, by `config_key`.
    """

    def __init__(self, path: Path) -> None:
        if _suffix(path) == ".parquet":
            need_pyarrow()
        if not path.parent.is_dir():
            raise ValueError(f"there is no folder {path.parent}; make it, or name another file.")
        self.path = path
        partial = path.with_name(f"{path.name}.partial.csv")
        self.journal = partial if path.suffix == ".parquet" else path
        self.runs: dict[Key, list[Row]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            lock = self.path.with_name(f".{self.path.name}.lock")
            stack.enter_context(held(lock, f"another sweep is writing to {self.path}."))
            if self.journal != self.path and self.path.exists() and not self.journal.exists():
                write_csv(self.journal, read_parquet(self.path))
            self.file: BinaryIO = stack.enter_context(self.journal.open("ab"))
            self._remember(read_mending(self.journal))
            self._held = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._held:
            self.file.close()
            if self.runs and self.journal != self.path:
                write_parquet(self.path, read_mending(self.journal))
            if not self.runs or self.journal != self.path:
                self.journal.unlink()

    def append(self, rows: Iterable[Row]) -> None:
        """Add whole runs; on the disk when it returns."""
        rows = list(rows)
        append(self.file, rows)
        self._remember(rows)

    def forget_failed(self) -> None:
        """Take failed runs out of the file, so that they run again."""
        rows = [row for run in self.runs.values() for row in run]
        self.file.close()
        write_csv(self.journal, (row for row in rows if not row["error"]))
        self.file = self._held.enter_context(self.journal.open("ab"))
        self.runs = {}
        self._remember(read_csv(self.journal))

    def _remember(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.runs.setdefault(row_key(row), []).append(row)


def _suffix(path: Path) -> str:
    if path.suffix not in SUFFIXES:
        raise ValueError(
            f"results file {path} ends in {path.suffix!r}; expected {' or '.join(SUFFIXES)}."
        )
    return path.suffix
