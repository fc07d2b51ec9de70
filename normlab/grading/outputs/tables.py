"""The grades as CSV: for people, and as nbgrader exports them."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from normlab.grading.marks import ExerciseMarks, StudentMarks
from normlab.grading.outputs.by_hand import for_tables
from normlab.grading.outputs.numbers import number
from normlab.grading.policy import Policy
from normlab.tools.whole_files import written_whole

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""With these a cell begins that a spreadsheet would compute."""
HARMLESS = re.compile(r"[+@-][\w.@+-]*")
"""A spreadsheet may show it as another one, but can be made to do nothing by it."""
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
Questions = Mapping[str, Sequence[tuple[str, float]]]
"""Exercise -> (function, greatest number of points)."""


def text(value: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> text("=1+1")
    "'=1+1"
    """
    return f"'{value}" if value.startswith(FORMULAS) else value


def key(value: str) -> str:
    """A login or number as another program knows it, which finds a student by it.

    It is never changed, since it would then find nobody. "" if it cannot be one, and is rather
    meant for a spreadsheet.

    >>> key("ada"), key("-x"), key("+1@b.edu"), key("=1+1"), key("-cmd|'/C calc'!A0")
    ('ada', '-x', '+1@b.edu', '', '')
    """
    value = value.strip()
    formula = value.startswith(FORMULAS) and not HARMLESS.fullmatch(value)
    return "" if formula or CONTROL.search(value) else value


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file. What is in no alphabet, as a file's name can be, becomes a `?`."""
    with (
        written_whole(path) as unfinished,
        unfinished.open("w", newline="", encoding="utf-8", errors="replace") as file,
    ):
        table = csv.writer(file)
        table.writerow(header)
        table.writerows(rows)


def questions_of(students: Iterable[StudentMarks]) -> Questions:
    """What was asked in the exercises that were graded."""
    found: dict[str, list[tuple[str, float]]] = {}
    for student in students:
        for exercise in student.exercises:
            if exercise.marks:
                asked = [(mark.diagnosis.function, mark.most) for mark in exercise.marks]
                found.setdefault(exercise.exercise, asked)
    return dict(sorted(found.items()))


def write_gradebook(path: Path, students: Iterable[StudentMarks], asked: Questions) -> None:
    """A row for each student; columns for each exercise, its questions, and lateness."""
    header = ["student", "total", "of"]
    for exercise, questions in asked.items():
        header += [exercise, *(f"{exercise}.{function}" for function, _ in questions)]
        header += [f"{exercise} days late", f"{exercise} remark"]
    write_table(path, header, (_gradebook_row(student, asked) for student in students))


def _gradebook_row(student: StudentMarks, asked: Questions) -> list[str]:
    row = [text(student.student), number(student.points), number(student.most)]
    by_name = {marks.exercise: marks for marks in student.exercises}
    for exercise, questions in asked.items():
        marks = by_name.get(exercise)
        if marks is None or marks.graded is None:
            remark = "not handed in" if marks is None else f"not graded: {marks.trouble}"
            row += [*[""] * (len(questions) + 2), remark]
            continue
        row += [number(marks.points), *(number(mark.points) for mark in marks.marks)]
        remarks = filter(None, (marks.graded.problem, for_tables(marks)))
        row += [str(marks.days_late), text("; ".join(remarks))]
    return row


NBGRADER = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)
"""The columns of `nbgrader export` (nbgrader 0.9, plugins/export.py)."""
WITH_REMARKS = (*NBGRADER, "by_hand")


def write_nbgrader(
    path: Path,
    students: Callable[[], Iterator[StudentMarks]],
    policy: Policy,
    columns: Sequence[str] = NBGRADER,
) -> None:
    """A row for each student and assignment, as nbgrader exports them: with nothing for what was
    not handed in.

    Args:
        path: of the file.
        students: the marks of all, each time it is called.
        policy: by which they were made.
        columns: nbgrader's own, or `WITH_REMARKS` on what was given by hand.
    """
    most = _most_of_assignments(students())
    rows = (row[: len(columns)] for s in students() for row in _nbgrader_rows(s, most, policy))
    write_table(path, columns, rows)


def _most_of_assignments(students: Iterable[StudentMarks]) -> dict[str, dict[str, float]]:
    """Assignment -> exercise -> the greatest number of points, of all that anybody handed in."""
    found: dict[str, dict[str, float]] = {}
    for student in students:
        for assignment, parts in assignments(student).items():
            graded = {part.exercise: part.most for part in parts if part.graded}
            found.setdefault(assignment, {}).update(graded)
    return dict(sorted(found.items()))


def _nbgrader_rows(
    student: StudentMarks, most: Mapping[str, Mapping[str, float]], policy: Policy
) -> Iterator[list[str]]:
    handed_in = assignments(student)
    for assignment, exercises in most.items():
        parts = handed_in.get(assignment, [])
        graded = [part for part in parts if part.graded]
        raw, points = sum(p.on_time for p in graded), sum(p.points for p in graded)
        due = max((t for e in exercises if (t := policy.due.get(e))), default=None)
        submitted = max((t for p in parts if (t := p.submission.submitted)), default=None)
        numbers = (raw, raw - points, points, sum(exercises.values()))
        yield [
            *(text(assignment), naive_utc(due), naive_utc(submitted)),
            *(key(student.student) or text(student.student), "", "", text(student.person.email)),
            *map(number, numbers),
            text("; ".join(filter(None, map(for_tables, graded)))),
        ]


def assignments(student: StudentMarks) -> dict[str, list[ExerciseMarks]]:
    """The exercises by nbgrader's assignment; one that belongs to none is its own."""
    found: dict[str, list[ExerciseMarks]] = {}
    for marks in student.exercises:
        name = marks.submission.assignment or marks.exercise
        found.setdefault(name, []).append(marks)
    return found


def naive_utc(time: datetime | None) -> str:
    """A time as nbgrader keeps it."""
    return str(time.astimezone(UTC).replace(tzinfo=None)) if time else ""
