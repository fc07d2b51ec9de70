"""What an answer does on every probe of a question, beside what the reference does."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from normlab.checks.compare import agrees, changed_fault, dtype_fault, form_fault, looks_like
from normlab.checks.diagnosis import Fault
from normlab.checks.exercise import Answer, Probe, Question
from normlab.checks.observe import Observation, Respond, observe

CLEAR = 0.05


class Examination:
    """All probes of a question, with what an answer did and what the reference does."""

    def __init__(self, question: Question, respond: Respond, seed: int) -> None:
        self.question, self.respond, self.seed = question, respond, seed
        self.probes, self.expected = expected(question, seed)
        self.got = [respond(p.arguments) for p in self.probes]
        self.by_size = sorted(range(len(self.probes)), key=lambda i: self.probes[i].size)
        self.failing = [i for i in self.by_size if not self._passes(i)]

    def _passes(self, i: int) -> bool:
        return agrees(self.got[i], self.expected[i], self.probes[i])

    def fails_clearly(self, i: int) -> bool:
        """Whether a reader sees it on probe i: a number is off by 5 %, or all is different."""
        wide = replace(self.probes[i], tolerance=max(CLEAR, self.probes[i].tolerance))
        return not agrees(self.got[i], self.expected[i], wide)

    def repeats(self) -> bool:
        """Whether second calls do what the first ones did."""
        again = (self.respond(p.arguments) for p in self.probes)
        both = zip(self.got, again, self.probes, strict=True)
        return all(looks_like(one, two, one, probe) for one, two, probe in both)

    def first_fault(self) -> tuple[int, Fault] | None:
        """The first thing that is wrong with the form, on the smallest input that shows it."""
        for fault_of in (form_fault, dtype_fault, changed_fault):
            for i in self.by_size:
                fault = fault_of(self.got[i], self.expected[i])
                if fault:
                    return i, fault
        return None

    def matches(self, variant: Answer, i: int) -> bool:
        """Whether a variant of the reference does on probe i what the answer does."""
        other = _of_variant(self.question, self.seed, variant, i)
        return looks_like(self.got[i], other, self.expected[i], self.probes[i])


@lru_cache(maxsize=64)
def expected(question: Question, seed: int) -> tuple[tuple[Probe, ...], list[Observation]]:
    """The probes of a question that has a reference, and what the reference does on them."""
    assert question.reference is not None
    probes = question.probes(np.random.default_rng(seed))
    return probes, [observe(question.driver, question.reference, p.arguments) for p in probes]


@lru_cache(maxsize=2**15)
def _of_variant(question: Question, seed: int, variant: Answer, i: int) -> Observation:
    probes, _ = expected(question, seed)
    return observe(question.driver, variant, probes[i].arguments)
