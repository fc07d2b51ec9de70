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
import json
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, cast

import numpy as np

from benchmarks.liars import HIDDEN_SEED, Honest, Liar, honest_answers
from benchmarks.random_messages import Forger
from normlab.checks import Diagnosis, Exercise, Question
from normlab.checks.examination import KNOWN_SEED
from normlab.checks.examiner import judge
from normlab.checks.exercise import Arguments, Outputs
from normlab.checks.observe import Observation, observe, undisturbed
from normlab.exercises import all_exercises
from normlab.grading.confined.limits import Ending
from normlab.grading.conversation import UNREADABLE
from normlab.grading.grade import grade
from normlab.grading.net import JUDGE_FAILED
from normlab.grading.paper import Paper, Setting
from normlab.grading.runs import Order, Run
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

SETTING = Setting(seed=HIDDEN_SEED)
ENDINGS = (Ending(0, "", 0.1, 0), Ending(-9, "wall", 9.0, 0), Ending(-11, "", 0.1, 0))


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
