"""What Canvas and Moodle import: they find a student by number, login or address, or not at all.

In both of them an empty cell takes away a grade that is there. So whoever has a file that could
not be graded is left out, and said to be.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from normlab.grading.marks import ExerciseMarks, StudentMarks
from normlab.grading.outputs.numbers import number
from normlab.grading.outputs.tables import Questions, key, text, write_table

Class: TypeAlias = Callable[[], Iterator[StudentMarks]]
"""The marks of all students, each time it is called; only one of them is in memory."""
Find: TypeAlias = Callable[[StudentMarks], str]
ALL_GRADED = "not all of their files could be graded, and an empty cell takes a grade away"
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS_POSSIBLE = "Points Possible"
ADDRESS = re.compile(r"[^\s@,;]+@[^\s@,;]+")
OTHERS = ("moodle", "blackboard", "brightspace", "google", "gradescope")
"""Layouts whose numbers of students are not Canvas's."""


def write_canvas(path: Path, students: Class, asked: Questions, layout: str = "") -> list[str]:
    """Write what Canvas imports (instructure/canvas-lms, gradebook_importer.rb).

    Canvas finds a student by ID, then by SIS User ID, by SIS Login ID, at last by name.

    Args:
        path: of the file.
        students: the marks of all, each time it is called.
        asked: the questions of each exercise, whose name is that of Canvas's assignment.
        layout: whose download it was: only Canvas's own numbers may stand under "ID".

    Returns:
        Who is left out and why, a sentence for each reason.
    """
    most = [number(sum(points for _, points in questions)) for questions in asked.values()]
    possible = [f"    {POINTS_POSSIBLE}", *[""] * (len(CANVAS) - 1), *most]
    own = not layout.lower().startswith(OTHERS)
    rows = ([*_canvas_student(s, own), *_points(s, asked)] for s in students() if _all_graded(s))
    write_table(path, [*CANVAS, *asked], itertools.chain([possible], rows))
    return _told(path, [s.student for s in students() if not _all_graded(s)], ALL_GRADED)


def _canvas_student(student: StudentMarks, own: bool) -> list[str]:
    person = student.person
    canvas_id = person.id if own and person.id.isdecimal() else ""  # Canvas takes "12b" for 12
    name = " ".join((person.name or student.student).split())
    name = name.replace(POINTS_POSSIBLE, POINTS_POSSIBLE.lower())  # else it is no student's row
    login = person.login or ("" if canvas_id or person.sis_id else student.student)
    return [text(name), canvas_id, key(person.sis_id), key(login), text(person.section)]


def write_moodle(path: Path, students: Class, asked: Questions) -> list[str]:
    """Write what Moodle imports (moodle/moodle, grade/import/csv/classes/load_data.php).

    Moodle finds a student by the one column that the teacher names. A row where that one is empty
    gives its grades to the student before it, and one that finds nobody ends the import. So the
    columns that can be named are full in every row. Nothing is written if nobody has any.

    Returns:
        Who is left out and why, a sentence for each reason.
    """
    have = Counter(name for s in students() for name, find in MOODLE.items() if find(s))
    path.unlink(missing_ok=True)
    if not have:
        return []
    main = max(MOODLE, key=lambda name: have[name])
    full = [name for name in MOODLE if all(MOODLE[name](s) for s in students() if MOODLE[main](s))]
    header = [*full, *(column for each in asked for column in (each, f"{each} feedback"))]
    rows = (
        _moodle_row(student, full, asked)
        for student in students()
        if MOODLE[main](student) and _all_graded(student)
    )
    write_table(path, header, rows)
    unknown = [student.student for student in students() if not MOODLE[main](student)]
    left_out = [s.student for s in students() if MOODLE[main](s) and not _all_graded(s)]
    return _told(path, unknown, f"{main} is not known") + _told(path, left_out, ALL_GRADED)


def _email(student: StudentMarks) -> str:
    """Gradescope names students by their addresses."""
    name = student.student if ADDRESS.fullmatch(student.student) else ""
    return key(student.person.email or name)


MOODLE: dict[str, Find] = {
    "Email address": _email,
    "ID number": lambda student: key(student.person.sis_id),
    "Username": lambda student: key(student.person.login),
}


def _moodle_row(student: StudentMarks, full: Iterable[str], asked: Questions) -> list[str]:
    row = [MOODLE[name](student) for name in full]
    marks = {each.exercise: each for each in student.exercises}
    for exercise, points in zip(asked, _points(student, asked), strict=True):
        row += [points, _in_words(marks[exercise]) if exercise in marks else ""]
    return row


def _in_words(exercise: ExerciseMarks) -> str:
    """What became of each answer, in words of ours alone, since Moodle shows it as HTML."""
    told = []
    for mark in exercise.marks:
        mistakes = ", ".join(mark.diagnosis.mistakes)
        points = f"{mark.diagnosis.function}: {number(mark.points)} of {number(mark.most)}"
        points += " by hand" if mark.judged is not None else ""
        told.append(f"{points} ({mistakes})" if mistakes else points)
    late = f"days late: {exercise.days_late}, {100 * exercise.share:.0f} % of the points count"
    return "; ".join([*told, late] if exercise.days_late else told)


def _all_graded(student: StudentMarks) -> bool:
    return all(marks.graded for marks in student.exercises)


def _points(student: StudentMarks, asked: Questions) -> list[str]:
    points = {marks.exercise: number(marks.points) for marks in student.exercises}
    return [points.get(exercise, "") for exercise in asked]


def _told(path: Path, students: Sequence[str], why: str) -> list[str]:
    if not students:
        return []
    who = ", ".join(students[:3]) + (" and others" if len(students) > 3 else "")
    return [f"{path.name} leaves out {len(students)} of the class ({who}): {why}."]
