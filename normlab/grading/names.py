"""Whose file it is, and which exercise it answers: read off its path."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from normlab.exercises import FUNCTIONS

EXERCISE_NAMES = tuple(FUNCTIONS)
IN_FILENAME = re.compile(rf"(?<!\d)({'|'.join(EXERCISE_NAMES)})(?![a-z_])", re.IGNORECASE)
OF_CANVAS = re.compile(r"(?P<name>.+?)(?P<late>_LATE)?_(?P<user>\d+|anon_\w+?)_\d+(?:_|$)")
"""Canvas downloads NAME[_LATE]_USER_FILE_FILENAME (instructure/canvas-lms, content_zipper.rb). What
follows is the student's own text, so the first match counts."""
COPIES = re.compile(r"copy(?: of)?\W*", re.IGNORECASE)
NO_STUDENTS = {"submitted", "submissions", "submission", "downloads", "download", "export", "work"}
"""Folders that hold students' folders, or files, and are nobody's."""


@dataclass(frozen=True)
class FileName:
    """What a path says of a file.

    Args:
        exercise: "" if it names none.
        student: "" if it names nobody.
        canvas_id: the number that Canvas has of the student, "" if there is none.
        marked_late: whether Canvas says so.
        assignment: the folder between student and file, as nbgrader has it; "" if there is none.
        version: of files that a student has handed in twice, the greatest is the last.
    """

    exercise: str = ""
    student: str = ""
    canvas_id: str = ""
    marked_late: bool = False
    assignment: str = ""
    version: int = 0


def read_name(folders: Sequence[str], filename: str) -> FileName:
    """What a path says. A student's own folder says whose it is; else the file's name does.

    Args:
        folders: that lie around the file, without those that all files lie in.
        filename: with its suffix.

    >>> read_name(["ada"], "01_layer_norm.ipynb").student
    'ada'
    >>> late = read_name([], "lovelaceada_LATE_12_345_01_layer_norm-1.ipynb")
    >>> late.student, late.canvas_id, late.marked_late, late.version
    ('lovelaceada', '12', True, 1)
    >>> read_name(["submitted", "ada", "week1"], "01_layer_norm.ipynb").assignment
    'week1'
    """
    stem = filename.rpartition(".")[0]
    named = IN_FILENAME.search(stem)
    before, after = (stem[: named.start()], stem[named.end() :]) if named else ("", "")
    owner, assignment = (*_owned(folders)[:2], "", "")[:2]
    owner = owner or COPIES.sub("", before).strip("_-. ")
    canvas = OF_CANVAS.match(owner)
    user = canvas["user"] if canvas else ""
    return FileName(
        exercise=named[1].lower() if named else "",
        student=canvas["name"] if canvas else owner,
        canvas_id=user if user.isdigit() else "",
        marked_late=bool(canvas and canvas["late"]),
        assignment=assignment,
        version=_version(after),
    )


def _owned(folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if folder.lower() not in NO_STUDENTS]


def _version(after: str) -> int:
    """Canvas and browsers count what has the same name up; Jupyter's copies count as older."""
    if re.search("copy", after, re.IGNORECASE):
        return -1
    number = re.search(r"\d+", after)
    return int(number[0][:9]) if number else 0
