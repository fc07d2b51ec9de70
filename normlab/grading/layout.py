"""Where the answers are in a submitted notebook, and which of its cells are run."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache

from normlab.checks.cells import Cell, notebook_cells
from normlab.checks.exercise import Exercise
from normlab.study.folders import EXERCISES

MOST_CANDIDATES = 4
IMPORT_OF_TORCH = re.compile(r"^(?:import|from) torch\b", re.M)


@dataclass(frozen=True)
class Target:
    """A candidate for an answer: a function as a cell leaves it.

    Args:
        function: its name.
        cell: the index of the cell; None for what the name stands for at the end.
    """

    function: str
    cell: int | None


@dataclass(frozen=True)
class Layout:
    """What to run of a notebook, and where to find each answer.

    Args:
        cells: to run, in order. Test cells are not among them.
        targets: at least one for each question.
        notes: for student and teacher, on what was not as handed out.
    """

    cells: tuple[Cell, ...]
    targets: tuple[Target, ...]
    notes: tuple[str, ...] = ()

    def only(self, functions: Collection[str], without: Collection[int] = ()) -> "Layout":
        """The part that concerns some functions, without some cells."""
        kept = [i for i in range(len(self.cells)) if i not in without]
        places: dict[int | None, int | None] = {old: new for new, old in enumerate(kept)}
        places[None] = None
        targets = (t for t in self.targets if t.function in functions and t.cell in places)
        return Layout(
            tuple(self.cells[i] for i in kept),
            tuple(Target(t.function, places[t.cell]) for t in targets),
        )

    def cells_of(self, function: str) -> set[int]:
        """The cells that define a function, or are taken for its answer."""
        chosen = {t.cell for t in self.targets if t.function == function and t.cell is not None}
        return chosen | {i for i, cell in enumerate(self.cells) if function in cell.defines()}


@dataclass(frozen=True)
class Released:
    """What was handed out: the fingerprints of all cells, of the unsolved answers, of the tests."""

    cells: frozenset[str]
    answers: frozenset[str]
    tests: frozenset[str]


@cache
def released(exercise: str) -> Released:
    cells = notebook_cells(exercise, (EXERCISES / f"{exercise}.ipynb").read_bytes())
    marks = [(fingerprint(cell), cell.metadata.get("nbgrader", {})) for cell in cells]
    return Released(
        frozenset(print_ for print_, _ in marks),
        frozenset(print_ for print_, mark in marks if mark.get("solution")),
        frozenset(print_ for print_, mark in marks if mark.get("grade")),
    )


@cache
def imports_torch(exercise: str) -> bool:
    """Whether the notebook that was handed out imports it; if not, no answer needs it."""
    cells = notebook_cells(exercise, (EXERCISES / f"{exercise}.ipynb").read_bytes())
    return any(IMPORT_OF_TORCH.search(cell.source) for cell in cells)


def fingerprint(cell: Cell) -> str:
    """The same for sources that differ in white space at the ends of lines only."""
    lines = (line.rstrip() for line in cell.source.strip().splitlines())
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def lay_out(cells: list[Cell], exercise: Exercise) -> Layout:
    """Find the answers: by the marks of nbgrader, else by what was handed out and by names.

    A mark counts if one cell has it, the cell defines the function, and is not as it was handed
    out. Otherwise each cell that defines the function is a candidate, and the best one counts.
    """
    functions = [question.function for question in exercise.questions]
    marked: dict[str, list[int]] = defaultdict(list)
    for i, cell in enumerate(cells):
        marked[_mark(cell)].append(i)
    known = released(exercise.name)
    tests = {i for i, cell in enumerate(cells) if fingerprint(cell) in known.tests}
    tests |= {i for f in functions for i in _if_single(marked[f"check_{f}"])}
    targets: list[Target] = []
    notes: list[str] = []
    for function in functions:
        defining = [i for i, c in enumerate(cells) if function in c.defines() and i not in tests]
        answered = [i for i in defining if fingerprint(cells[i]) not in known.answers]
        trusted = [i for i in _if_single(marked[function]) if i in answered]
        chosen = trusted or _different(answered, cells) or defining[-1:]
        if answered and not trusted:
            copies = max(answered, marked[function], key=len)
            notes.append(_note(function, *([cells[i].name for i in c] for c in (chosen, copies))))
        targets += [Target(function, i) for i in chosen or (None,)]
    layout = Layout(tuple(cells), tuple(targets)).only(functions, tests)
    return replace(layout, notes=tuple(notes))


def _mark(cell: Cell) -> str:
    """The grade_id that nbgrader has given the cell, "" if none."""
    nbgrader = cell.metadata.get("nbgrader")
    mark = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return mark if isinstance(mark, str) else ""


def _if_single(places: list[int]) -> list[int]:
    return places if len(places) == 1 else []


def _different(places: list[int], cells: list[Cell]) -> list[int]:
    """The last of the places; of cells that are the same, one."""
    last = {fingerprint(cells[i]): i for i in places}
    return sorted(last.values())[-MOST_CANDIDATES:]


def _note(function: str, chosen: list[str], copies: list[str]) -> str:
    if len(chosen) > 1:
        return f"{function}: {', '.join(chosen)} define it; the best of them counts."
    if len(copies) > 1:
        return f"{function}: its cell is doubled, in {', '.join(copies)}; {chosen[0]} counts."
    return f"{function}: found by its name, in {chosen[0]}; the mark of its cell is lost."
