"""Marks of students who were never graded, for the tests of what is written of them."""

from datetime import UTC, datetime

from normlab.checks.diagnosis import Diagnosis, Fault, reached
from normlab.grading.collect import Submission
from normlab.grading.collecting.handed_in import HandedIn
from normlab.grading.marks import ExerciseMarks, Mark, StudentMarks
from normlab.grading.paper import Graded
from normlab.grading.person import Person

DUE = datetime(2026, 12, 1, 12, tzinfo=UTC)
POINTS = {"01_layer_norm": {"layer_norm": 4}, "03_rms_norm": {"rms_norm": 3, "RMSNorm": 4}}


def answer(exercise, function, passed=True):
    most = POINTS[exercise][function]
    faults = () if passed else (Fault("eps-outside", "the title", "the reason", None),)
    levels = reached({"the formula": most - 2, "any input": 2}, None if passed else "any input")
    return Diagnosis(exercise, function, True, levels, faults)


def exercise_marks(
    student, exercise, *, passed=True, share=1.0, days=0, graded=True, assignment="", **person
):
    file = HandedIn((student,), f"{exercise}.ipynb", f"class/{student}", bytes)
    when = DUE if days else None
    submission = Submission(student, exercise, file, when, Person(**person), "", assignment)
    answers = [answer(exercise, f, passed) for f in POINTS[exercise]] if graded else []
    return ExerciseMarks(
        submission,
        Graded(exercise, tuple(answers)) if graded else None,
        "" if graded else "the cluster is gone",
        tuple(Mark(d, float(d.points), float(d.max_points)) for d in answers),
        days,
        share,
    )


def student_marks(student, *exercises, **how):
    """Of a student with these exercises; `how` as in `exercise_marks`."""
    exercises = exercises or ("01_layer_norm",)
    return StudentMarks(student, tuple(exercise_marks(student, e, **how) for e in exercises))
