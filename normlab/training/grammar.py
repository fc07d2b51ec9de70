"""English-like text without end, written by a small probabilistic grammar.

The verb agrees with its subject in number, also across a phrase or a clause that stands between
them, so there is something to learn from far back as well as from the last letters.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Rule = tuple[float, str]

GRAMMAR: Mapping[str, tuple[Rule, ...]] = {
    "TEXT": ((0.7, "CLAUSE. "), (0.2, "CLAUSE, and CLAUSE. "), (0.1, "TIME CLAUSE. ")),
    "CLAUSE": ((0.5, "ONE DOES"), (0.5, "MANY DO")),
    "TIME": ((0.4, "at night"), (0.3, "in spring"), (0.3, "before noon")),
    "ONE": ((0.6, "a NOUN"), (0.2, "the NOUN PLACE"), (0.2, "the NOUN that DOES")),
    "MANY": ((0.6, "two NOUNs"), (0.2, "the NOUNs PLACE"), (0.2, "the NOUNs that DO")),
    "DOES": ((0.5, "VERBs"), (0.5, "SEEs OBJECT")),
    "DO": ((0.5, "VERB"), (0.5, "SEE OBJECT")),
    "OBJECT": ((0.5, "the NOUN"), (0.3, "the ADJECTIVE NOUN"), (0.2, "MANY")),
    "PLACE": ((0.5, "near OBJECT"), (0.5, "by OBJECT")),
    "NOUN": (
        (0.25, "cat"), (0.2, "bird"), (0.15, "river"), (0.15, "queen"), (0.15, "robot"),
        (0.1, "lizard"),
    ),
    "VERB": ((0.4, "sleep"), (0.3, "sing"), (0.2, "jump"), (0.1, "vow")),
    "SEE": ((0.4, "love"), (0.3, "find"), (0.3, "hear")),
    "ADJECTIVE": ((0.4, "old"), (0.3, "quick"), (0.3, "grey")),
}  # fmt: skip
"""By symbol, what it is rewritten to and how likely. Symbols are in capitals, text is not."""

_PARTS = re.compile(r"[A-Z]+|[^A-Z]+")
_RULES = {
    symbol: (np.cumsum([p for p, _ in rules]).tolist(), [_PARTS.findall(t) for _, t in rules])
    for symbol, rules in GRAMMAR.items()
}
_TEXTS = "".join(text for rules in GRAMMAR.values() for _, text in rules)
CHARACTERS = "".join(sorted(set(re.sub("[A-Z]", "", _TEXTS))))
"""Every character that the grammar can write; a character's token is its place here."""
_TOKENS = {character: token for token, character in enumerate(CHARACTERS)}


def write_text(rng: np.random.Generator, length: int) -> str:
    """The first `length` characters of sentence after sentence.

    >>> write_text(np.random.default_rng(0), 60)
    'a cat hears the grey river. before noon the cat that loves t'
    """
    text: list[str] = []
    written = 0
    while written < length:
        sentence = "".join(_rewrite("TEXT", rng))
        text.append(sentence)
        written += len(sentence)
    return "".join(text)[:length]


def _rewrite(part: str, rng: np.random.Generator) -> Iterator[str]:
    if part not in _RULES:
        yield part
        return
    cumulative, choices = _RULES[part]
    chosen = min(bisect(cumulative, rng.random()), len(choices) - 1)
    for child in choices[chosen]:
        yield from _rewrite(child, rng)


def encode(text: str) -> IntArray:
    """Each character's place in `CHARACTERS`: a string of T -> (T,).

    Raises:
        ValueError: if the grammar never writes a character of it.

    >>> encode(" a").tolist()
    [0, 3]
    """
    unknown = set(text) - set(CHARACTERS)
    if unknown:
        raise ValueError(
            f"the text has {''.join(sorted(unknown))!r}; expected the characters "
            f"{CHARACTERS!r} alone, as `write_text` writes them."
        )
    return np.array([_TOKENS[c] for c in text], dtype=np.int64)


def decode(tokens: Iterable[int]) -> str:
    """The text of tokens.

    >>> decode(encode("a cat sleeps. "))
    'a cat sleeps. '
    """
    return "".join(CHARACTERS[token] for token in tokens)


@cache
def character_frequencies() -> NDArray[np.float64]:
    """How often the grammar writes each of `CHARACTERS`, exactly: (V,), of sum 1.

    The expected counts n(S) of the characters in what a symbol S is rewritten to obey
    n(S) = Σ_rules p Σ_parts n(part). From n = 0 the iteration counts deeper and deeper texts; it
    converges since a text has a finite expected length.
    """
    counts = {part: np.zeros(len(CHARACTERS)) for part in _RULES}
    for texts in (parts for _, choices in _RULES.values() for parts in choices):
        for part in set(texts) - _RULES.keys():
            counts[part] = np.bincount(encode(part), minlength=len(CHARACTERS)).astype(float)
    for _ in range(100):
        for symbol, rules in GRAMMAR.items():
            expected = [p * counts[part] for p, text in rules for part in _PARTS.findall(text)]
            counts[symbol] = np.sum(expected, axis=0)  # over rules and parts: (parts, V) -> (V,)
    return counts["TEXT"] / counts["TEXT"].sum()  # (V,)


def unigram_entropy() -> float:
    """−Σ p ln p over the characters, in nats: the best loss of a guess that reads nothing.

    >>> f"{unigram_entropy():.3f} of {np.log(len(CHARACTERS)):.3f}"
    '2.850 of 3.332'
    """
    p = character_frequencies()
    return -float(p @ np.log(p))  # (V,) @ (V,) -> ()
