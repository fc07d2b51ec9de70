"""The code of a notebook: read, freed of what only a notebook understands, and run cell by cell."""

import ast
import contextlib
import io
import json
import linecache
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from normlab.checks.observe import message_of, own_line

DEFINES = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)
"""What a source defines at its top level."""


class UnreadableFile(ValueError):
    """A file that holds no code; the message says why and what was expected."""


@dataclass(frozen=True)
class Cell:
    """A piece of code, what to call it in messages, and the metadata that a notebook has of it."""

    name: str
    source: str
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def defines(self) -> set[str]:
        """The functions and classes in it, by a look at the text."""
        return set(DEFINES.findall(self.source))


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
    if not data.strip():
        raise UnreadableFile(f"{name} is empty.")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in cells]
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name} is no text: {error}.") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = error if isinstance(error, json.JSONDecodeError) else repr(error)
        raise UnreadableFile(f"{name} is no notebook of format 4, or cut off: {reason}.") from None
    language = _language(notebook)
    if "python" not in language.lower():
        raise UnreadableFile(f"{name} is written in {language!r}; expected Python.")
    return [
        Cell(f"{name}, code cell {number}", source, _mapping(cell.get("metadata")))
        for number, (cell, source) in enumerate(zip(cells, sources, strict=True), 1)
    ]


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


SYNTAX_OF_NOTEBOOKS = re.compile(
    r"^[ \t]*(?:[%!?,;/]|>>>|In \[)|[?][ \t]*$|=[ \t]*[%!]|\A\s*^[ \t]", re.MULTILINE
)
BODY_IS_PYTHON = re.compile(r"\A(\s*)%%(?:time|capture)\b.*")
TIMED_LINE = re.compile(r"^([ \t]*)%time[ \t]+(?=\S)", re.MULTILINE)
FOR_THE_NOTEBOOK = re.compile(r"^([ \t]*).*get_ipython\(\).*$", re.MULTILINE)


def plain_python(source: str) -> str:
    """`source` without magics and lines for the shell; the other lines stay where they are.

    What `%time`, `%%time` and `%%capture` run is Python, and stays.

    >>> print(plain_python("%matplotlib inline\\nif ready:\\n    !ls\\nx = 1"), end="")
    pass
    if ready:
        pass
    x = 1
    """
    if not SYNTAX_OF_NOTEBOOKS.search(source):
        return source
    source = BODY_IS_PYTHON.sub(r"\1#", source)  # a comment keeps its line
    source = TIMED_LINE.sub(r"\1", source)
    with contextlib.suppress(SyntaxError):  # Python says it better when it compiles the source
        source = _transformer().transform_cell(source)
    return FOR_THE_NOTEBOOK.sub(r"\1pass", source)


@cache
def _transformer() -> Any:
    from IPython.core.inputtransformer2 import TransformerManager  # takes 0.2 s

    manager: Any = TransformerManager
    return manager()


@dataclass
class Program:
    """What the cells that were run have left.

    Args:
        namespace: in which they run.
        errors: name that a failed cell would have defined -> the error.
    """

    namespace: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)

    def run(self, cell: Cell) -> str:
        """Run a cell without the calls of `check` and `hint` in it; return its error, or ""."""
        self.namespace.setdefault("display", _display)
        try:
            source = plain_python(cell.source)
            lines = source.splitlines(keepends=True)
            linecache.cache[cell.name] = len(source), None, lines, cell.name
            tree = ast.parse(source, cell.name)
            tree.body = [node for node in tree.body if not _is_check(node)]
            exec(compile(tree, cell.name, "exec"), self.namespace)
        except (Exception, SystemExit) as error:
            where = own_line(error.__traceback__)
            text = f"{type(error).__name__}: {message_of(error)}"
            text += f", in {where}" if where else ""
            self.errors |= dict.fromkeys(cell.defines(), text)
            return text
        return ""


def _display(*objects: Any, **options: Any) -> None:
    """Stands for the function of this name that every notebook has."""


def _is_check(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("check", "hint")
    )


class FirstCharacters(io.TextIOBase):
    """A text file that keeps the first characters written to it, and forgets the others."""

    def __init__(self, limit: int = 0) -> None:
        self.limit, self.text = limit, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text[: self.limit - len(self.text)]
        return len(text)


@contextlib.contextmanager
def quiet(printed: FirstCharacters | None = None) -> Iterator[None]:
    """Nothing that code prints or warns of is shown, but kept in `printed`; pictures go nowhere."""
    sink, environment = printed or FirstCharacters(), dict(os.environ)
    if environment.get("MPLBACKEND") != "agg":
        os.environ["MPLBACKEND"] = "agg"
    try:
        with (
            contextlib.redirect_stdout(sink),
            contextlib.redirect_stderr(sink),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
