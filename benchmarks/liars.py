"""What an honest process of a student would say, and one that says something else."""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from benchmarks.random_messages import Forger
from normlab.checks import Exercise, Question
from normlab.checks.examination import KNOWN_SEED
from normlab.checks.examiner import calls
from normlab.checks.exercise import Answer, Arguments
from normlab.checks.observe import Observation, observe
from normlab.checks.variants import single_variants
from normlab.grading.confined.messages import pack, pack_observations, unpack
from normlab.grading.grade import questions_of

HIDDEN_SEED = 1


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
    hidden = [*questions_of(exercise, HIDDEN_SEED).unseen[number].values()]
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
            for number, target in enumerate(request["targets"]):
                yield self._told(self.honest.known[: target["known"]], number)
        elif "hidden" in request:
            yield self._told(self.honest.hidden, request["target"])
        else:
            known = self.honest.known[request["first"] : request["end"]]
            yield self._told(known, request["target"])

    def _told(self, seen: Sequence[Observation], target: int) -> bytes:
        draw = self.forger.rng.random() < self.share
        told = [self.forger.observation(one) if draw else one for one in seen]
        return pack_observations(told, target)
