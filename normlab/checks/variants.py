"""Mistakes made real: the reference's source with some words exchanged, compiled."""

import inspect
import itertools
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

from normlab.checks.exercise import Answer, Mistake, Question

Form = Mapping[str, str]


class Overlap(ValueError):
    """Two mistakes exchange the same words, so nobody can make both."""


@cache
def source_of(reference: Answer) -> str:
    return textwrap.dedent(inspect.getsource(reference))


def rewritten(source: str, *forms: Form) -> str:
    """`source` with the words of all forms exchanged.

    Raises:
        Overlap: if two forms exchange the same words.
        ValueError: if words do not occur exactly once in `source`.

    >>> rewritten("y = a + b", {"a +": "a -"}, {"y": "z"})
    'z = a - b'
    """
    spans = []
    for old, new in itertools.chain.from_iterable(form.items() for form in forms):
        if source.count(old) != 1:
            raise ValueError(
                f"{old!r} occurs {source.count(old)} times, expected once, in\n{source}"
            )
        start = source.index(old)
        spans.append((start, start + len(old), new))
    spans.sort()
    for (_, end, _), (start, _, _) in itertools.pairwise(spans):
        if start < end:
            raise Overlap(f"two mistakes exchange the same words: {source[start:end]!r}.")
    for start, end, new in reversed(spans):
        source = source[:start] + new + source[end:]
    return source


@lru_cache(maxsize=2**12)
def compiled(source: str, reference: Answer) -> Answer:
    """What `source` defines under the reference's name, in the reference's module.

    The same source is the same answer, so that what it does need not be observed again.
    """
    namespace: dict[str, Any] = dict(vars(inspect.getmodule(reference)))
    exec(compile(source, f"<a variant of {reference.__name__}>", "exec"), namespace)
    return namespace[reference.__name__]


@dataclass(frozen=True)
class Variant:
    """A wrong answer, and the mistakes that it makes."""

    reference: Answer
    mistakes: tuple[Mistake, ...]
    forms: tuple[Form, ...]

    @cached_property
    def answer(self) -> Answer:
        return compiled(rewritten(source_of(self.reference), *self.forms), self.reference)

    def possible(self) -> bool:
        """Whether all the mistakes can be made at once."""
        try:
            rewritten(source_of(self.reference), *self.forms)
        except Overlap:
            return False
        return True

    def with_one_more(self, other: "Variant") -> "Variant":
        return Variant(self.reference, self.mistakes + other.mistakes, self.forms + other.forms)


@cache
def single_variants(question: Question) -> list[Variant]:
    """Each known mistake, in each of its forms."""
    assert question.reference is not None
    reference = question.reference
    return [Variant(reference, (m,), (form,)) for m in question.mistakes for form in m.forms]


@cache
def pair_variants(question: Question) -> list[Variant]:
    """Each two mistakes, or two forms of one, that can be made at once."""
    pairs = (a.with_one_more(b) for a, b in itertools.combinations(single_variants(question), 2))
    return [pair for pair in pairs if pair.possible()]
