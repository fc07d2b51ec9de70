"""Small tasks to train on: streams of batches without end, the same for the same seed.

| task | what the model reads and says | chance: loss of guessing without reading |
|---|---|---|
| `copy` | symbols, then the same symbols | ln V |
| `sort` | symbols, then the same symbols in order | mean entropy of the order statistics |
| `recall` | pairs of key and value, then the keys again, each with its value | ln(V − ⌊V/2⌋) |
| `successor` | each token is (5·token + 3) mod V of the one before | ln V |
| `characters` | English-like text of the `grammar` | entropy of its single characters |
| `verse` | passages of `Paradise Lost` | entropy of its single characters |

Every batch but those of `verse` is new, so the training loss is the loss on unseen data too;
`verse` keeps a book for that. Batch t of a seed is the same whatever came before it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from normlab.training import verse
from normlab.training.grammar import CHARACTERS, IntArray, encode, unigram_entropy, write_text

MULTIPLIER, INCREMENT = 5, 3
UNSEEN = 2**32
"""A seed that no run has."""


@dataclass(frozen=True)
class Batch:
    """What a model reads, what it should say, and where that counts.

    Shape:
        inputs, targets, mask (B, T); `source` (B, S) for a model with an encoder and a decoder,
        else None. `mask` is True where the target counts.
    """

    inputs: IntArray
    targets: IntArray
    mask: NDArray[np.bool_]
    source: IntArray | None = None


@dataclass(frozen=True)
class Task:
    """A stream of batches without end, one for each seed.

    Args:
        name: in `TASKS`.
        vocab_size: tokens are in range(vocab_size), inputs and targets alike.
        chance: mean loss, in nats, of the best guess that knows the position and reads nothing.
        draw: `draw(rng, size)` makes a batch of `size` sequences.
        draw_unseen: the same of what no batch has; None where every batch is new.
    """

    name: str
    vocab_size: int
    chance: float
    draw: Callable[[np.random.Generator, int], Batch]
    draw_unseen: Callable[[np.random.Generator, int], Batch] | None = None

    def batch(self, size: int, seed: int, step: int) -> Batch:
        """Batch number `step` of the stream of that seed."""
        return self.draw(np.random.default_rng([seed, step]), size)

    def unseen_batch(self, size: int) -> Batch:
        """A batch that no training run has seen, the same at each call."""
        return (self.draw_unseen or self.draw)(np.random.default_rng(UNSEEN), size)


def make_task(
    name: str, tokens: int = 16, vocab_size: int = 16, encoder_decoder: bool = False
) -> Task:
    """The task of that name.

    Args:
        name: "copy", "sort", "recall", "successor", "characters" or "verse".
        tokens: T, the length of the inputs, of the source too.
        vocab_size: V; `characters` and `verse` ignore it and have one token a character.
        encoder_decoder: whether a source goes to an encoder and the answer comes from a decoder;
            for `copy` and `sort`.

    Raises:
        ValueError: if there is no such task, or it cannot have these sizes.

    Example:
        >>> task = make_task("copy", tokens=6, vocab_size=10)
        >>> batch = task.batch(size=1, seed=0, step=0)
        >>> batch.inputs, batch.targets[batch.mask]
        (array([[8, 6, 5, 0, 8, 6]]), array([8, 6, 5]))
    """
    if name not in TASKS:
        raise ValueError(f"task is {name!r}; expected one of {', '.join(TASKS)}.")
    if tokens < 2 or vocab_size < 2:
        raise ValueError(
            f"got {tokens} tokens and a vocabulary of {vocab_size}; expected at least 2 of each."
        )
    if not encoder_decoder:
        return TASKS[name](tokens, vocab_size)
    if name not in _ANSWERS:
        raise ValueError(
            f"the task {name!r} has no source for an encoder; expected "
            f"{' or '.join(_ANSWERS)} for a model with an encoder and a decoder, or set "
            "encoder_layers to 0."
        )
    return _translation(name, tokens, vocab_size)


def _sorted(symbols: IntArray) -> IntArray:
    return np.sort(symbols, axis=1)  # along the tokens: (B, T) -> (B, T)


_ANSWERS: dict[str, Callable[[IntArray], IntArray]] = {"copy": np.copy, "sort": _sorted}


def _answer_chance(name: str, symbols: int, vocab_size: int) -> float:
    return sort_chance(symbols, vocab_size) if name == "sort" else math.log(vocab_size)


def _question_and_answer(name: str, tokens: int, vocab_size: int) -> Task:
    """`tokens`/2 symbols, a 0, and the answer; the loss counts in the answer alone."""
    if tokens % 2:
        raise ValueError(
            f"the task {name!r} got {tokens} tokens; expected an even number, half of them for "
            f"the question: {tokens - 1} or {tokens + 1}."
        )
    half = tokens // 2

    def draw(rng: np.random.Generator, size: int) -> Batch:
        symbols = rng.integers(vocab_size, size=(size, half))
        gap = np.zeros((size, 1), dtype=np.int64)
        whole = np.concatenate([symbols, gap, _ANSWERS[name](symbols)], axis=1)  # (B, T+1)
        return _next_token(whole, counts=np.arange(tokens) >= half)

    return Task(name, vocab_size, _answer_chance(name, half, vocab_size), draw)


def _translation(name: str, tokens: int, vocab_size: int) -> Task:
    """The question to the encoder; the decoder reads a 0 and the answer so far."""

    def draw(rng: np.random.Generator, size: int) -> Batch:
        source = rng.integers(vocab_size, size=(size, tokens))
        start = np.zeros((size, 1), dtype=np.int64)
        whole = np.concatenate([start, _ANSWERS[name](source)], axis=1)  # (B, T+1)
        batch = _next_token(whole, counts=np.ones(tokens, dtype=np.bool_))
        return Batch(batch.inputs, batch.targets, batch.mask, source)

    return Task(name, vocab_size, _answer_chance(name, tokens, vocab_size), draw)


def _next_token(whole: IntArray, counts: NDArray[np.bool_]) -> Batch:
    """Inputs and targets from (B, T+1) tokens; `counts` (T,) holds for every sequence."""
    inputs, targets = whole[:, :-1], whole[:, 1:]
    return Batch(inputs, targets, np.broadcast_to(counts, inputs.shape))


def _recall(tokens: int, vocab_size: int) -> Task:
    """Keys are the lower half of the vocabulary, values the upper; no key comes twice."""
    pairs, keys = tokens // 4, vocab_size // 2
    if tokens % 4 or pairs > keys:
        raise ValueError(
            f"the task 'recall' got {tokens} tokens and a vocabulary of {vocab_size}; expected "
            f"tokens in fours (two for a pair, two to ask for it) and at most {keys} pairs, since "
            "each needs a key of its own from the lower half of the vocabulary."
        )

    def draw(rng: np.random.Generator, size: int) -> Batch:
        shown = rng.permuted(np.tile(np.arange(keys), (size, 1)), axis=1)[:, :pairs]
        values = rng.integers(keys, vocab_size, size=(size, pairs))
        asked = rng.permuted(np.tile(np.arange(pairs), (size, 1)), axis=1)
        rows = np.arange(size)[:, None]
        told = np.stack([shown, values], axis=2)  # (B, P, 2)
        whole = np.concatenate([told, told[rows, asked]], axis=1)  # (B, 2P, 2)
        inputs = whole.reshape(size, tokens)  # (B, 2P, 2) -> (B, T)
        targets = np.roll(inputs, -1, axis=1)
        places = np.arange(tokens)
        counts = (places >= 2 * pairs) & (places % 2 == 0)  # (T,): at the keys that ask
        return Batch(inputs, targets, np.broadcast_to(counts, inputs.shape))

    return Task("recall", vocab_size, math.log(vocab_size - keys), draw)


def _successor(tokens: int, vocab_size: int) -> Task:
    """The first token is drawn, the others follow; every token is as frequent as any other."""
    if math.gcd(MULTIPLIER, vocab_size) != 1:
        raise ValueError(
            f"the task 'successor' got a vocabulary of {vocab_size}, in which two tokens can "
            f"have one successor; expected a size that {MULTIPLIER} does not divide."
        )

    def draw(rng: np.random.Generator, size: int) -> Batch:
        whole = np.empty((size, tokens + 1), dtype=np.int64)
        whole[:, 0] = rng.integers(vocab_size, size=size)
        for place in range(tokens):
            whole[:, place + 1] = (MULTIPLIER * whole[:, place] + INCREMENT) % vocab_size
        return _next_token(whole, counts=np.ones(tokens, dtype=np.bool_))

    return Task("successor", vocab_size, math.log(vocab_size), draw)


def _characters(tokens: int, vocab_size: int) -> Task:
    """One text a batch, cut into sequences."""

    def draw(rng: np.random.Generator, size: int) -> Batch:
        text = encode(write_text(rng, size * (tokens + 1)))
        whole = text.reshape(size, tokens + 1)  # (B·(T+1),) -> (B, T+1)
        return _next_token(whole, counts=np.ones(tokens, dtype=np.bool_))

    return Task("characters", len(CHARACTERS), unigram_entropy(), draw)


def _verse(tokens: int, vocab_size: int) -> Task:
    """Passages of a real text, which start anywhere in it."""
    longest = len(verse.verse_tokens(kept=True)) - 1
    if tokens > longest:
        raise ValueError(
            f"the task 'verse' got {tokens} tokens; expected at most {longest}, since the book "
            "that is kept for measuring is no longer."
        )

    def draw(rng: np.random.Generator, size: int, kept: bool = False) -> Batch:
        whole = verse.draw_verse(rng, size, tokens + 1, kept)
        return _next_token(whole, counts=np.ones(tokens, dtype=np.bool_))

    vocabulary = len(verse.verse_characters())
    return Task("verse", vocabulary, verse.verse_entropy(), draw, partial(draw, kept=True))


TASKS: dict[str, Callable[[int, int], Task]] = {
    "copy": lambda tokens, vocab_size: _question_and_answer("copy", tokens, vocab_size),
    "sort": lambda tokens, vocab_size: _question_and_answer("sort", tokens, vocab_size),
    "recall": _recall,
    "successor": _successor,
    "characters": _characters,
    "verse": _verse,
}


def sort_chance(symbols: int, vocab_size: int) -> float:
    """Mean entropy, in nats, of the k-th smallest of n uniform symbols, over k = 1 … n.

    P(X₍k₎ ≤ v) = Σ_{j ≥ k} C(n, j) F^j (1 − F)^{n−j}, where F = (v + 1)/V. David and Nagaraja
    2003, Order Statistics, Eq. 2.1.3.

    >>> round(sort_chance(1, 16) - math.log(16), 12)
    0.0
    """
    total = 0.0
    shares = [(v + 1) / vocab_size for v in range(vocab_size)]
    for k in range(1, symbols + 1):
        below = 0.0
        for share in shares:
            upto = sum(
                math.comb(symbols, j) * share**j * (1 - share) ** (symbols - j)
                for j in range(k, symbols + 1)
            )
            total -= _plogp(upto - below)
            below = upto
    return total / symbols


def _plogp(p: float) -> float:
    return p * math.log(p) if p > 0 else 0.0
