"""Check notebooks and .py files from outside: run their code, and examine what it defines."""

import contextlib
from pathlib import Path

from normlab.checks import Diagnosis, Fault, examine
from normlab.checks.cells import Cell, Program, UnreadableFile, notebook_cells, quiet
from normlab.checks.examiner import not_defined
from normlab.exercises import FUNCTIONS, find_exercise


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
    try:
        question = exercise.question(name)
    except ModuleNotFoundError as error:  # it needs torch, and says so
        needs = Fault("needs-torch", str(error))
        return Diagnosis(exercise.name, name, False, False, max_points=0, faults=(needs,))
    if name in program.namespace:
        with quiet():
            return examine(exercise, question, program.namespace[name])
    return not_defined(exercise, question, program.errors.get(name, ""))


def read_cells(path: Path) -> list[Cell]:
    """The code of a notebook or a .py file.

    Raises:
        UnreadableFile: if there is no such file, or it holds no Python code.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".py":
            return [Cell(path.name, data.decode("utf-8"))]
    except FileNotFoundError:
        raise UnreadableFile(f"{path} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path} cannot be read: {error}.") from None
    if path.suffix == ".ipynb":
        return notebook_cells(path.name, data)
    raise UnreadableFile(f"{path} is neither a notebook (.ipynb) nor a Python file (.py).")


def answered_names(cells: list[Cell], whole_exercises: bool) -> list[str]:
    """What the cells define of that which exercises ask for; or all of an exercise of which they
    define anything."""
    defined = {name for cell in cells for name in cell.defines()}
    touched = [functions for functions in FUNCTIONS.values() if defined & set(functions)]
    names = [name for functions in touched for name in functions]
    return names if whole_exercises else [name for name in names if name in defined]


def run(cells: list[Cell], folder: Path) -> Program:
    """Run all cells in one namespace, without the calls of `check` and `hint` in them."""
    program = Program({"__name__": "__main__"})
    with quiet(), contextlib.chdir(folder):
        for cell in cells:
            program.run(cell)
    return program
