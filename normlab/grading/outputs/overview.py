"""One page for the teacher: who has solved what, and which mistakes the class makes."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from normlab.grading.confined.level import Level
from normlab.grading.marks import StudentMarks
from normlab.grading.outputs.pages import kind_of, write_page
from normlab.grading.outputs.tables import Questions, number

SIGNS = {"right": "✓", "partly": "◐", "wrong": "✗", "none": "○"}
MOST_MISTAKES, LONGEST_BAR = 40, 12


class Row(NamedTuple):
    """A student's row: the kind of each answer, "" for what was not handed in or not graded."""

    student: str
    folder: str
    points: str
    kinds: list[str]


def write_overview(
    path: Path,
    students: Callable[[], Iterator[StudentMarks]],
    asked: Questions,
    folder_of: Callable[[str], str],
    levels: Sequence[Level],
) -> None:
    """Write the page.

    Args:
        path: of the page.
        students: the marks of all, each time it is called.
        asked: the questions.
        folder_of: the folder of a student's feedback, from the page's folder.
        levels: of confinement in the last run that graded anything.
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
    )


def _row(student: StudentMarks, asked: Questions, folder: str) -> Row:
    kinds = {
        (exercise.exercise, mark.diagnosis.function): kind_of(mark)
        for exercise in student.exercises
        for mark in exercise.marks
    }
    functions = [(exercise, f) for exercise, questions in asked.items() for f, _ in questions]
    points = f"{number(student.points)} of {number(student.most)}"
    return Row(student.student, folder, points, [kinds.get(each, "") for each in functions])


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
