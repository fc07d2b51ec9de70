"""Bets on the claims: what each has won, and whether as much came true as was said.

Nothing here needs torch: the verdicts are read from the ledger that comes with the package.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from normlab.claims.seed import LEDGER
from normlab.record import LEVELS, Bet, Verdict
from normlab.tools.table import Table

VERDICTS = 4
MOST = max(LEVELS)


def bits(percent: float, right: bool) -> float:
    r"""What a bet wins over a guess, in bits.

    The bet gives a verdict the probability p, and the other three of the four share the rest. With
    q the probability that it gave to the verdict that is the case, it wins $\log_2(q / \tfrac14)$:

    - right: $\log_2(p / \tfrac14)$;
    - wrong: $\log_2\bigl(\tfrac{1 - p}{3} / \tfrac14\bigr) = \log_2((1 - p) / \tfrac34)$.

    That is the logarithmic score of Good 1952, "Rational Decisions", J. R. Stat. Soc. B 14,
    107–114, counted from a guess: whoever says 25 % wins and loses nothing. It is proper: nobody
    expects more from saying another p than the one that they believe.

    Args:
        percent: 100 p.
        right: whether the verdict was right.

    Raises:
        ValueError: unless 0 < percent < 100: of a certainty that is wrong nothing would be left.

    >>> bits(50, right=True), round(bits(50, right=False), 2)
    (1.0, -0.58)
    """
    if not 0 < percent < 100:
        raise ValueError(f"a bet says {percent} %; expected a number between 0 and 100.")
    p = percent / 100
    return math.log2(p / (1 / VERDICTS) if right else (1 - p) / (1 - 1 / VERDICTS))


def expected_bits(percent: float, share: float) -> float:
    """What a bet wins on average, if a share of such bets is right.

    Raises:
        ValueError: unless 0 < percent < 100 and 0 ≤ share ≤ 1.

    >>> expected_bits(50, share=0.9) < expected_bits(90, share=0.9) > expected_bits(99, share=0.9)
    True
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share that is right is {share}; expected a number from 0 to 1.")
    return share * bits(percent, right=True) + (1 - share) * bits(percent, right=False)


def bet_table(share: float) -> Table:
    """What each level wins, loses, and wins on average if a share of such bets is right.

    Raises:
        ValueError: unless 0 ≤ share ≤ 1.

    >>> bet_table(0.6).rows[2]
    ('75 %', '+1.58', '−1.58', '+0.32')
    """
    rows = [
        (f"{p} %", *map(signed, (bits(p, True), bits(p, False), expected_bits(p, share))))
        for p in LEVELS
    ]
    return Table(
        ("how sure", "right", "wrong", f"bits per bet, if {100 * share:g} % are right"), rows
    )


def signed(value: float, digits: int = 2) -> str:
    """A number of bits with its sign.

    >>> signed(-1.585), signed(91.33, digits=1), signed(0.0)
    ('−1.58', '+91.3', '0.00')
    """
    sign = "+" if round(value, digits) else ""
    return f"{value:{sign}z.{digits}f}".replace("-", "−")


@dataclass(frozen=True)
class Level:
    """What came of the bets of one level.

    Args:
        percent: how sure they were.
        bets: how many there are.
        right: how many of them are right.
    """

    percent: int
    bets: int
    right: int

    @property
    def share(self) -> float:
        """The share that is right, from 0 to 1; nan without a bet."""
        return self.right / self.bets if self.bets else math.nan


@dataclass(frozen=True)
class Score:
    """What a learner's bets have won.

    Args:
        bets: the one that counts on each claim, the first, by number.
    """

    bets: Mapping[int, Bet]

    @property
    def bits(self) -> float:
        """Won over a guess on each of those claims."""
        return sum(bits(bet.percent, is_right(number, bet)) for number, bet in self.bets.items())

    @property
    def most(self) -> float:
        """What whoever knows all of those verdicts and says so wins."""
        return len(self.bets) * bits(MOST, right=True)

    @property
    def days(self) -> tuple[datetime, datetime]:
        """Of the first and of the last of these bets.

        Raises:
            ValueError: if there is none.
        """
        times = sorted(bet.time for bet in self.bets.values())
        if not times:
            raise ValueError("there is no bet yet, so it has no day; expected at least one.")
        return times[0], times[-1]

    def levels(self) -> list[Level]:
        """What came of the bets of each of `LEVELS`."""
        found = []
        for percent in LEVELS:
            made = [(n, bet) for n, bet in self.bets.items() if bet.percent == percent]
            found.append(Level(percent, len(made), sum(is_right(n, bet) for n, bet in made)))
        return found

    def calibration(self) -> Table:
        """One row per level with bets: what was said beside what came true."""
        rows = [
            (f"{level.percent} %", level.bets, level.right, f"{100 * level.share:.0f} %")
            for level in self.levels()
            if level.bets
        ]
        return Table(("you said", "bets", "right", "share right"), rows)

    def sentence(self) -> str:
        """How many bets there are, and what they have won; "" if there is none."""
        if not self.bets:
            return ""
        first, last = (f"{time.astimezone():%Y-%m-%d}" for time in self.days)
        when = f"on {first}" if first == last else f"from {first} to {last}"
        count = "1 bet" if len(self.bets) == 1 else f"{len(self.bets)} bets"
        return (
            f"{count}, {when}: {signed(self.bits, 1)} bits. A guess on each wins 0, and {MOST} % "
            f"on each, all of them right, {signed(self.most, 1)}."
        )


def is_right(number: int, bet: Bet) -> bool:
    """Whether a bet is on the course's verdict."""
    return bet.word == verdicts()[number]


@cache
def verdicts() -> Mapping[int, Verdict]:
    """The course's verdict on each claim, by its number.

    >>> verdicts()[25]
    'wrong'
    """
    stored = json.loads(LEDGER.read_text(encoding="utf-8"))
    return {claim["number"]: claim["verdict"] for claim in stored["claims"]}
