"""The code of a notebook or a .py file, cell by cell."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from normlab.checks.scripts import parts
from normlab.checks.sources import defined_names
from normlab.checks.texts import decoded

MOST_CODE = 2**20
"""Characters of code in a file. A solved notebook has some thousand."""


class UnreadableFile(ValueError):
    """A file that holds no code; the message says why and what was expected."""


@dataclass(frozen=True)
class Cell:
    """A piece of code, what to call it in messages, and the metadata that a notebook has of it."""

    name: str
    source: str
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def defines(self) -> frozenset[str]:
        """The names by which it leaves something that can be called, by a look at the code."""
        return self._defined

    @cached_property
    def _defined(self) -> frozenset[str]:
        return defined_names(self.source)


def python_cells(name: str, data: bytes) -> list[Cell]:
    """A .py file: one cell; or several, if it was made of a notebook.

    Raises:
        UnreadableFile: if Python could not read it.
    """
    try:
        text = decoded(data)
    except UnicodeError as error:
        raise UnreadableFile(f"{name} is no text: {error}.") from None
    return _of_bounded_length(
        name,
        [Cell(name if first == 1 else f"{name}, from line {first}", s) for first, s in parts(text)],
    )


def notebook_cells(name: str, data: bytes) -> list[Cell]:
    """The code cells of a notebook of format 4, or of the formats 2 and 3.

    Args:
        name: of the file, for messages.
        data: its bytes.

    Raises:
        UnreadableFile: if they are no notebook of Python code; it says what they are instead.

    >>> data = b'{"cells": [{"cell_type": "code", "source": ["x = 1"]}]}'
    >>> notebook_cells("a.ipynb", data)[0].name
    'a.ipynb, code cell 1'
    """
    code = (cell for kind, cell in all_cells(name, data) if kind == "code")
    return _of_bounded_length(
        name,
        [
            Cell(f"{name}, code cell {number}", cell.source, cell.metadata)
            for number, cell in enumerate(code, 1)
        ],
    )


def _of_bounded_length(name: str, cells: list[Cell]) -> list[Cell]:
    if sum(len(cell.source.lstrip("\n")) for cell in cells) > MOST_CODE:
        raise UnreadableFile(f"{name} has more than {MOST_CODE / 2**20:.0f} MB of code.")
    return cells


def all_cells(name: str, data: bytes) -> Iterator[tuple[str, Cell]]:
    """(type, cell) of all cells, the text of Markdown among them.

    Raises:
        UnreadableFile: as `notebook_cells`.
    """
    if not data.strip():
        raise UnreadableFile(f"{name} is empty.")
    try:
        notebook = json.loads(decoded(data))
        cells = _cells_of(notebook)
        kinds = [cell["cell_type"] for cell in cells]
        sources = ["".join(_source_of(cell) or "") for cell in cells]
    except UnicodeError as error:
        raise UnreadableFile(f"{name} is no text: {error}.") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = error if isinstance(error, json.JSONDecodeError) else repr(error)
        raise UnreadableFile(f"{name} is no notebook of format 4, or cut off: {reason}.") from None
    languages = _languages(notebook)
    if not any("python" in language.lower() for language in languages):
        raise UnreadableFile(f"{name} is written in {languages[0]!r}; expected Python.")
    for kind, cell, source in zip(kinds, cells, sources, strict=True):
        yield kind, Cell(name, source, _mapping(cell.get("metadata")))


def _cells_of(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells, which formats before 4 have in sheets."""
    if "cells" not in notebook and "worksheets" in notebook:
        return [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    cells: list[dict[str, Any]] = notebook["cells"]
    return cells


def _source_of(cell: dict[str, Any]) -> Any:
    """What formats before 4 call the input of a cell of code."""
    return cell["source"] if "source" in cell else cell["input"]


def _languages(notebook: dict[str, Any]) -> list[str]:
    """What the metadata say; a notebook that has lost them is taken for Python."""
    metadata = _mapping(notebook.get("metadata"))
    places = (("kernelspec", "language"), ("language_info", "name"))
    said = [_mapping(metadata.get(place)).get(key) for place, key in places]
    return [text for text in said if isinstance(text, str) and text] or ["python"]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
