"""Find the known mistakes that explain what a wrong answer does."""

from normlab.checks.examination import Examination
from normlab.checks.exercise import Mistake
from normlab.checks.variants import Variant, pair_variants, single_variants


def known_mistakes(e: Examination) -> tuple[Mistake, ...]:
    """The mistakes that explain the values; none if none of one or two explains the formula's.

    What one mistake explains alone needs no second one. Where three or more are made, those in
    the formula are looked for first, on the probes that are not special; then come, one at a
    time, those that explain most of the special probes.
    """
    passing = [i for i in e.by_size if i not in e.failing]
    every = e.failing + passing  # wrong candidates are out after a probe or two
    plain = [i for i in every if not e.probes[i].special]
    singles, pairs = single_variants(e.question), pair_variants(e.question)
    alone = [v.mistakes[0] for v in singles if _explains(e, v, every)]
    if alone:
        return tuple(dict.fromkeys(alone))
    for candidates, probes in ((pairs, every), (singles, plain), (pairs, plain)):
        found = next((v for v in candidates if _explains(e, v, probes)), None)
        if found and any(i in e.failing for i in probes):
            return _extended(e, found, every).mistakes
    if not any(i in e.failing for i in plain):
        assert e.question.reference is not None
        return _extended(e, Variant(e.question.reference, (), ()), every).mistakes
    return ()


def _explains(e: Examination, variant: Variant, probes: list[int]) -> bool:
    return all(e.matches(variant.answer, i) for i in probes)


def _extended(e: Examination, variant: Variant, probes: list[int]) -> Variant:
    """`variant` with more mistakes, as long as each explains probes that are unexplained yet."""

    def explained(v: Variant) -> int:
        return sum(e.matches(v.answer, i) for i in probes)

    while (so_far := explained(variant)) < len(probes):
        more = (variant.with_one_more(one) for one in single_variants(e.question))
        best = max((v for v in more if v.possible()), key=explained, default=variant)
        if explained(best) <= so_far:
            break
        variant = best
    return variant
