"""Store grades in nbgrader's gradebook, through nbgrader's own API (an optional extra)."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

from normlab.grading.marks import ExerciseMarks, Mark, StudentMarks
from normlab.grading.outputs.by_hand import on_answer, on_exercise
from normlab.grading.outputs.tables import assignments

BY_HAND = ("by hand:", "your teacher")
"""How comments begin that come from here."""


def need_nbgrader() -> Any:
    """The module `nbgrader.api`.

    Raises:
        ModuleNotFoundError: that says how to get it.
    """
    try:
        import nbgrader.api
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            '--into-nbgrader needs nbgrader: run `pip install --editable ".[nbgrader]"` in the '
            "folder of the course."
        ) from error
    return nbgrader.api


def store_grades(database: Path, students: Iterable[StudentMarks]) -> int:
    """Put the points of each answer into a gradebook.db, made if it is missing.

    Assignments, notebooks, and the cells `check_…` that carry the points are made or updated, so
    that `nbgrader export` and formgrader show the grades. Lateness is stored as nbgrader's
    penalty. What was given by hand is told in nbgrader's automatic comment on the answer. Grades
    of other assignments, what people have entered (points, comments, names), and times that are
    not known here stay as they are.

    Returns:
        The number of notebooks stored.
    """
    api, stored = need_nbgrader(), 0
    with (
        _programs_of_this_python(),
        warnings.catch_warnings(),
        api.Gradebook(f"sqlite:///{database.resolve()}") as gradebook,
    ):
        # nbgrader's own way of adding a submission makes SQLAlchemy warn
        warnings.filterwarnings("ignore", "Object of type <Submitted", module="nbgrader")
        for student in students:
            _enter(gradebook, student)
            for assignment, parts in assignments(student).items():
                graded = [part for part in parts if part.graded]
                for part in graded:
                    _describe(gradebook, assignment, part)
                if graded:
                    _store(api, gradebook, assignment, student.student, graded)
                stored += len(graded)
    return stored


@contextlib.contextmanager
def _programs_of_this_python() -> Iterator[None]:
    """nbgrader runs `alembic`, which stands beside Python, and may not be on the path."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _enter(gradebook: Any, student: StudentMarks) -> None:
    """The student, with an address if nbgrader has none."""
    entered = gradebook.update_or_create_student(student.student)
    if student.person.email and not entered.email:
        entered.email = student.person.email
        gradebook.db.commit()


def _describe(gradebook: Any, assignment: str, part: ExerciseMarks) -> None:
    """The notebook and its cells, as `nbgrader generate_assignment` would enter them."""
    gradebook.update_or_create_assignment(assignment)
    gradebook.update_or_create_notebook(part.exercise, assignment)
    for mark in part.marks:
        gradebook.update_or_create_grade_cell(
            f"check_{mark.diagnosis.function}",
            part.exercise,
            assignment,
            max_score=mark.most,
            cell_type="code",
        )


def _store(
    api: Any, gradebook: Any, assignment: str, student: str, graded: list[ExerciseMarks]
) -> None:
    times = [part.submission.submitted for part in graded if part.submission.submitted]
    when = {"timestamp": max(times).astimezone(UTC).replace(tzinfo=None)} if times else {}
    submission = gradebook.update_or_create_submission(assignment, student, **when)
    for part in graded:
        notebook = _notebook(api, gradebook, submission, part.exercise)
        notebook.late_submission_penalty = part.on_time - part.points
        grades = {grade.name: grade for grade in notebook.grades}
        for mark in part.marks:
            grade = grades[f"check_{mark.diagnosis.function}"]
            grade.auto_score, grade.needs_manual_grade = mark.points, False
            _comment(api, gradebook, assignment, notebook, mark, _said_by_hand(part, mark))
    _nothing_for_the_missing(submission)
    gradebook.db.commit()


def _nothing_for_the_missing(submission: Any) -> None:
    """What was not handed in waits for nobody: nbgrader takes all that has no points for a page
    that a person has to read."""
    for notebook in submission.notebooks:
        if not any(grade.auto_score is not None for grade in notebook.grades):
            for grade in notebook.grades:
                grade.needs_manual_grade = False


def _said_by_hand(part: ExerciseMarks, mark: Mark) -> str:
    """On an answer; the first one bears what is said of the exercise."""
    of_exercise = on_exercise(part) if mark is part.marks[0] else []
    return "\n".join([*(f"{label}: {said}" for label, said in on_answer(mark)), *of_exercise])


def _comment(
    api: Any, gradebook: Any, assignment: str, notebook: Any, mark: Mark, said: str
) -> None:
    """Store what nbgrader shows beside an answer, unless a teacher has written something there."""
    name = mark.diagnosis.function
    comment = next((each for each in notebook.comments if each.name == name), None)
    if comment is None and said:
        cell = gradebook.update_or_create_solution_cell(name, notebook.name, assignment)
        comment = api.Comment(cell_id=cell.id, notebook=notebook)
        gradebook.db.add(comment)
    if comment is not None and (said or (comment.auto_comment or "").startswith(BY_HAND)):
        comment.auto_comment = said or None


def _notebook(api: Any, gradebook: Any, submission: Any, name: str) -> Any:
    """The submitted notebook, with all that nbgrader enters for one; made if the submission is
    older."""
    source = gradebook.find_notebook(name, submission.assignment.name)
    notebook = next((each for each in submission.notebooks if each.name == name), None)
    if notebook is None:
        notebook = api.SubmittedNotebook(notebook=source, assignment=submission)
        gradebook.db.add(notebook)
    entries = (
        (api.Grade, notebook.grades, (*source.grade_cells, *source.task_cells)),
        (api.Comment, notebook.comments, (*source.solution_cells, *source.task_cells)),
    )
    for entry, there, cells in entries:
        names = {each.name for each in there}
        for cell in cells:
            if cell.name not in names:
                gradebook.db.add(entry(cell_id=cell.id, notebook=notebook))
    gradebook.db.commit()
    return notebook
