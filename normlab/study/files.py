"""Check notebooks and .py files from outside: run their code, and examine what it defines."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from normlab.checks import Diagnosis, Fault
from normlab.checks.bulk import MOST_KEPT, without_outputs
from normlab.checks.cells import Cell, UnreadableFile, notebook_cells, python_cells
from normlab.checks.examiner import not_defined
from normlab.checks.obstacles import in_the_way, is_unanswered, set_aside
from normlab.checks.program import Program, is_normlabs
from normlab.checks.silence import quiet, silent_descriptors
from normlab.exercises import FUNCTIONS, find_exercise
from normlab.exercises.catalogue import NEEDED
from normlab.exercises.challenges.names import CHALLENGE_FUNCTIONS, NOTEBOOK
from normlab.study.notebook import diagnose

ASKED = {**FUNCTIONS, NOTEBOOK: CHALLENGE_FUNCTIONS}
"""What a notebook asks for: the exercises, and the open challenges."""
ASKED_NAMES = tuple(name for functions in ASKED.values() for name in functions)


@dataclass(frozen=True)
class Source:
    """What is in a file: its code, and what of it does not run (function -> where it stands)."""

    path: Path
    cells: list[Cell]
    aside: Mapping[str, str]


def check_file(path: Path) -> list[Diagnosis]:
    """The diagnosis of every answer in a file, in the order of the exercises.

    All code cells run, from top to bottom, in one namespace, with the file's folder as current
    directory; lines for the shell and magics are left out, and nothing is shown of what the cells
    print. A statement that raises stops neither those below it nor other cells. Which exercise is
    answered is known from the names that the code leaves; an exercise's functions that a notebook
    does not define are not attempted.

    Raises:
        UnreadableFile: if the file cannot be read, or answers no exercise.
    """
    return [diagnosis for diagnosis, _ in answers_in(path)]


def answers_in(path: Path) -> Iterator[tuple[Diagnosis, str]]:
    """As `check_file`, one after the other, each with a note on what keeps it from being one.

    Raises:
        UnreadableFile: as `check_file`.
    """
    source = read_source(path)
    with _as_from(path.parent):
        program = run(source)
        names = answered_names(program, whole_exercises=path.suffix == ".ipynb")
        if not names:
            raise UnreadableFile(_no_answer(source, program))
        for name in names:
            yield _answer(name, program, source)


def answer_in(path: Path, name: str) -> tuple[Diagnosis, str]:
    """As `answers_in`, of one of the names that exercises ask for.

    Raises:
        UnreadableFile: if the file cannot be read.
    """
    source = read_source(path)
    with _as_from(path.parent):
        return _answer(name, run(source), source)


def _answer(name: str, program: Program, source: Source) -> tuple[Diagnosis, str]:
    with quiet(), silent_descriptors():
        diagnosis = _diagnosis(name, program)
    return diagnosis, _in_the_way(name, source) if is_unanswered(diagnosis) else ""


def _in_the_way(name: str, source: Source) -> str:
    return in_the_way(name, source.cells, source.aside, ASKED_NAMES)


def _diagnosis(name: str, program: Program) -> Diagnosis:
    if name in CHALLENGE_FUNCTIONS:
        return _score(name, program)
    exercise = find_exercise(name)
    try:
        question = exercise.question(name)
    except ModuleNotFoundError as error:  # it says so
        return _needs(error.name, exercise.name, name, str(error))
    answer = program.answer(name)
    if answer is not None:
        return diagnose(name, answer)
    return not_defined(exercise, question, program.errors.get(name, ""))


def _needs(library: str | None, exercise: str, name: str, why: str) -> Diagnosis:
    needs = Fault(f"needs-{library}", why)
    return Diagnosis(exercise, name, attempted=False, levels=(), faults=(needs,))


def _score(name: str, program: Program) -> Diagnosis:
    """The score of an open challenge, if it was attempted."""
    try:
        from normlab.study.challenge_check import examine_challenge
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        return _needs("torch", NOTEBOOK, name, f"{name} needs {NEEDED['torch']}")
    return examine_challenge(name, program.answer(name), program.errors.get(name, ""))


def _no_answer(source: Source, program: Program) -> str:
    imported = [name for name in ASKED_NAMES if is_normlabs(program.namespace.get(name))]
    if imported:
        return f"{source.path} answers no exercise: {imported[0]} in it is normlab's own."
    hidden = filter(None, (_in_the_way(name, source) for name in ASKED_NAMES))
    defines = next(hidden, f"it defines none of {', '.join(ASKED_NAMES)}.")
    return f"{source.path} answers no exercise: {defines}"


def read_source(path: Path) -> Source:
    """The code of a notebook or a .py file.

    Raises:
        UnreadableFile: if there is no such file, or it holds no Python code.
    """
    try:
        with path.open("rb") as file:
            data = without_outputs(file, MOST_KEPT) if path.suffix == ".ipynb" else file.read()
    except FileNotFoundError:
        raise UnreadableFile(f"{path} does not exist.") from None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error}.") from None
    if path.suffix == ".py":
        return Source(path, python_cells(path.name, data), {})
    if len(data) > MOST_KEPT:
        raise UnreadableFile(f"{path} has more than {MOST_KEPT / 2**20:.0f} MB besides outputs.")
    if path.suffix == ".ipynb":
        return Source(path, notebook_cells(path.name, data), set_aside(path.name, data))
    raise UnreadableFile(f"{path} is neither a notebook (.ipynb) nor a Python file (.py).")


def answered_names(program: Program, whole_exercises: bool) -> list[str]:
    """What a program answers of that which exercises ask for, or would if its cells did not fail;
    or all of an exercise of which it answers anything."""
    found = {n for n in ASKED_NAMES if n in program.errors or program.answer(n) is not None}
    touched = [functions for functions in ASKED.values() if found & set(functions)]
    names = [name for functions in touched for name in functions]
    return names if whole_exercises else [name for name in names if name in found]


def run(source: Source) -> Program:
    """Run all cells in one namespace, without `check`, `hint`, `use` and `attempt` in them."""
    program = Program({"__name__": "__main__"})
    if source.path.suffix == ".py":
        program.namespace["__file__"] = str(source.path.absolute())
    with (
        quiet(),
        silent_descriptors(),
        contextlib.chdir(source.path.parent),
        contextlib.closing(program),
    ):
        for cell in source.cells:
            program.run(cell)
    return program


@contextlib.contextmanager
def _as_from(folder: Path) -> Iterator[None]:
    """Modules are found that lie in `folder`, as by a program that lies there itself.

    What that program sets in the environment ends with it.
    """
    path, loaded, environment = list(sys.path), set(sys.modules), dict(os.environ)
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path[:] = path
        os.environ.clear()
        os.environ.update(environment)
        for name in set(sys.modules) - loaded:  # another folder may have one of the same name
            file = getattr(sys.modules[name], "__file__", None)
            if file and folder.resolve() in Path(file).parents and "site-packages" not in file:
                del sys.modules[name]
