"""The grades as CSV: for people, for Canvas, and as nbgrader exports them."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from normlab.grading.marks import ExerciseMarks, StudentMarks
from normlab.grading.policy import Policy
from normlab.tools.whole_files import written_whole

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""With these a cell begins that a spreadsheet would compute."""
Questions = Mapping[str, Sequence[tuple[str, float]]]
"""Exercise -> (function, greatest number of points)."""


def number(value: float) -> str:
    """Without needless digits.

    >>> number(3.0), number(2.675), number(1 / 3)
    ('3', '2.675', '0.3333')
    """
    return f"{value:.4f}".rstrip("0").rstrip(".")


def text(value: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> text("=1+1")
    "'=1+1"
    """
    return f"'{value}" if value.startswith(FORMULAS) else value


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with written_whole(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as f:
        table = csv.writer(f)
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
        row += [str(marks.days_late), text(marks.graded.problem)]
    return row


def write_canvas(path: Path, students: Iterable[StudentMarks], asked: Questions) -> None:
    """What Canvas imports (instructure/canvas-lms, gradebook_importer.rb).

    Canvas finds a student by ID, which its downloads have in their file names; else by the login,
    for which the name of the submission's folder or file stands; else by the name.
    """
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *asked]
    most = [number(sum(points for _, points in questions)) for questions in asked.values()]
    points_possible = ["    Points Possible", "", "", "", "", *most]
    rows = (_canvas_row(student, asked) for student in students)
    write_table(path, header, _first_and(points_possible, rows))


def _canvas_row(student: StudentMarks, asked: Questions) -> list[str]:
    canvas_id = student.person.id
    name = text(student.student)
    points = {m.exercise: number(m.points) for m in student.exercises if m.graded}
    grades = [points.get(exercise, "") for exercise in asked]
    return [name, canvas_id, "", "" if canvas_id else name, "", *grades]


def _first_and(row: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    yield row
    yield from rows


NBGRADER = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)
"""The columns of `nbgrader export` (nbgrader 0.9, plugins/export.py)."""


def write_nbgrader(path: Path, students: Iterable[StudentMarks], policy: Policy) -> None:
    """A row for each student and assignment, as nbgrader exports them."""
    write_table(path, NBGRADER, (row for s in students for row in _nbgrader_rows(s, policy)))


def _nbgrader_rows(student: StudentMarks, policy: Policy) -> Iterator[list[str]]:
    for assignment, parts in assignments(student).items():
        graded = [part for part in parts if part.graded]
        raw, points = sum(p.on_time for p in graded), sum(p.points for p in graded)
        due = max((t for p in parts if (t := policy.due.get(p.exercise))), default=None)
        submitted = max((t for p in parts if (t := p.submission.submitted)), default=None)
        numbers = (raw, raw - points, points, sum(p.most for p in graded))
        yield [
            *(text(assignment), naive_utc(due), naive_utc(submitted), text(student.student)),
            *("", "", "", *map(number, numbers)),
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
