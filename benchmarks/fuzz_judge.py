"""The judge among random messages and outputs: it must find no answer right, and never fail.

    .venv/bin/python -m benchmarks.fuzz_judge                        100,000 answers
    .venv/bin/python -m benchmarks.fuzz_judge --count 1000 --seed 7 rms_norm

Two of three answers are graded as a class's are; their process sends random bytes, JSON, or an
honest message with something changed in it. The third is checked as a learner's own check does it,
and returns something random on each call. Each of them is right, wrong in a known way, or 0 up to
there.

Printed: the answers; those that ended the judge; those caught by its last net; those with full
marks though what they sent was not right; and what the others were told.
"""

import argparse
import importlib
import json
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from typing import Any, cast

import numpy as np

from benchmarks.random_messages import Forger
from normlab.checks import Diagnosis, Exercise, Question
from normlab.checks.examination import KNOWN_SEED
from normlab.checks.examiner import calls, judge
from normlab.checks.exercise import Answer, Arguments, Outputs
from normlab.checks.observe import Observation, observe, undisturbed
from normlab.checks.variants import single_variants
from normlab.exercises import all_exercises
from normlab.grading.confined.limits import Ending
from normlab.grading.confined.messages import pack, pack_observations, unpack
from normlab.grading.conversation import UNREADABLE
from normlab.grading.grade import grade, questions_of
from normlab.grading.net import JUDGE_FAILED
from normlab.grading.paper import Paper, Setting
from normlab.grading.runs import Order, Run
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

SETTING = Setting(seed=1)
ENDINGS = (Ending(0, "", 0.1, 0), Ending(-9, "wall", 9.0, 0), Ending(-11, "", 0.1, 0))


@dataclass(frozen=True)
class Honest:
    """What an answer does on the calls that everybody knows, and on the hidden ones."""

    right: bool
    known: Sequence[Observation]
    hidden: Sequence[Observation]


@cache
def honest_answers(exercise: Exercise, question: Question) -> list[Honest]:
    """A right answer, three that make known mistakes, and one that returns zeros."""
    kept = importlib.import_module(f"tests.right_answers.{exercise.name[3:]}")
    right: Answer = question.reference or kept.RIGHT[question.function][0]
    variants = single_variants(question)[:3] if question.reference else []
    number = exercise.functions.index(question.function)
    known = calls(question, KNOWN_SEED)
    hidden = [*questions_of(exercise, SETTING.seed).unseen[number].values()]
    answers = (right, *(variant.answer for variant in variants))
    seen = [_honest(question, answer, known, hidden, answer is right) for answer in answers]
    return [*seen, Honest(False, [*map(_zeros, seen[0].known)], [*map(_zeros, seen[0].hidden)])]


def _honest(
    question: Question,
    answer: Answer,
    known: Sequence[Arguments],
    hidden: Sequence[Arguments],
    right: bool,
) -> Honest:
    ask = partial(observe, question.driver, answer)
    return Honest(right, [*map(ask, known)], [*map(ask, hidden)])


def _zeros(seen: Observation) -> Observation:
    outputs = seen.outputs or {}
    return Observation({n: v if isinstance(v, str | None) else 0 * v for n, v in outputs.items()})


class Liar:
    """A connection to a process that says something else than it should, from some reply on.

    Args:
        forger: makes what it says.
        honest: what it would say.
        share: of its replies that are forged.
    """

    def __init__(self, forger: Forger, honest: Honest, share: float) -> None:
        self.forger, self.honest, self.share = forger, honest, share
        self.replies: list[bytes] = []
        self.started = False

    def send_bytes(self, request: bytes) -> None:
        self.replies += map(self._forged, self._to(unpack(request)[0]))

    def recv_bytes(self, most: int) -> bytes:
        if not self.replies or (self.started and self.forger.rng.random() < 0.001):
            raise EOFError
        self.started = True
        if len(self.replies[0]) > most:
            raise OSError("too long")
        return self.replies.pop(0)

    def _forged(self, reply: bytes) -> bytes:
        return self.forger.message(reply) if self.forger.rng.random() < self.share else reply

    def _to(self, request: dict[str, Any]) -> Iterator[bytes]:
        if "cells" in request:
            yield from (pack({"cell": number}) for number in range(len(request["cells"])))
            count = len(request["targets"])
            left = {"defined": [True] * count, "undefined": [""] * count}
            yield pack({**left, "errors": [], "printed": ""})
            return
        seen = self.honest.hidden
        if "hidden" not in request:
            seen = self.honest.known[request["first"] : request["end"]]
        draw = self.forger.rng.random() < self.share
        told = [self.forger.observation(one) if draw else one for one in seen]
        yield pack_observations(told, request["target"])


@dataclass
class Found:
    """What came of the answers.

    Attributes:
        died: the error and its place, where the judge ended.
        netted: the fault, where its last net was needed.
        undeserved: functions with full marks for a wrong answer.
        told: name of the first fault -> how often.
    """

    died: Counter[str] = field(default_factory=Counter)
    netted: Counter[str] = field(default_factory=Counter)
    undeserved: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)

    def add(self, diagnosis: Diagnosis, right: bool) -> None:
        """Note a diagnosis, and that all that is made of it can be made."""
        for text in (str(diagnosis), diagnosis._repr_html_(), json.dumps(asdict(diagnosis))):
            text.encode()
        for fault in diagnosis.faults:
            if fault.name == JUDGE_FAILED or UNREADABLE in fault.title:
                self.netted[fault.title] += 1
        if diagnosis.passed and not right:
            self.undeserved[diagnosis.function] += 1
        self.told["full marks" if diagnosis.passed else next(iter(diagnosis.mistakes), "-")] += 1


def fuzz(asked: Sequence[tuple[Exercise, Question]], count: int, seed: int) -> Found:
    """Judge `count` answers to these questions."""
    rng, found = np.random.default_rng(seed), Found()
    forger = Forger(rng)
    for i in progress_bar(range(count), "answers"):
        exercise, question = asked[int(rng.integers(len(asked)))]
        honest = forger.one_of(honest_answers(exercise, question))
        ask = _checked if i % 3 == 2 else _graded
        try:
            diagnosis = ask(exercise, question, forger, honest)
            found.add(diagnosis, honest.right or question.reference is None)
        except Exception as error:
            *_, last = traceback.extract_tb(error.__traceback__)
            found.died[f"{type(error).__name__} in {last.filename}, line {last.lineno}"] += 1
    return found


def _graded(exercise: Exercise, question: Question, forger: Forger, honest: Honest) -> Diagnosis:
    """As in a class, by a process that may forge each of its messages."""
    share = forger.one_of((0.1, 0.3, 1.0))

    @contextmanager
    def start(order: Order) -> Iterator[Run]:
        yield Run(cast(Any, Liar(forger, honest, share)), lambda: forger.one_of(ENDINGS))

    paper = Paper(exercise.name, ".py", f"def {question.function}(): ...\n".encode())
    graded = grade(paper, SETTING, start)
    return next(d for d in graded.diagnoses if d.function == question.function)


def _checked(exercise: Exercise, question: Question, forger: Forger, honest: Honest) -> Diagnosis:
    """As a learner's own check does it; from some call on the answer does something random."""
    left = int(forger.rng.integers(len(honest.known) + 1))
    known = iter(honest.known)

    def respond(arguments: Arguments) -> Observation:
        nonlocal left
        left -= 1
        usual = next(known, honest.known[-1])
        return usual if left >= 0 else _random(forger.observation(usual), arguments)

    return judge(exercise, question, respond, KNOWN_SEED)


def _random(drawn: Observation, arguments: Arguments) -> Observation:
    """What is seen of an answer that does what was drawn; it has no other arguments to change."""

    def driver(answer: Any, **arguments: Any) -> Outputs:
        if drawn.raised:
            raise type(drawn.raised.kind, (Exception,), {})(drawn.raised.message)
        return drawn.outputs or {}

    changed = {n: v for n, v in drawn.changed.items() if isinstance(v, np.ndarray)}
    own = {n: v for n, v in changed.items() if isinstance(arguments.get(n), np.ndarray)}
    return replace(observe(driver, cast(Any, None), {}), changed=own)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("functions", nargs="*", help="default: all")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    asked = [
        (exercise, question)
        for exercise in all_exercises()
        for question in exercise.questions
        if not chosen.functions or question.function in chosen.functions
    ]
    start = time.perf_counter()
    with undisturbed():
        found = fuzz(asked, chosen.count, chosen.seed)
    print(Table(("told", "answers"), [[name, str(n)] for name, n in found.told.most_common()]))
    for what, counted in (
        ("ended the judge", found.died),
        ("needed its last net", found.netted),
        ("undeserved full marks", found.undeserved),
    ):
        print(f"\n{what}: {counted.total():,} of {chosen.count:,}")
        print(*(f"  {n} × {text}" for text, n in counted.most_common(20)), sep="\n")
    print(f"{time.perf_counter() - start:.0f} seconds")


if __name__ == "__main__":
    main()
