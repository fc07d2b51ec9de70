"""One page for the teacher: who has solved what, and which mistakes the class makes."""

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from normlab.grading.alike import Alike
from normlab.grading.confined.level import Level
from normlab.grading.marks import Mark, StudentMarks
from normlab.grading.outputs.by_hand import on_answer
from normlab.grading.outputs.numbers import number
from normlab.grading.outputs.pages import TEMPLATES, kind_of, write_page
from normlab.grading.outputs.tables import Questions

SIGNS = {"right": "✓", "partly": "◐", "wrong": "✗", "none": "○"}
MOST_MISTAKES, LONGEST_BAR, MOST_ALIKE, MOST_NAMES = 40, 12, 40, 12


class Cell(NamedTuple):
    """An answer: its kind, "" if it was not handed in or not graded; what was given by hand."""

    kind: str = ""
    by_hand: str = ""


class Row(NamedTuple):
    """A student's row, with a cell for each question."""

    student: str
    folder: str
    points: str
    cells: list[Cell]


class Refresh(NamedTuple):
    """The script that loads the page again, and the hash by which the page allows it."""

    script: Markup
    hash: str


def write_overview(
    path: Path,
    students: Callable[[], Iterator[StudentMarks]],
    asked: Questions,
    folder_of: Callable[[str], str],
    levels: Sequence[Level],
    alike: Sequence[Alike] = (),
    watched: bool = False,
) -> None:
    """Write the page.

    Args:
        path: of the page.
        students: the marks of all, each time it is called.
        asked: the questions.
        folder_of: the folder of a student's feedback, from the page's folder.
        levels: of confinement in the last run that graded anything.
        alike: answers that are; the most telling first.
        watched: whether the page is written again and again, and so loads itself again.
    """
    write_page(
        path,
        "overview.html",
        title="The class",
        asked=asked,
        rows=(_row(student, asked, folder_of(student.student)) for student in students()),
        signs=SIGNS,
        mistakes=_mistakes(students()),
        confinement=[(level.name, _state(level)) for level in levels],
        alike=alike[:MOST_ALIKE],
        most_names=MOST_NAMES,
        folder_of=folder_of,
        refresh=_refresh() if watched else None,
        when=datetime.now().astimezone(),
    )


def _refresh() -> Refresh:
    script = (TEMPLATES / "refresh.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Refresh(Markup(script), f"sha256-{digest}")


def _row(student: StudentMarks, asked: Questions, folder: str) -> Row:
    cells = {
        (exercise.exercise, mark.diagnosis.function): Cell(kind_of(mark), _by_hand(mark))
        for exercise in student.exercises
        for mark in exercise.marks
    }
    functions = [(exercise, f) for exercise, questions in asked.items() for f, _ in questions]
    points = f"{number(student.points)} of {number(student.most)}"
    return Row(student.student, folder, points, [cells.get(each, Cell()) for each in functions])


def _by_hand(mark: Mark) -> str:
    return " ".join(said for _, said in on_answer(mark))


def count_mistakes(students: Iterator[StudentMarks]) -> Counter[tuple[str, str, str]]:
    """How often (function, mistake, title) was made."""
    return Counter(
        (mark.diagnosis.function, fault.name, fault.title if _is_ours(fault.name) else "")
        for student in students
        for exercise in student.exercises
        for mark in exercise.marks
        for fault in mark.diagnosis.faults
    )


def _is_ours(name: str) -> bool:
    """Whether the title is the same for everybody; an exception's has the student's words."""
    return name not in ("raises", "wrong-return", "wrong-shape", "dtype-lost", "input-mutated")


def _mistakes(students: Iterator[StudentMarks]) -> list[tuple[str, str, str, int]]:
    """(function, mistake, length of its bar in rem, count), the most frequent first."""
    counts = count_mistakes(students).most_common(MOST_MISTAKES)
    longest = counts[0][1] if counts else 1
    return [
        (function, title or name, f"{LONGEST_BAR * n / longest:.2f}", n)
        for (function, name, title), n in counts
    ]


def _state(level: Level) -> str:
    return f"{'✓' if level.active else 'MISSING:'} {level.detail}"
