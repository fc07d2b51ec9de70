"""Find the known mistakes that explain what a wrong answer does, up to its first wrong level."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from normlab.checks.compare import agrees, differing
from normlab.checks.drivers import WrongReturn
from normlab.checks.examination import Examination
from normlab.checks.exercise import Mistake
from normlab.checks.observe import Observation
from normlab.checks.variants import Variant, pair_variants, single_variants

WHOLE, NO_PART = 2, -2
"""What the parts of an answer add up to, and what no answer adds up with."""


@dataclass(frozen=True)
class Explanation:
    """Mistakes that together do what an answer does.

    Args:
        variant: makes these mistakes.
        but: the corner cases on which it does something else.
    """

    variant: Variant
    but: tuple[int, ...] = ()


class Lookup:
    """The search among the known mistakes of a question.

    Args:
        e: of a wrong answer.
        level: its first wrong level.
        without: probes whose failing is explained already.
    """

    def __init__(self, e: Examination, level: str, without: Collection[int] = ()) -> None:
        self.e, self.level = e, level
        self._observed: dict[Mistake, bool] = {}
        probes = [i for i in e.up_to(level) if i not in without]
        self.failing = [i for i in e.failing(level) if i not in without]
        first = [i for i in self.failing if not e.probes[i].corner]
        passing = [i for i in probes if i not in self.failing and not e.probes[i].corner]
        # wrong candidates are out after a probe or two
        self.firm = [*(first or self.failing), *passing]
        self.corners = [i for i in probes if e.probes[i].corner and i not in self.firm]

    def single(self) -> Explanation | None:
        """The one mistake that explains all probes but corner cases."""
        return self._best(self._singles)

    def explanation(self) -> Explanation | None:
        """What explains all probes but corner cases: one mistake, two, or one for each probe."""
        found = self.single()
        if found or self._returns_nothing:
            return found
        return self._best(self._pairs()) or self._extended()

    @property
    def _returns_nothing(self) -> bool:
        """Whether no call returned what can be compared: no two mistakes together lead to that."""
        raised = [seen.raised for seen in self.e.got]
        return all(error and error.kind == WrongReturn.__name__ for error in raised)

    def _best(self, candidates: Iterable[Variant]) -> Explanation | None:
        """Of several that explain all, the one that explains more corner cases, then the one that
        explains more of the levels to come, then the likelier one."""
        found = [v for v in candidates if self._explains(v)]
        if not found or not self.failing:
            return None
        best = max(found, key=self._explained_besides)
        return Explanation(best, tuple(i for i in self.corners if not self._fits(best, i)))

    @cached_property
    def _singles(self) -> list[Variant]:
        return [v for v in single_variants(self.e.question) if self._may_be(v.mistakes)]

    def _pairs(self) -> Iterator[Variant]:
        """Two mistakes at once that are wrong where the answer is, and nowhere else: both, or one
        that does on some probe what the answer does."""
        part = self._parts
        for pair in pair_variants(self.e.question):
            one, other = pair.forms
            if part.get(id(one), NO_PART) + part.get(id(other), NO_PART) >= WHOLE:
                yield pair

    @cached_property
    def _parts(self) -> dict[int, int]:
        """By form: how much of the answer each mistake may be."""
        return {id(form): self._part(v) for v in self._singles for form in v.forms}

    def _part(self, variant: Variant) -> int:
        """0 if the mistake is not seen on this level, more the more of the answer it may be."""
        wrong = [self._wrong(i, self.e.of_variant(variant.answer, i)) for i in self.firm]
        if not all(one <= other for one, other in zip(wrong, self._own, strict=True)):
            return NO_PART
        return any(wrong) + any(self._fits(variant, i) for i in self.failing)

    @cached_property
    def _own(self) -> list[set[str]]:
        """What is wrong with the answer on each firm probe."""
        return [self._wrong(i, self.e.got[i]) for i in self.firm]

    def _wrong(self, i: int, seen: Observation) -> set[str]:
        """The outputs that are wrong on probe i, or the error."""
        expected, probe, names = self.e.expected[i], self.e.probes[i], self.e.names(i, self.level)
        if seen.outputs is None or expected.outputs is None:
            return set() if agrees(seen, expected, probe, names) else {*names, "error"}
        return set(differing(seen, expected, probe, names))

    def _may_be(self, mistakes: Iterable[Mistake]) -> bool:
        """Whether those that are behaviours were seen."""
        return all(m.seen is None or self._seen(m) for m in mistakes)

    def _seen(self, mistake: Mistake) -> bool:
        if mistake not in self._observed:
            self._observed[mistake] = bool(mistake.seen and mistake.seen(self.e))
        return self._observed[mistake]

    def _fits(self, variant: Variant, i: int) -> bool:
        return self.e.matches(variant.answer, i, self.level)

    def _explains(self, variant: Variant) -> bool:
        return all(self._fits(variant, i) for i in self.firm)

    def _explained_besides(self, variant: Variant) -> tuple[int, int]:
        e = self.e
        *_, last = e.question.levels
        every = range(len(e.probes))
        return (
            sum(self._fits(variant, i) for i in self.corners),
            sum(e.matches(variant.answer, i, last) for i in every if e.got[i].outputs),
        )

    def _extended(self) -> Explanation | None:
        """Mistakes one after the other, each of which explains probes that are unexplained yet.

        Only where the formula is right: there each failing probe asks for something of its own.
        """
        if self.level == next(iter(self.e.question.levels)):
            return None
        assert self.e.question.reference is not None
        variant = Variant(self.e.question.reference, (), ())
        parts = [v for v in self._singles if all(self._parts[id(form)] > 0 for form in v.forms)]
        while (so_far := self._explained(variant)) < len(self.firm):
            more = (variant.with_one_more(one) for one in parts)
            best = max((v for v in more if v.possible()), key=self._explained, default=variant)
            if self._explained(best) <= so_far:
                return None
            variant = best
        return Explanation(variant)

    def _explained(self, variant: Variant) -> int:
        return sum(self._fits(variant, i) for i in self.firm)


def alone(variant: Variant) -> Sequence[Variant]:
    """Each mistake of a variant by itself."""
    pairs = zip(variant.mistakes, variant.forms, strict=True)
    return [Variant(variant.reference, (mistake,), (form,)) for mistake, form in pairs]
