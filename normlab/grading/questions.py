"""The questions of an exercise, and what their answers are called on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from normlab.checks.compare import close
from normlab.checks.examination import KNOWN_SEED, expected
from normlab.checks.examiner import calls
from normlab.checks.exercise import Arguments, Exercise, Question, Value
from normlab.grading.conversation import questions_message


@dataclass(frozen=True)
class Questions:
    """The questions of an exercise with all calls that their answers are put to."""

    exercise: Exercise
    seed: int

    def known(self, number: int) -> list[Arguments]:
        """The calls that a learner's check of a question makes; of these a student may see
        everything.

        They are told from each other by identity, so they are those that the checks have now.
        """
        return calls(self.exercise.questions[number], KNOWN_SEED)

    def probes(self, number: int) -> int:
        """How many of a question's known calls are the first of each probe; they come first."""
        question = self.exercise.questions[number]
        return len(expected(question, KNOWN_SEED)[0]) if question.reference else 0

    @cached_property
    def unseen(self) -> list[dict[int, Arguments]]:
        """By number of the probe: arguments with other numbers than the learner's check has.

        Laws alone decide a question without a reference, and their inputs are fixed.
        """
        return [self._unseen(question) for question in self.exercise.questions]

    def _unseen(self, question: Question) -> dict[int, Arguments]:
        if question.reference is None:
            return {}
        known, others = (expected(question, seed)[0] for seed in (KNOWN_SEED, self.seed))
        pairs = enumerate(zip(known, others, strict=True))
        return {i: b.arguments for i, (a, b) in pairs if not same(a.arguments, b.arguments)}

    @cached_property
    def message(self) -> bytes:
        questions = self.exercise.questions
        return questions_message(questions, [*map(self.known, range(len(questions)))])


def same(one: Arguments, other: Arguments) -> bool:
    """Whether arguments hold the same numbers."""
    return one.keys() == other.keys() and all(map(_equal, one.values(), other.values()))


def _equal(one: Value, other: Value) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return close(one, other, tolerance=0) and one.dtype == other.dtype
    return type(one) is type(other) and bool(one == other)
