"""How outputs mark what a teacher has given by hand."""

from collections.abc import Iterator

from normlab.grading.marks import ExerciseMarks, Mark
from normlab.grading.outputs.numbers import number


def on_answer(mark: Mark) -> list[tuple[str, str]]:
    """Lines for the student, as (label, text); none if nothing was given by hand."""
    rows = [("by hand", points_by_hand(mark))] if mark.judged is not None else []
    return rows + ([("your teacher", mark.comment)] if mark.comment else [])


def points_by_hand(mark: Mark) -> str:
    """The points that a teacher has given, and those of the checks.

    Args:
        mark: with points that were given by hand.
    """
    checks = number(mark.judged or 0)
    return f"{number(mark.points)} of {number(mark.most)} points; the checks gave {checks}."


def on_exercise(exercise: ExerciseMarks) -> list[str]:
    """Sentences for the student on the exercise as a whole."""
    days = f"your teacher counts {exercise.days_late} late days."
    comment = f"your teacher: {exercise.comment}"
    return [*([days] if exercise.days_by_hand else []), *([comment] if exercise.comment else [])]


def for_tables(exercise: ExerciseMarks) -> str:
    """All that was given by hand for an exercise, in one line; "" if nothing was."""
    return "; ".join(_parts(exercise))


def _parts(exercise: ExerciseMarks) -> Iterator[str]:
    for mark in exercise.marks:
        if mark.by_hand:
            said = " ".join(text for _, text in on_answer(mark))
            yield f"by hand: {mark.diagnosis.function}: {said}"
    if exercise.days_by_hand:
        yield f"by hand: {exercise.days_late} days late"
    if exercise.comment:
        yield f"by hand: {exercise.comment}"
