"""Points: what a policy makes of the diagnoses of a class."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from normlab.checks.diagnosis import Diagnosis
from normlab.grading.batch import Batch
from normlab.grading.collect import Submission
from normlab.grading.overrides import ForAnswer, Given, Overrides
from normlab.grading.paper import Graded
from normlab.grading.person import Person
from normlab.grading.policy import Policy
from normlab.grading.store import Store

NOTHING = Overrides()


@dataclass(frozen=True)
class Mark:
    """The points for one answer, before lateness.

    Args:
        diagnosis: what the checks say.
        points: given.
        most: that can be had.
        judged: the points of the checks, where a teacher has given others by hand.
        comment: the teacher's.
    """

    diagnosis: Diagnosis
    points: float
    most: float
    judged: float | None = None
    comment: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing is missing; by the teacher's points, where there are such."""
        return self.diagnosis.passed if self.judged is None else self.points >= self.most

    @property
    def by_hand(self) -> bool:
        return self.judged is not None or bool(self.comment)

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
        comment: the teacher's.
        days_by_hand: whether a teacher has given the days.
    """

    submission: Submission
    graded: Graded | None
    trouble: str
    marks: tuple[Mark, ...]
    days_late: int
    share: float
    comment: str = ""
    days_by_hand: bool = False

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


def marks_of(
    batch: Batch, store: Store, policy: Policy, overrides: Overrides = NOTHING
) -> Iterator[StudentMarks]:
    """The points of each student, one after the other, so that only one is in memory."""
    ordered = sorted(batch.keys, key=lambda s: (s.student, s.exercise))
    for student, group in groupby(ordered, key=lambda submission: submission.student):
        submissions = list(group)
        theirs, given = policy.for_student(submissions[0].person), overrides.of(student)
        times = {
            s: given.counted_time(s.exercise, theirs.due.get(s.exercise), s.submitted)
            for s in submissions
        }
        shares = theirs.late_shares({s.exercise: time for s, time in times.items()})
        exercises = (
            replace(
                _exercise(s, batch, store, theirs, given),
                days_late=theirs.days_late(s.exercise, time),
                share=shares[s.exercise],
            )
            for s, time in times.items()
        )
        yield StudentMarks(student, tuple(exercises))


def _exercise(
    submission: Submission, batch: Batch, store: Store, policy: Policy, given: Given
) -> ExerciseMarks:
    """The points of one exercise as if it was in time."""
    key = batch.keys[submission]
    graded, by_hand = store.get(key), given.exercise(submission.exercise)
    return ExerciseMarks(
        submission,
        graded,
        "" if graded else batch.troubles.get(key, "grading did not come to it"),
        tuple(_mark(d, policy, given) for d in (graded.diagnoses if graded else ())),
        days_late=0,
        share=1.0,
        comment=by_hand.comment,
        days_by_hand=by_hand.days_late is not None,
    )


def _mark(diagnosis: Diagnosis, policy: Policy, given: Given) -> Mark:
    points, most = policy.points_for(diagnosis), policy.max_points(diagnosis)
    by_hand = given.answer(diagnosis.function, most)
    if by_hand.points is None:
        return Mark(diagnosis, points, most, comment=by_hand.comment)
    return Mark(diagnosis, by_hand.points, most, points, by_hand.comment)


def too_many_points(overrides: Overrides, students: Iterable[StudentMarks]) -> Iterator[str]:
    """What is given by hand and is more than can be had; it does not count."""
    for student in students:
        entries = overrides.of(student.student).entries
        for exercise in student.exercises:
            for mark in exercise.marks:
                entry = entries.get(mark.diagnosis.function)
                if isinstance(entry, ForAnswer) and entry.points and entry.points > mark.most:
                    where = (
                        f"{overrides.source}[{student.student!r}] {mark.diagnosis.function} points"
                    )
                    yield f"{where} is {entry.points:g}; expected a number from 0 to {mark.most:g}."
