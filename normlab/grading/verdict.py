"""What the checks say of an answer that was called elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise

import numpy as np

from normlab import norms, torch_norms
from normlab.checks.compare import close
from normlab.checks.diagnosis import Diagnosis, Fault
from normlab.checks.examination import KNOWN_SEED, expected
from normlab.checks.examiner import (
    calls,
    judge,
    not_defined,
    right,
    right_at_once,
    wrong_from_start,
)
from normlab.checks.exercise import Arguments, Exercise, Question, Value
from normlab.checks.findings import NOT_DETERMINISTIC
from normlab.checks.observe import Observation
from normlab.grading.confined.library_norms import known_names
from normlab.grading.confined.messages import Malformed
from normlab.grading.confined.refusals import KIND
from normlab.grading.conversation import Conversation, questions_message
from normlab.grading.net import stumbled
from normlab.grading.replay import Replay

ONLY_KNOWN_INPUTS = Fault(
    "only-known-inputs",
    "right on the inputs of the notebook's check, wrong on others",
    "The answer must hold for all inputs. Is something in it fitted to single numbers or shapes?",
)
LIBRARY_NORM = (
    "The exercise asks for the norm itself, written by you. In this class a ready-made one gets no "
    "points, and none is there when an answer is called."
)
OPERATOR = "::"
"""Stands in the names of torch's operators."""


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


def diagnose(questions: Questions, talk: Conversation) -> list[Diagnosis]:
    """The diagnosis of each target of a talk, after its cells have run.

    Each answer is called once on every known probe, which its task says. One that fails is called
    on the rest of what a learner's check calls, and the diagnosis is that check's. One that is
    right is called on hidden inputs; if it fails there, it is named what the checks find, and
    nothing of the inputs is shown. Hidden inputs go out when all known calls are answered.

    Raises:
        Malformed, EOFError, OSError: where the process is off.
    """
    targets = [_Target(questions, talk, i) for i, defined in enumerate(talk.defined) if defined]
    for target in targets:
        with target.net():
            target.hear_known()
    for target in targets:
        with target.net():
            target.hear_rest()
    right = [target for target in targets if target.found is None]
    for now, following in pairwise([None, *right, None]):
        if following:
            following.ask_hidden()  # the process works on it while the other one is judged
        if now:
            with now.net():
                now.hear_hidden()
    found = {target.index: target.found for target in targets}
    return [found.get(i) or _undefined(questions, talk, i) for i in range(len(talk.defined))]


class _Target:
    """An answer on its way to a diagnosis.

    Attributes:
        found: the diagnosis, None as long as nothing is wrong.
    """

    def __init__(self, questions: Questions, talk: Conversation, index: int) -> None:
        self.talk, self.index, self.exercise = talk, index, questions.exercise
        number = talk.task.numbers[index]
        self.question = questions.exercise.questions[number]
        self.known, self.unseen = questions.known(number), questions.unseen[number]
        self.seed = questions.seed
        self.found: Diagnosis | None = None
        self.seen: list[Observation] = []
        self.waits = False
        self.probes = talk.task.known[index]

    @contextmanager
    def net(self) -> Iterator[None]:
        """An error of the judge's own is this answer's diagnosis, and no other's."""
        try:
            yield
        except (Malformed, EOFError, OSError):
            raise
        except Exception as error:
            self.found = stumbled(self.exercise, self.question, error)

    def hear_known(self) -> None:
        """One call of each known probe. If it is not enough to go on, the rest is asked for."""
        self.seen = self.talk.answered(self.index, self.known[: self.probes])
        replay = Replay(self.known[: self.probes], self.seen)
        right = self.probes and right_at_once(self.question, replay, KNOWN_SEED)
        self.waits = not right
        if self.waits:
            self.talk.ask_known(self.index, self.probes, len(self.known))

    def hear_rest(self) -> None:
        """All calls that a learner's check makes."""
        if self.waits:
            self.seen += self.talk.answered(self.index, self.known[self.probes :])
            replay = Replay(self.known, self.seen)
            found = judge(self.exercise, self.question, replay, KNOWN_SEED)
            self.found = self._or_library_norm(found, self.seen)

    def ask_hidden(self) -> None:
        self.talk.ask_hidden(self.index, self.unseen.values())

    def hear_hidden(self) -> None:
        """Calls on other numbers. Where a probe has no others, the answer does what it did."""
        seen = self.talk.answered(self.index, self.unseen.values())
        probes, _ = expected(self.question, self.seed)
        responses = dict(enumerate(self.seen)) | dict(zip(self.unseen, seen, strict=True))
        replay = Replay([p.arguments for p in probes], [responses[i] for i in range(len(probes))])
        if right_at_once(self.question, replay, self.seed):
            self.found = right(self.exercise, self.question)
        else:
            found = judge(self.exercise, self.question, replay, self.seed)
            found = _without_inputs(self.question, found)
            self.found = self._or_library_norm(found, seen)

    def _or_library_norm(self, found: Diagnosis, seen: Sequence[Observation]) -> Diagnosis:
        """Of an answer that is not right: that it has called a ready-made norm, else `found`."""
        refused = next((each.refused for each in seen if each.refused), None)
        if refused is None or self.talk.task.library_norms[self.index]:
            return found
        fault = Fault("library-norm", f"it calls {_shown(refused)}", LIBRARY_NORM)
        return wrong_from_start(self.exercise, self.question, True, fault)


def _shown(refused: str) -> str:
    """The name of a ready-made norm, for readers; a student's process may tell any name."""
    if refused not in known_norms():
        return "a ready-made norm"
    return f"torch's operator {refused}" if OPERATOR in refused else refused


@cache
def known_norms() -> frozenset[str]:
    """The names of torch's norms and of the course's."""
    ours = (f"{m.__name__}.{name}" for m in (norms, torch_norms) for name in m.__all__)
    return frozenset({*known_names(), *filter(KIND.search, ours)})


def _undefined(questions: Questions, talk: Conversation, target: int) -> Diagnosis:
    question = questions.exercise.questions[talk.task.numbers[target]]
    return not_defined(questions.exercise, question, talk.undefined[target])


def same(one: Arguments, other: Arguments) -> bool:
    """Whether arguments hold the same numbers."""
    return one.keys() == other.keys() and all(map(_equal, one.values(), other.values()))


def _equal(one: Value, other: Value) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return close(one, other, tolerance=0) and one.dtype == other.dtype
    return type(one) is type(other) and bool(one == other)


def _without_inputs(question: Question, found: Diagnosis) -> Diagnosis:
    """With the faults whose texts are ours: the others, and examples, could hold hidden numbers."""
    ours = {mistake.name for mistake in question.mistakes} | {NOT_DETERMINISTIC.name}
    kept = (replace(fault, example=None) for fault in found.faults if fault.name in ours)
    return replace(found, faults=tuple(kept) or (ONLY_KNOWN_INPUTS,))
