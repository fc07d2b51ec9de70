"""Real text: Milton's *Paradise Lost*, of which Book XII is kept for measuring.

The text is in the public domain: the second edition (1674), as Project Gutenberg released it in
February 1992 and as compression benchmarks have used it since (`plrabn12.txt` of the Canterbury
corpus). Left out are Gutenberg's introduction, the numbers of punched cards that stand between the
lines, and spaces at the ends of lines.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from normlab.training.grammar import IntArray

TEXT = Path(__file__).with_name("paradise_lost.txt")
LAST_BOOK = "\nBook XII\n"


@cache
def read_verse() -> tuple[str, str]:
    r"""Books I to XI, and Book XII.

    >>> trained_on, kept = read_verse()
    >>> len(trained_on), len(kept), trained_on[8:50]
    (428716, 28011, "Of Man's first disobedience, and the fruit")
    """
    text = TEXT.read_text(encoding="ascii")
    start = text.index(LAST_BOOK)
    return text[:start], text[start + len(LAST_BOOK) :]


@cache
def verse_characters() -> str:
    """Every character of the text, in order; a character's token is its place here."""
    return "".join(sorted(set("".join(read_verse()))))


@cache
def verse_tokens(kept: bool) -> IntArray:
    """The tokens of Book XII, or of the books before it: (characters,)."""
    places = {character: place for place, character in enumerate(verse_characters())}
    return np.array([places[c] for c in read_verse()[kept]], dtype=np.int64)


def draw_verse(rng: np.random.Generator, size: int, length: int, kept: bool) -> IntArray:
    """Passages that start anywhere: (size, length).

    Args:
        rng: of the places.
        size, length: how many, and of how many characters.
        kept: from Book XII, or from the books before it.
    """
    tokens = verse_tokens(kept)
    starts = rng.integers(len(tokens) - length + 1, size=size)
    return tokens[starts[:, None] + np.arange(length)]  # (B, 1) + (L,) -> (B, L)


def verse_entropy() -> float:
    """−Σ p ln p over the characters of Books I to XI, in nats.

    >>> round(verse_entropy(), 2)
    3.13
    """
    counts: NDArray[np.int64] = np.bincount(verse_tokens(kept=False))
    p = counts[counts > 0] / counts.sum()  # (V,)
    return -float(p @ np.log(p))  # (V,) @ (V,) -> ()
