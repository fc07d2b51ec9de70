"""What the checks say of an answer that was called elsewhere."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar

from normlab import norms, torch_norms
from normlab.checks.diagnosis import Diagnosis, Fault
from normlab.checks.examination import KNOWN_SEED, expected
from normlab.checks.examiner import (
    judge,
    not_defined,
    right,
    right_at_once,
    wrong_from_start,
)
from normlab.checks.exercise import Arguments, Question
from normlab.checks.findings import NOT_DETERMINISTIC
from normlab.checks.observe import Observation
from normlab.grading.confined.library_norms import known_names
from normlab.grading.confined.messages import Malformed
from normlab.grading.confined.refusals import KIND
from normlab.grading.conversation import Conversation, observations
from normlab.grading.memo import Memo
from normlab.grading.net import stumbled
from normlab.grading.questions import Questions
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

Found = TypeVar("Found")
kept: Memo[Any] = Memo(most=4096)
"""What was found of answers, by all that it depends on."""


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

    What is found depends on the question, on the seed, and on the bytes that its process has told.
    It is found once for the same of all three, whoever sends them: with other answers before it or
    none, each gets the diagnosis that it would get alone.

    Attributes:
        found: the diagnosis, None as long as nothing is wrong.
        told: what its process has told, message by message.
    """

    def __init__(self, questions: Questions, talk: Conversation, index: int) -> None:
        self.talk, self.index, self.exercise = talk, index, questions.exercise
        number = talk.task.numbers[index]
        self.question = questions.exercise.questions[number]
        self.known, self.unseen = questions.known(number), questions.unseen[number]
        self.seed = questions.seed
        self.found: Diagnosis | None = None
        self.told: list[bytes] = []
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
        self.waits = self._once(self._wrong_at_once)
        if self.waits:
            self.talk.ask_known(self.index, self.probes, len(self.known))

    def hear_rest(self) -> None:
        """All calls that a learner's check makes."""
        if self.waits:
            self.found = self._once(self._judged_by_known)

    def ask_hidden(self) -> None:
        self.talk.ask_hidden(self.index, self.unseen.values())

    def hear_hidden(self) -> None:
        """Calls on other numbers. Where a probe has no others, the answer does what it did."""
        self.found = self._once(self._judged_by_hidden)

    def _once(self, find: Callable[[], Found]) -> Found:
        """What `find` finds with the message that comes now, found once for the same of all that it
        reads."""
        self.told.append(self.talk.told(self.index))
        question = self.exercise.name, self.question.function, self.seed
        key = (question, self.index, self._may_call_norms, find.__name__)
        found: Found = kept.get(key, self.told, find)
        return found

    @property
    def _may_call_norms(self) -> bool:
        return self.talk.task.library_norms[self.index]

    def _seen(self, message: int, calls: Collection[Arguments]) -> list[Observation]:
        return observations(self.told[message], self.index, calls)

    def _seen_first(self) -> list[Observation]:
        return self._seen(0, self.known[: self.probes])

    def _wrong_at_once(self) -> bool:
        """Whether more must be asked before anything is said."""
        replay = Replay(self.known[: self.probes], self._seen_first())
        return not (self.probes and right_at_once(self.question, replay, KNOWN_SEED))

    def _judged_by_known(self) -> Diagnosis:
        seen = self._seen_first() + self._seen(1, self.known[self.probes :])
        found = judge(self.exercise, self.question, Replay(self.known, seen), KNOWN_SEED)
        return self._or_library_norm(found, seen)

    def _judged_by_hidden(self) -> Diagnosis:
        seen = self._seen(1, self.unseen.values())
        probes, _ = expected(self.question, self.seed)
        responses = dict(enumerate(self._seen_first())) | dict(zip(self.unseen, seen, strict=True))
        replay = Replay([p.arguments for p in probes], [responses[i] for i in range(len(probes))])
        if right_at_once(self.question, replay, self.seed):
            return right(self.exercise, self.question)
        found = judge(self.exercise, self.question, replay, self.seed)
        return self._or_library_norm(_without_inputs(self.question, found), seen)

    def _or_library_norm(self, found: Diagnosis, seen: Sequence[Observation]) -> Diagnosis:
        """Of an answer that is not right: that it has called a ready-made norm, else `found`."""
        refused = next((each.refused for each in seen if each.refused), None)
        if refused is None or self._may_call_norms:
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


def _without_inputs(question: Question, found: Diagnosis) -> Diagnosis:
    """With the faults whose texts are ours: the others, and examples, could hold hidden numbers."""
    ours = {mistake.name for mistake in question.mistakes} | {NOT_DETERMINISTIC.name}
    kept = (replace(fault, example=None) for fault in found.faults if fault.name in ours)
    return replace(found, faults=tuple(kept) or (ONLY_KNOWN_INPUTS,))
