"""What the learner says of the claims, as it is kept in the record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from normlab.claims.seed import check_number, sentences
from normlab.record import Bet, Mark, open_record


@dataclass(frozen=True)
class Marked:
    """The first and the last mark on a claim; one mark is both."""

    first: Mark
    last: Mark


@dataclass(frozen=True)
class Placed:
    """The first and the last bet on a claim; one bet is both. The first one counts."""

    first: Bet
    last: Bet


@dataclass(frozen=True)
class Marks:
    """What was said of each claim.

    Args:
        claims: by number; those without a mark are left out.
        bets: by number; those without a bet are left out.
        notice: what the learner should know about the record, "" if nothing.
    """

    claims: Mapping[int, Marked]
    bets: Mapping[int, Placed] = field(default_factory=lambda: MappingProxyType({}))
    notice: str = ""

    @property
    def words(self) -> dict[int, str]:
        """The last word on each claim."""
        return {number: marked.last.word for number, marked in self.claims.items()}

    @property
    def first_bets(self) -> dict[int, Bet]:
        """The bet that counts on each claim."""
        return {number: placed.first for number, placed in self.bets.items()}


def my_marks() -> Marks:
    """What you said of the claims so far, from your record.

    >>> my_marks().claims
    {}
    """
    with open_record() as record:
        history = record.history()
    known = sentences()
    claims = {n: Marked(m[0], m[-1]) for n, m in history.marks.items() if n in known}
    bets = {n: Placed(b[0], b[-1]) for n, b in history.bets.items() if n in known}
    return Marks(claims, bets, history.notice)


def my_bets() -> dict[int, Bet]:
    """The bet that counts on each claim, the first, from your record.

    >>> my_bets()
    {}
    """
    return my_marks().first_bets


def keep_mark(number: object, word: str) -> str:
    """Keep a mark in the record; return what the learner should know of it, "" if nothing.

    Raises:
        ValueError: if there is no such claim, or no such word in `normlab.record.MARKS`.
    """
    with open_record() as record:
        return record.marked(check_number(number, sentences()), word)


def keep_bet(number: object, word: str, percent: int) -> str:
    """Keep a bet in the record; return what the learner should know of it, "" if nothing.

    Raises:
        ValueError: if there is no such claim, no such verdict, or no such level in
            `normlab.record.LEVELS`.
    """
    with open_record() as record:
        return record.bet(check_number(number, sentences()), word, percent)
