"""An API reference from docstrings: a page for each room of the package, with what its face names.

Sphinx reads the docstrings (`autodoc`) and their sections (`napoleon`); `docstrings.py` makes reST
of their plain text first.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from sphinx.pycode import ModuleAnalyzer

from docs.site.links import ROOT
from docs.site.written.docstrings import as_rest

MODULES = re.compile(r"\b(?:\w+\.)+(?=\w)")
PACKAGE = ROOT / "normlab"
STUDY = PACKAGE / "study"
"""What learners call of it is on the face of `normlab` itself."""
WITHOUT_STUB = ("norms", "torch_norms", "fused_norms")
"""Rooms whose names are loaded with them."""


@dataclass(frozen=True)
class Name:
    """A name on the face of a room.

    Args:
        name: as it is imported from there.
        home: the module that defines it.
    """

    name: str
    home: str


def write_reference(folder: Path) -> None:
    """Write `index.rst` and a page for each room into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rooms = faces()
    for room, names in rooms.items():
        (folder / f"{room}.rst").write_text(page(room, names), encoding="utf-8")
    (folder / "index.rst").write_text(index(list(rooms)), encoding="utf-8")


def faces() -> dict[str, list[Name]]:
    """Every room of the package that has a face -> what is on it, in the order of the alphabet.

    What two rooms name is on that of the upper one.

    >>> [name.name for name in faces()["normlab.torch_norms"]]
    ['LayerNorm', 'RMSNorm', 'layer_norm', 'rms_norm']
    """
    stubs = sorted(PACKAGE.rglob("__init__.pyi"), key=lambda stub: (len(stub.parts), stub))
    files = [stub for stub in stubs if STUDY not in stub.parents]
    files += [PACKAGE / room / "__init__.py" for room in WITHOUT_STUB]
    found: dict[str, list[Name]] = {}
    known: set[Name] = set()
    for file in files:
        room = ".".join(file.parent.relative_to(ROOT).parts)
        names = [name for name in _imported(room, file) if name not in known]
        found[room] = sorted(names, key=lambda name: name.name)
        known |= set(names)
    return dict(sorted(found.items()))


def page(room: str, names: list[Name]) -> str:
    """The page of a room, as reST."""
    parts = [OFF_THE_MENU, _titled(room), f".. automodule:: {room}\n   :no-members:"]
    parts.append(f".. py:currentmodule:: {room}")
    parts += [_directive(room, name) for name in names]
    return "\n\n".join(parts) + "\n"


def index(rooms: list[str]) -> str:
    """The first page of the reference: each room with the first sentence of what it is."""
    rows = [f"* - :doc:`{room}`\n  - {_first_sentence(room)}" for room in rooms]
    table = ".. list-table::\n   :widths: 2 3\n\n" + _indented("\n".join(rows))
    return "\n\n".join([_titled("API reference"), INTRODUCTION, table]) + "\n"


OFF_THE_MENU = ":orphan:"
INTRODUCTION = """\
What the notebooks import, with its arguments and errors. All of it is made from the docstrings,
whose examples are run by the tests."""


def _imported(room: str, file: Path) -> Iterator[Name]:
    """What the file of a face imports, whatever its level."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            home = f"{room}.{node.module}" if node.level else node.module
            yield from (Name(a.name, home) for a in node.names if home.startswith(room))


def _directive(room: str, name: Name) -> str:
    value = getattr(importlib.import_module(room), name.name)
    if inspect.isclass(value) and not get_args(value):
        return f".. autoclass:: {name.name}\n   :members:"
    if inspect.isroutine(value):
        return f".. autofunction:: {name.name}"
    return f".. py:data:: {name.name}\n\n{_indented(chr(10).join(_comment(name, value)))}"


def _comment(name: Name, value: Any) -> list[str]:
    """What is said of a value where it is defined."""
    said = ModuleAnalyzer.for_module(name.home).find_attr_docs().get(("", name.name), [])
    if get_args(value):  # such as Callable[[FloatArray], float]
        said = [*said, "", f"A type: `{re.sub(MODULES, '', str(value))}`"]
    return as_rest(said) or [f"A value of type ``{type(value).__name__}``."]


def _first_sentence(room: str) -> str:
    text = inspect.getdoc(importlib.import_module(room)) or ""
    return " ".join(as_rest(text.split("\n\n")[0].splitlines()))


def _titled(title: str) -> str:
    return f"{title}\n{'=' * len(title)}"


def _indented(text: str) -> str:
    return "\n".join(f"   {line}".rstrip() for line in text.splitlines())
