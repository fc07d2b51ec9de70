"""Rows in a Parquet file, by pyarrow, which is an extra."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from normlab.tools.toml_settings import kinds
from normlab.tools.whole_files import written_whole
from normlab.training.sweep.rows import COLUMNS, Row


def need_pyarrow() -> Any:
    """The module `pyarrow.parquet`.

    Raises:
        ModuleNotFoundError: that says how to get it.
    """
    try:
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'Parquet needs pyarrow: run `pip install --editable ".[parquet]"` in the folder of the '
            "course, or name a .csv file."
        ) from error
    return pyarrow.parquet


def read_parquet(path: Path) -> list[Row]:
    """The rows of a file.

    Raises:
        ValueError: if the columns are others.
    """
    table = need_pyarrow().read_table(path)
    if not table.schema.equals(_schema()):
        odd = sorted({*table.schema.names} ^ {*COLUMNS})
        raise ValueError(
            f"{path} has other columns than a sweep writes (what differs: "
            f"{', '.join(odd) or 'their types or order'}). Name another file, or move this one."
        )
    rows: list[Row] = table.to_pylist()
    return rows


def write_parquet(path: Path, rows: Iterable[Row]) -> None:
    """Write a file anew: under another name, then renamed."""
    parquet = need_pyarrow()
    import pyarrow

    with written_whole(path) as unfinished:
        parquet.write_table(pyarrow.Table.from_pylist(list(rows), _schema()), unfinished)


def _schema() -> Any:
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return pa.schema(
        pa.field(name, types[kinds(hint)[0]], nullable=type(None) in kinds(hint))
        for name, hint in COLUMNS.items()
    )
