"""The seed text and the places of its claims in it; no verdict, and nothing that needs torch."""

import itertools
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

HERE = Path(__file__).parent
LEDGER = HERE / "claims.json"
FIRST = 41
"""So many claims were numbered at first, in their order in the text; later ones begin anew."""
LineKind = Literal["heading", "text", "code"]


@dataclass(frozen=True)
class Part:
    """A piece of a line, and the claim that it belongs to, if any."""

    text: str
    claim: int | None = None


@dataclass(frozen=True)
class Line:
    """A line of the seed text. The parts, put together, are its words."""

    kind: LineKind
    parts: tuple[Part, ...]


def seed_text() -> str:
    """The text that the course is about, as it was found.

    >>> seed_text().splitlines()[0]
    'Layer Norm, RMSNorm, and the Pre-Norm / Post-Norm Debate'
    """
    return (HERE / "seed.txt").read_text(encoding="utf-8")


@cache
def sentences() -> Mapping[int, str]:
    """What the seed says in each claim, by its number.

    >>> sentences()[9]
    'Works inside RNNs: applied at each timestep independently'
    """
    stored = json.loads(LEDGER.read_text(encoding="utf-8"))
    return {claim["number"]: claim["quote"] for claim in stored["claims"]}


def check_number(number: object, known: Collection[int]) -> int:
    """The number of a claim.

    Args:
        number: any object.
        known: the numbers of all claims.

    Raises:
        ValueError: if there is no claim of that number.

    >>> check_number(7, sentences())
    7
    """
    if type(number) is not int or number not in known:
        raise ValueError(f"there is no claim {number!r}; expected a number from 1 to {max(known)}.")
    return number


def find_places(text: str, quotes: Mapping[int, str]) -> dict[int, tuple[int, int]]:
    """Where each quote begins and ends in a text, as (start, end).

    A quote is looked for behind the place where the one before it begins, so that words which come
    twice are found in their order. A line break of the text counts as a space. Of two that
    overlap the second one begins where the first ends.

    Raises:
        ValueError: if a quote is not there.

    >>> find_places("a norm, then\\na norm", {1: "a norm", 2: "then a norm"})
    {1: (0, 6), 2: (8, 19)}
    """
    places: dict[int, tuple[int, int]] = {}
    start = end = 0
    for number, quote in quotes.items():
        words = r"\s+".join(map(re.escape, quote.split()))
        found = re.compile(words).search(text, start)
        if found is None or found.end() <= end:
            raise ValueError(f"the words of claim {number} are not in the text: {quote!r}.")
        start = found.start() + 1
        places[number] = max(found.start(), end), found.end()
        end = found.end()
    return places


def seed_places() -> dict[int, tuple[int, int]]:
    """Where each claim begins and ends in the seed text.

    >>> start, end = seed_places()[42]
    >>> seed_text()[start:end]
    'It is now the default for new transformer architectures.'
    """
    quotes = sentences()
    first = {number: quote for number, quote in quotes.items() if number <= FIRST}
    later = {number: quote for number, quote in quotes.items() if number > FIRST}
    return find_places(seed_text(), first) | find_places(seed_text(), later)


def seed_lines() -> list[Line]:
    """The seed text line by line, with its claims.

    >>> [part.claim for part in seed_lines()[1].parts]
    [None, 1]
    """
    text, lines, begin, code = seed_text(), [], 0, False
    places = seed_places()
    for words in text.split("\n"):
        code = (code or words.startswith("import ")) and not words.startswith("TensorFlow")
        parts = tuple(_parts(words, begin, places))
        lines.append(Line("code" if code else _kind(words), parts))
        begin += len(words) + 1
    return lines


def claim_lines(numbers: Sequence[int]) -> list[Line]:
    """The sentences of some claims alone, a line for each.

    Raises:
        ValueError: if there is no claim of a number.

    >>> claim_lines([9])[0].parts[0].claim
    9
    """
    known = sentences()
    return [Line("text", (Part(known[check_number(n, known)], n),)) for n in numbers]


def _parts(words: str, begin: int, places: Mapping[int, tuple[int, int]]) -> Iterator[Part]:
    """A line that begins there in the text, cut where claims begin and end."""
    inside = {
        number: (max(first - begin, 0), min(last - begin, len(words)))
        for number, (first, last) in places.items()
        if first < begin + len(words) and last > begin
    }
    cuts = sorted({0, len(words), *itertools.chain(*inside.values())})
    for left, right in itertools.pairwise(cuts):
        claims = [n for n, (first, last) in inside.items() if first <= left and right <= last]
        yield Part(words[left:right], claims[0] if claims else None)


def _kind(words: str) -> LineKind:
    """Headings are short, begin with a capital, and do not end like a sentence."""
    heading = words[:1].isupper() and words[-1:] not in (".", ":") and len(words.split()) <= 10
    return "heading" if heading else "text"
