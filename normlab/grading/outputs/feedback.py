"""One page for each student: the diagnoses, as the learner's own check says them."""

from html import escape
from pathlib import Path

from normlab.grading.marks import ExerciseMarks, Mark, StudentMarks
from normlab.grading.outputs.gradescope import remarks_on
from normlab.grading.outputs.pages import bar, items, page, table
from normlab.grading.outputs.tables import number
from normlab.tools.whole_files import written_whole


def write_feedback(path: Path, student: StudentMarks) -> None:
    with written_whole(path) as unfinished:
        unfinished.write_text(feedback(student), encoding="utf-8")


def feedback(student: StudentMarks) -> str:
    """The page; it needs no other file."""
    total = f"<p>{number(student.points)} of {number(student.most)} points</p>"
    parts = [_exercise(exercise) for exercise in student.exercises]
    return page(f"Feedback for {student.student}", total, bar(student.points, student.most), *parts)


def _exercise(exercise: ExerciseMarks) -> str:
    title = f"{exercise.exercise}: {number(exercise.points)} of {number(exercise.most)} points"
    parts = [f"<h2>{escape(title)}</h2>", items(remarks_on(exercise))]
    parts += [_answer(mark) for mark in exercise.marks]
    if exercise.graded and exercise.graded.printed:
        parts.append(f"<p>Your cells printed:</p><pre>{escape(exercise.graded.printed)}</pre>")
    return "\n".join(filter(None, parts))


def _answer(mark: Mark) -> str:
    diagnosis = mark.diagnosis
    verdict = f"{diagnosis.verdict}, {number(mark.points)} of {number(mark.most)} points"
    kind = "right" if diagnosis.passed else "wrong" if diagnosis.attempted else "none"
    rows = [(diagnosis.function, verdict), *diagnosis.rows()[1:]]
    return f'<section class="{kind}">{table(rows)}</section>'
