"""Check notebooks and .py files from outside: run their code, and examine what it defines."""

import ast
import contextlib
import io
import json
import linecache
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from normlab.checks import Diagnosis, examine
from normlab.checks.diagnosis import Finding
from normlab.checks.observe import own_line
from normlab.exercises import FUNCTIONS, find_exercise


class UnreadableFile(ValueError):
    """A file that holds no code; the message says why and what was expected."""


@dataclass(frozen=True)
class Cell:
    """A piece of code, and what to call it in messages."""

    name: str
    source: str


@dataclass
class Program:
    """What running a file left: its names, and the errors of the cells that failed."""

    namespace: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    """Name that a failed cell would have defined -> the error."""


def check_file(path: Path) -> list[Diagnosis]:
    """The diagnosis of every answer in a file, in the order of the exercises.

    All code cells run, from top to bottom, in one namespace, with the file's folder as current
    directory; lines for the shell and magics are left out, and nothing is shown of what the cells
    print. A cell that raises does not stop the others. Which exercise is answered is known from
    the names that the file defines; an exercise's functions that a notebook does not define are
    not attempted.

    Raises:
        UnreadableFile: if the file cannot be read, or answers no exercise.
    """
    cells = read_cells(path)
    names = answered_names(cells, whole_exercises=path.suffix == ".ipynb")
    if not names:
        asked = ", ".join(name for functions in FUNCTIONS.values() for name in functions)
        raise UnreadableFile(f"{path} answers no exercise: it defines none of {asked}.")
    program = run(cells, path.parent)
    return [_diagnosis(name, program) for name in names]


def _diagnosis(name: str, program: Program) -> Diagnosis:
    exercise = find_exercise(name)
    question = exercise.question(name)
    if name in program.namespace:
        with quiet():
            return examine(exercise, question, program.namespace[name])
    error = program.errors.get(name)
    findings = (Finding("raises", f"it is not defined: {error}"),) if error else ()
    return Diagnosis(exercise.name, name, False, bool(error), question.points, findings)


def read_cells(path: Path) -> list[Cell]:
    """The code of a notebook or a .py file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnreadableFile(f"{path} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}.") from None
    if path.suffix == ".py":
        return [Cell(path.name, text)]
    if path.suffix == ".ipynb":
        return list(_notebook_cells(path, text))
    raise UnreadableFile(f"{path} is neither a notebook (.ipynb) nor a Python file (.py).")


def _notebook_cells(path: Path, text: str) -> Iterator[Cell]:
    manager: Any = TransformerManager
    transform = manager().transform_cell
    try:
        cells = json.loads(text)["cells"]
        sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFile(f"{path} is no notebook of format 4: {error!r}.") from None
    for number, source in enumerate(sources, 1):
        with contextlib.suppress(SyntaxError):  # Python says it better, in `run`
            source = transform(source)
        lines = (line for line in source.splitlines() if "get_ipython()" not in line)
        yield Cell(f"{path.name}, code cell {number}", "\n".join(lines) + "\n")


DEFINES = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)


def answered_names(cells: list[Cell], whole_exercises: bool) -> list[str]:
    """What the cells define of that which exercises ask for; or all of an exercise of which they
    define anything."""
    defined = {name for cell in cells for name in DEFINES.findall(cell.source)}
    touched = [functions for functions in FUNCTIONS.values() if defined & set(functions)]
    names = [name for functions in touched for name in functions]
    return names if whole_exercises else [name for name in names if name in defined]


def run(cells: list[Cell], folder: Path) -> Program:
    """Run all cells in one namespace, without the calls of `check` and `hint` in them."""
    program = Program({"__name__": "__main__"})
    with quiet(), contextlib.chdir(folder):
        for cell in cells:
            _run_cell(cell, program)
    return program


def _run_cell(cell: Cell, program: Program) -> None:
    linecache.cache[cell.name] = len(cell.source), None, cell.source.splitlines(True), cell.name
    try:
        tree = ast.parse(cell.source, cell.name)
        tree.body = [node for node in tree.body if not _is_check(node)]
        exec(compile(tree, cell.name, "exec"), program.namespace)
    except (Exception, SystemExit) as error:
        where = own_line(error.__traceback__)
        text = f"{type(error).__name__}: {error}" + (f", in {where}" if where else "")
        program.errors |= {name: text for name in DEFINES.findall(cell.source)}


def _is_check(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("check", "hint")
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing that the answers print or warn of is shown; pictures go nowhere."""
    sink, environment = io.StringIO(), dict(os.environ)
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
        os.environ.clear()
        os.environ.update(environment)
