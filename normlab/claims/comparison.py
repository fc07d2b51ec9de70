"""What the learner said of the claims, and bet on it, beside what the course says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from types import MappingProxyType

from normlab.claims.bets import Score
from normlab.claims.catalogue import CLAIMS, THEMES, find_claim, theme_of
from normlab.claims.claim import VERDICTS
from normlab.claims.marks import Marked, my_marks
from normlab.record import MARKS, Bet, Mark
from normlab.tools.table import Table

ALL = "all themes"


@dataclass(frozen=True)
class Comparison:
    """Marks and verdicts side by side, and what the bets have won.

    Args:
        marked: the first and the last mark on each claim that has one, by number.
        bets: the first bet on each claim that has one, by number.
        notice: what the record says of itself.
    """

    marked: Mapping[int, Marked]
    bets: Mapping[int, Bet] = field(default_factory=lambda: MappingProxyType({}))
    notice: str = ""

    @property
    def score(self) -> Score:
        """What the bets have won, and how often each level was right."""
        return Score(self.bets)

    def counts(self) -> dict[str, dict[str, int]]:
        """How many claims with each last word have each verdict: 5 × 4 numbers."""
        pairs = [(m.last.word, find_claim(n).verdict) for n, m in self.marked.items()]
        return {word: {v: pairs.count((word, v)) for v in VERDICTS} for word in MARKS}

    def same(self, first: bool = False) -> int:
        """On how many claims the last mark, or the first one, is the course's verdict."""
        words = {n: (m.first if first else m.last).word for n, m in self.marked.items()}
        return sum(word == find_claim(number).verdict for number, word in words.items())

    def sentence(self) -> str:
        """How many claims are marked, and how many as the course judges them."""
        made, all_of_them = len(self.marked), len(CLAIMS)
        if not made:
            return f"None of the {all_of_them} claims is marked."
        return (
            f"You marked {made} of {all_of_them} claims. Your first mark is the course's verdict "
            f"on {self.same(first=True)} of them, your last mark on {self.same()}."
        )

    def matrix(self) -> Table:
        """One row per theme and last word of yours that occurs, one column per verdict."""
        pairs = [(n, m.last.word) for n, m in self.marked.items()]
        rows: list[list[object]] = []
        for theme in (*THEMES, ALL):
            own = [(n, word) for n, word in pairs if theme in (theme_of(n), ALL)]
            rows += _rows_of(theme, own)
        return Table(("theme", "you \\ the course", *VERDICTS), rows)

    def differences(self) -> Table:
        """The claims on which your last mark and the verdict differ."""
        columns = ("", "the seed", "your first mark", "your last mark", "the course")
        return Table(columns, [
            [n, find_claim(n).quote, _said(m.first), _said(m.last), find_claim(n).ruling]
            for n, m in sorted(self.marked.items())
            if m.last.word != find_claim(n).verdict
        ])  # fmt: skip

    def _parts(self) -> list[str | Table]:
        parts: list[str | Table] = [self.sentence(), self.notice, self.score.sentence()]
        if self.bets:
            parts.append(self.score.calibration())
        if self.marked:
            parts += [self.matrix(), "Where you and the course differ:", self.differences()]
        return [part for part in parts if part]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self._parts()))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "\n".join(
            part._repr_html_() if isinstance(part, Table) else f"<p>{escape(part)}</p>"
            for part in self._parts()
        )


def compare_marks() -> Comparison:
    """Your marks beside the course's verdicts, and what your bets have won.

    >>> print(compare_marks())
    None of the 46 claims is marked.
    """
    marks = my_marks()
    return Comparison(marks.claims, marks.first_bets, marks.notice)


def _rows_of(theme: str, pairs: Sequence[tuple[int, str]]) -> list[list[object]]:
    """One row per word that occurs; the first one names the theme."""
    told = [(word, find_claim(number).verdict) for number, word in pairs]
    words = [word for word in MARKS if any(word == said for said, _ in told)]
    counts = {word: [told.count((word, verdict)) or "·" for verdict in VERDICTS] for word in words}
    return [[theme if word == words[0] else "", word, *counts[word]] for word in words]


def _said(mark: Mark) -> str:
    return f"{mark.word}, {mark.time.astimezone():%Y-%m-%d}"
