"""What an answer does on every probe of a question, beside what the reference does."""

from collections.abc import Collection
from dataclasses import replace
from functools import cached_property, lru_cache

import numpy as np

from normlab.checks.compare import (
    agrees,
    changed_arguments,
    differing,
    form_fault,
    looks_like,
    other_dtype,
    with_names_of,
)
from normlab.checks.exercise import (
    ANY_INPUT,
    FORMULA,
    LEVELS,
    PRECISION,
    STATE,
    Answer,
    Law,
    Probe,
    Question,
)
from normlab.checks.observe import Observation, Respond, observe

CLEAR = 0.02
KNOWN_SEED = 0
"""Of the inputs that learners' own checks have."""


class Examination:
    """All probes of a question, with what an answer did and what the reference does.

    A probe belongs to a level, and so do its outputs: one is judged at the later of the two. The
    numbers i of probes are their places in `probes`.
    """

    def __init__(self, question: Question, respond: Respond, seed: int) -> None:
        self.question, self.respond, self.seed = question, respond, seed
        self.probes, self.expected = expected(question, seed)
        self._names: dict[tuple[int, str], list[str]] = {}
        self.got = self._responses()
        self.by_size = sorted(range(len(self.probes)), key=lambda i: self.probes[i].size)

    def _responses(self) -> list[Observation]:
        """What the answer does on each probe, called now."""
        seen = (self.respond(probe.arguments) for probe in self.probes)
        return [with_names_of(wanted, got) for wanted, got in zip(self.expected, seen, strict=True)]

    @cached_property
    def first_wrong(self) -> str | None:
        """The first level that the answer has not."""
        return next((level for level in self.question.levels if not self.has(level)), None)

    @cached_property
    def first_wrong_when_called_once(self) -> str | None:
        """The same, without looking at what second calls do."""
        return next((level for level in self.question.levels if self._flaws(level)), None)

    def has(self, level: str) -> bool:
        return not self._flaws(level) and not self.not_repeated(level)

    def _flaws(self, level: str) -> list[int]:
        return self.failing(level) + self.of_other_dtype(level) + self.changing(level)

    def up_to(self, level: str) -> list[int]:
        """The probes that are looked at up to a level, the smallest first."""
        last = LEVELS.index(level)
        return [i for i in self.by_size if LEVELS.index(self.probes[i].level) <= last]

    def names(self, i: int, level: str) -> list[str]:
        """The outputs of probe i that are judged up to a level."""
        if (i, level) not in self._names:  # a search asks thousands of times
            last, later = LEVELS.index(level), self.question.later
            outputs = self.expected[i].outputs or {}
            judged = [n for n in outputs if LEVELS.index(later.get(n, FORMULA)) <= last]
            self._names[i, level] = judged
        return self._names[i, level]

    def failing(self, level: str) -> list[int]:
        """The probes on which the values, or the error, are wrong in what a level judges."""
        return [i for i in self.up_to(level) if not self.passes(i, level)]

    def passes(self, i: int, level: str) -> bool:
        """Whether probe i is right in all that is judged up to a level."""
        return agrees(self.got[i], self.expected[i], self.probes[i], self.names(i, level))

    def differing(self, i: int, names: Collection[str]) -> list[str]:
        """Which of these outputs of probe i are wrong, where there are outputs at all."""
        if self.got[i].outputs is None or self.expected[i].outputs is None:
            return []
        return differing(self.got[i], self.expected[i], self.probes[i], names)

    def of_other_dtype(self, level: str) -> list[int]:
        """The probes on which an output has another dtype than it should."""
        if level != self.question.level_for(PRECISION):
            return []
        return [i for i in self.up_to(level) if self.dtype_differs(i)]

    def dtype_differs(self, i: int) -> bool:
        return other_dtype(self.got[i], self.expected[i]) is not None

    def changing(self, level: str) -> list[int]:
        """The probes whose arguments are changed in place."""
        if level != self.question.level_for(STATE, ANY_INPUT):
            return []
        return [i for i in self.up_to(level) if self.changes(i)]

    def changes(self, i: int) -> bool:
        return bool(changed_arguments(self.got[i], self.expected[i]))

    def not_repeated(self, level: str) -> list[int]:
        """The probes on which a second call does something else than the first."""
        return [i for i in self.up_to(level) if not self._repeats[i]]

    @cached_property
    def _repeats(self) -> list[bool]:
        both = zip(self.got, self._responses(), self.probes, strict=True)
        return [looks_like(one, two, one, p, one.outputs or ()) for one, two, p in both]

    def formless(self, level: str) -> list[int]:
        """The probes on which there are no values to compare: it raises, or has another shape."""
        return [i for i in self.failing(level) if form_fault(self.got[i], self.expected[i])]

    def fails_clearly(self, i: int, level: str) -> bool:
        """Whether a reader sees it on probe i: a number is off by 2 %, or all is different."""
        wide = replace(self.probes[i], tolerance=max(CLEAR, self.probes[i].tolerance))
        return not agrees(self.got[i], self.expected[i], wide, self.names(i, level))

    def showing(self, sign: str) -> list[int]:
        """The failing probes of the first wrong level whose failure is a sign of something."""
        level = self.first_wrong
        if level is None:
            return []
        return [i for i in self.failing(level) if self.probes[i].shows == sign]

    def matches(self, variant: Answer, i: int, level: str) -> bool:
        """Whether a variant of the reference does on probe i what the answer does."""
        other = self.of_variant(variant, i)
        names = self.names(i, level)
        return looks_like(self.got[i], other, self.expected[i], self.probes[i], names)

    def is_wrong(self, variant: Answer, i: int, level: str) -> bool:
        """Whether a variant of the reference fails probe i."""
        other = self.of_variant(variant, i)
        return not agrees(other, self.expected[i], self.probes[i], self.names(i, level))

    def of_variant(self, variant: Answer, i: int) -> Observation:
        return _of_variant(self.question, self.seed, variant, i)


def probes_of(question: Question, seed: int) -> tuple[Probe, ...]:
    """The probes of a learner's check; with another seed than its own all of them are drawn."""
    probes = question.probes(np.random.default_rng(seed))
    if seed == KNOWN_SEED:
        return probes
    rng = np.random.default_rng([seed, 1])  # not the numbers that the probes were drawn with
    return tuple(probe.anew(rng) if probe.anew else probe for probe in probes)


@lru_cache(maxsize=64)
def expected(question: Question, seed: int) -> tuple[tuple[Probe, ...], list[Observation]]:
    """The probes of a question that has a reference, and what the reference does on them."""
    assert question.reference is not None
    probes = probes_of(question, seed)
    return probes, [observe(question.driver, question.reference, p.arguments) for p in probes]


@lru_cache(maxsize=256)
def expected_by_law(question: Question, law: Law) -> list[Observation]:
    """What the reference does on the inputs of a law."""
    assert question.reference is not None
    return [observe(question.driver, question.reference, given) for given in law.inputs]


@lru_cache(maxsize=2**15)
def _of_variant(question: Question, seed: int, variant: Answer, i: int) -> Observation:
    probes, _ = expected(question, seed)
    return observe(question.driver, variant, probes[i].arguments)
