"""What the learner says of the claims, as it is kept in the record."""

from collections.abc import Mapping
from dataclasses import dataclass

from normlab.claims.seed import check_number, sentences
from normlab.record import Mark, open_record


@dataclass(frozen=True)
class Marked:
    """The first and the last mark on a claim; one mark is both."""

    first: Mark
    last: Mark


@dataclass(frozen=True)
class Marks:
    """What was said of each claim.

    Args:
        claims: by number; those without a mark are left out.
        notice: what the learner should know about the record, "" if nothing.
    """

    claims: Mapping[int, Marked]
    notice: str = ""

    @property
    def words(self) -> dict[int, str]:
        """The last word on each claim."""
        return {number: marked.last.word for number, marked in self.claims.items()}


def my_marks() -> Marks:
    """What you said of the claims so far, from your record.

    >>> my_marks().claims
    {}
    """
    with open_record() as record:
        history = record.history()
    known = {n: Marked(m[0], m[-1]) for n, m in history.marks.items() if n in sentences()}
    return Marks(known, history.notice)


def keep_mark(number: object, word: str) -> str:
    """Keep a mark in the record; return what the learner should know of it, "" if nothing.

    Raises:
        ValueError: if there is no such claim, or no such word in `normlab.record.MARKS`.
    """
    with open_record() as record:
        return record.marked(check_number(number, sentences()), word)
