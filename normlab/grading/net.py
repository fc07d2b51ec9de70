"""The last net: an error of the judge's own costs one answer its points, and is told."""

import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

from normlab.checks.diagnosis import Diagnosis, Fault
from normlab.checks.examiner import wrong_from_start
from normlab.checks.exercise import Exercise, Question

JUDGE_FAILED = "judge-failed"
PACKAGE = Path(__file__).parents[1]


def stumbled(exercise: Exercise, question: Question, error: Exception) -> Diagnosis:
    """The diagnosis of an answer that the judge could not judge: no points, and where it happened.

    The error's message is left out, since it could hold hidden numbers.
    """
    fault = Fault(
        JUDGE_FAILED,
        f"the grader could not judge what it returned: {type(error).__name__} {_place(error)}",
        "An answer that returns what the question asks for is always judged. Compare the kinds and "
        "shapes of what it returns with the question, and tell your teacher.",
    )
    return wrong_from_start(exercise, question, True, fault)


def _place(error: Exception) -> str:
    """The innermost line of normlab that led to an error."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    ours = (f for f in frames if PACKAGE in Path(f.filename).parents)
    places = (f"in {Path(f.filename).relative_to(PACKAGE.parent)}, line {f.lineno}" for f in ours)
    return next(places, "outside normlab")


def notes_of(diagnoses: Iterable[Diagnosis]) -> Iterator[str]:
    """For the teacher: which answers the judge could not judge."""
    for diagnosis in diagnoses:
        for fault in diagnosis.faults:
            if fault.name == JUDGE_FAILED:
                yield (
                    f"{diagnosis.function} has no points because {fault.title}. This is an error "
                    "of normlab's: please look at the answer yourself, and report it."
                )
