"""Points: what a policy makes of the diagnoses of a class."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from normlab.checks.diagnosis import Diagnosis
from normlab.grading.batch import Batch
from normlab.grading.collect import Submission
from normlab.grading.paper import Graded
from normlab.grading.person import Person
from normlab.grading.policy import Policy
from normlab.grading.store import Store


@dataclass(frozen=True)
class Mark:
    """The points for one answer, before lateness.

    Args:
        diagnosis: what the checks say.
        points: given.
        most: that can be had.
    """

    diagnosis: Diagnosis
    points: float
    most: float

    def scaled(self) -> Diagnosis:
        """The diagnosis, its levels with the points that they have in this class."""
        factor = self.most / max(1, self.diagnosis.max_points)
        levels = (
            replace(level, max_points=factor * level.max_points) for level in self.diagnosis.levels
        )
        return replace(self.diagnosis, levels=tuple(levels))


@dataclass(frozen=True)
class ExerciseMarks:
    """The points of one student for one exercise.

    Args:
        submission: what was graded.
        graded: what came of it; None while it could not be graded.
        trouble: why it could not.
        marks: one for each answer.
        days_late: that have begun.
        share: of the points that lateness leaves.
    """

    submission: Submission
    graded: Graded | None
    trouble: str
    marks: tuple[Mark, ...]
    days_late: int
    share: float

    @property
    def exercise(self) -> str:
        return self.submission.exercise

    @property
    def on_time(self) -> float:
        """Points before lateness."""
        return sum(mark.points for mark in self.marks)

    @property
    def points(self) -> float:
        return self.share * self.on_time

    @property
    def most(self) -> float:
        return sum(mark.most for mark in self.marks)


@dataclass(frozen=True)
class StudentMarks:
    """All points of one student."""

    student: str
    exercises: tuple[ExerciseMarks, ...]

    @property
    def person(self) -> Person:
        return next((each.submission.person for each in self.exercises), Person())

    @property
    def points(self) -> float:
        return sum(exercise.points for exercise in self.exercises)

    @property
    def most(self) -> float:
        return sum(exercise.most for exercise in self.exercises)


def marks_of(batch: Batch, store: Store, policy: Policy) -> Iterator[StudentMarks]:
    """The points of each student, one after the other, so that only one is in memory."""
    ordered = sorted(batch.keys, key=lambda s: (s.student, s.exercise))
    for student, group in groupby(ordered, key=lambda submission: submission.student):
        submissions = list(group)
        theirs = policy.for_student(submissions[0].person)
        shares = theirs.late_shares({s.exercise: s.submitted for s in submissions})
        yield StudentMarks(
            student,
            tuple(_exercise(s, batch, store, theirs, shares[s.exercise]) for s in submissions),
        )


def _exercise(
    submission: Submission, batch: Batch, store: Store, policy: Policy, share: float
) -> ExerciseMarks:
    key = batch.keys[submission]
    graded = store.get(key)
    diagnoses = graded.diagnoses if graded else ()
    return ExerciseMarks(
        submission,
        graded,
        "" if graded else batch.troubles.get(key, "grading did not come to it"),
        tuple(Mark(d, policy.points_for(d), policy.max_points(d)) for d in diagnoses),
        policy.days_late(submission.exercise, submission.submitted),
        share,
    )
