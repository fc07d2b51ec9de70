"""What the checks say of an answer that was called elsewhere."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from normlab.checks.compare import close
from normlab.checks.diagnosis import Diagnosis, Fault
from normlab.checks.examination import expected
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
from normlab.checks.observe import Observation, Raised
from normlab.grading.confined.library_norms import GUARDED, LibraryNorm
from normlab.grading.conversation import Conversation, questions_message

KNOWN_SEED = 0
"""Of the inputs that learners' own checks have."""
ONLY_KNOWN_INPUTS = Fault(
    "only-known-inputs",
    "right on the inputs of the notebook's check, wrong on others",
    "The answer must hold for all inputs. Is something in it fitted to single numbers or shapes?",
)
LIBRARY_NORM = (
    "The exercise asks for the norm itself, written by you. In this class a ready-made one gets no "
    "points."
)
UNASKED = Observation(raised=Raised("Unasked", "", None, False))


@dataclass(frozen=True)
class Questions:
    """The questions of an exercise with all calls that their answers are put to."""

    exercise: Exercise
    seed: int

    @cached_property
    def known(self) -> list[list[Arguments]]:
        """The calls that a learner's check makes; of these a student may see everything."""
        return [calls(question, KNOWN_SEED) for question in self.exercise.questions]

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
        return questions_message(self.exercise.questions, self.known)


def diagnose(questions: Questions, talk: Conversation) -> list[Diagnosis]:
    """The diagnosis of each target of a talk, after its cells have run.

    Each answer is called once on every known probe. One that fails is called on the rest of what
    a learner's check calls, and the diagnosis is that check's. One that is right is called on
    hidden inputs; if it fails there, it is named what the checks find, and nothing of the inputs
    is shown. Hidden inputs go out when all known calls are answered.

    Raises:
        Malformed, EOFError, OSError: where the process is off.
    """
    targets = [_Target(questions, talk, i) for i, defined in enumerate(talk.defined) if defined]
    for target in targets:
        target.ask_known()
    for target in targets:
        target.hear_known()
    for target in targets:
        target.hear_rest()
    right = [target for target in targets if target.found is None]
    for now, following in pairwise([None, *right, None]):
        if following:
            following.ask_hidden()  # the process works on it while the other one is judged
        if now:
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
        self.known, self.unseen = questions.known[number], questions.unseen[number]
        self.seed = questions.seed
        self.found: Diagnosis | None = None
        self.seen: list[Observation] = []
        self.probes = len(expected(self.question, KNOWN_SEED)[0]) if self.question.reference else 0

    def ask_known(self) -> None:
        self.talk.ask_known(self.index, 0, self.probes)

    def hear_known(self) -> None:
        """One call of each known probe. If it is not enough to go on, the rest is asked for."""
        self.seen = self.talk.answered(self.index, self.probes)
        self.found = self._library_norm(self.seen)
        replay = Replay(self.known[: self.probes], self.seen)
        right = self.probes and right_at_once(self.question, replay, KNOWN_SEED)
        self.waits = self.found is None and not right
        if self.waits:
            self.talk.ask_known(self.index, self.probes, len(self.known))

    def hear_rest(self) -> None:
        """All calls that a learner's check makes."""
        if self.waits:
            self.seen += self.talk.answered(self.index, len(self.known) - self.probes)
            replay = Replay(self.known, self.seen)
            self.found = self._library_norm(self.seen) or judge(
                self.exercise, self.question, replay, KNOWN_SEED
            )

    def ask_hidden(self) -> None:
        self.talk.ask_hidden(self.index, self.unseen.values())

    def hear_hidden(self) -> None:
        """Calls on other numbers. Where a probe has no others, the answer does what it did."""
        seen = self.talk.answered(self.index, len(self.unseen))
        probes, _ = expected(self.question, self.seed)
        responses = dict(enumerate(self.seen)) | dict(zip(self.unseen, seen, strict=True))
        replay = Replay([p.arguments for p in probes], [responses[i] for i in range(len(probes))])
        self.found = self._library_norm(seen)
        if self.found is None and right_at_once(self.question, replay, self.seed):
            self.found = right(self.exercise, self.question)
        elif self.found is None:
            found = judge(self.exercise, self.question, replay, self.seed)
            self.found = _without_inputs(self.question, found)

    def _library_norm(self, seen: Sequence[Observation]) -> Diagnosis | None:
        """The diagnosis of an answer that has called one of the guarded norms."""
        raised = (o.raised for o in seen if o.raised and o.raised.kind == LibraryNorm.__name__)
        name = next((error.message for error in raised if error.message in GUARDED), None)
        if name is None:
            return None
        fault = Fault("library-norm", f"it calls {name}", LIBRARY_NORM)
        return wrong_from_start(self.exercise, self.question, True, fault)


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


class Replay:
    """Responds as an answer once did to the same arguments."""

    def __init__(self, calls: Sequence[Arguments], seen: Sequence[Observation]) -> None:
        self.left: dict[int, list[Observation]] = defaultdict(list)
        for arguments, observation in zip(calls, seen, strict=True):
            self.left[id(arguments)].append(observation)

    def __call__(self, arguments: Arguments) -> Observation:
        left = self.left[id(arguments)]
        return left.pop(0) if len(left) > 1 else next(iter(left), UNASKED)


def _without_inputs(question: Question, found: Diagnosis) -> Diagnosis:
    """With the faults whose texts are ours: the others, and examples, could hold hidden numbers."""
    ours = {mistake.name for mistake in question.mistakes} | {NOT_DETERMINISTIC.name}
    kept = (replace(fault, example=None) for fault in found.faults if fault.name in ours)
    return replace(found, faults=tuple(kept) or (ONLY_KNOWN_INPUTS,))
