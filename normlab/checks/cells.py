"""The code of a notebook or a .py file, cell by cell."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from normlab.checks.sources import decoded, defined_names, raise_left_above


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
        return self._defines

    @cached_property
    def _defines(self) -> frozenset[str]:
        return frozenset(defined_names(self.source))


def python_cells(name: str, data: bytes) -> list[Cell]:
    """The one cell that a .py file is.

    Raises:
        UnreadableFile: if Python could not read it.
    """
    try:
        return [Cell(name, decoded(data))]
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{name} is no text: {error}.") from None


def notebook_cells(name: str, data: bytes) -> list[Cell]:
    """The code cells of a notebook in format 4.

    Args:
        name: of the file, for messages.
        data: its bytes.

    Raises:
        UnreadableFile: if they are no notebook of Python code; it says what they are instead.

    >>> data = b'{"cells": [{"cell_type": "code", "source": ["x = 1"]}]}'
    >>> notebook_cells("a.ipynb", data)[0].name
    'a.ipynb, code cell 1'
    """
    code = (cell for kind, cell in _all_cells(name, data) if kind == "code")
    return [
        Cell(f"{name}, code cell {number}", cell.source, cell.metadata)
        for number, cell in enumerate(code, 1)
    ]


def set_aside(name: str, data: bytes) -> dict[str, str]:
    """What cells of a notebook define that do not run, and where: function -> the cell.

    Raises:
        UnreadableFile: as `notebook_cells`.

    >>> data = b'{"cells": [{"cell_type": "markdown", "source": "def f(x):\\\\n    return x"}]}'
    >>> set_aside("a.ipynb", data)
    {'f': 'cell 1 of the notebook, which is markdown'}
    """
    return {
        function: f"cell {number} of the notebook, which is {kind}"
        for number, (kind, cell) in enumerate(_all_cells(name, data), 1)
        if kind != "code"
        for function in cell.defines()
    }


def in_the_way(function: str, cells: Iterable[Cell], aside: Mapping[str, str]) -> str:
    """What keeps an answer that seems to be there from being one; "" if nothing is seen.

    Args:
        function: that was not attempted.
        cells: in which it may be defined.
        aside: as `set_aside` gives it.
    """
    for cell in cells:
        line = raise_left_above(cell.source, function)
        if line:
            return (
                f"{function}: {line} in {cell.name} keeps the code below it from running. "
                "Delete that line."
            )
    if function in aside:
        return f"{function}: it is in {aside[function]}, and does not run. Make it a code cell."
    return ""


def _all_cells(name: str, data: bytes) -> Iterator[tuple[str, Cell]]:
    """(type, cell) of all cells, the text of Markdown among them."""
    if not data.strip():
        raise UnreadableFile(f"{name} is empty.")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        if "cells" not in notebook and "worksheets" in notebook:
            raise UnreadableFile(OLD.format(name=name, version=notebook.get("nbformat", 3)))
        cells = notebook["cells"]
        kinds = [cell["cell_type"] for cell in cells]
        sources = ["".join(cell["source"] or "") for cell in cells]
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name} is no text: {error}.") from None
    except UnreadableFile:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = error if isinstance(error, json.JSONDecodeError) else repr(error)
        raise UnreadableFile(f"{name} is no notebook of format 4, or cut off: {reason}.") from None
    language = _language(notebook)
    if "python" not in language.lower():
        raise UnreadableFile(f"{name} is written in {language!r}; expected Python.")
    for kind, cell, source in zip(kinds, cells, sources, strict=True):
        yield kind, Cell(name, source, _mapping(cell.get("metadata")))


OLD = (
    "{name} is a notebook of format {version}; expected format 4. To convert it, open and save it "
    "in JupyterLab, or run: jupyter nbconvert --to notebook --inplace {name}"
)


def _language(notebook: dict[str, Any]) -> str:
    """What the metadata say; a notebook that has lost them is taken for Python."""
    metadata = _mapping(notebook.get("metadata"))
    for place, key in (("kernelspec", "language"), ("language_info", "name")):
        language = _mapping(metadata.get(place)).get(key)
        if isinstance(language, str) and language:
            return language
    return "python"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
