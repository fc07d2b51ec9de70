"""Running claims: one result each, and the ledger of many."""

import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from normlab.claims.bets import bits, signed
from normlab.claims.catalogue import CLAIMS, find_claim, theme_of
from normlab.claims.claim import KINDS, VERDICTS, Claim, Finding, NotRun
from normlab.record import MARKS, Bet, Verdict
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import made_by
from normlab.tools.table import Table
from normlab.tools.timing import one_thread


@dataclass(frozen=True)
class Result:
    """A claim, what its experiment found, and how long that took.

    Args:
        claim, finding: the two.
        seconds: of the experiment; 0 if it was not run.
    """

    claim: Claim
    finding: Finding
    seconds: float

    def table(self) -> Table:
        """One row per measure."""
        return self.finding.table()

    def __str__(self) -> str:
        claim, finding = self.claim, self.finding
        return "\n".join(
            [
                f"Claim {claim.number}, {theme_of(claim.number)}: {finding.status}",
                f"The seed:  “{claim.quote}”",
                f"Verdict:   {claim.ruling}",
                f"Precisely: {claim.statement}",
                f"Kind:      {KINDS[claim.kind]}",
                f"Found:     {finding.sentence}",
                f"Scale:     {claim.scale}",
                f"Source:    {claim.source}; chapter {claim.chapter}",
                *(["", str(self.table())] if finding.measures else []),
            ]
        )

    __repr__ = __str__

    def as_json(self) -> dict[str, Any]:
        """For machines: plain numbers and texts."""
        claim, finding = self.claim, self.finding
        return {
            "number": claim.number,
            "theme": theme_of(claim.number),
            "kind": claim.kind,
            "quote": claim.quote,
            "verdict": claim.verdict,
            "ruling": claim.ruling,
            "statement": claim.statement,
            "status": finding.status,
            "passed": finding.passed,
            "figures": [
                {
                    "name": m.name,
                    "value": float(m.value),
                    "low": m.low if math.isfinite(m.low) else None,
                    "high": m.high if math.isfinite(m.high) else None,
                    "holds": m.holds,
                    "because": m.why,
                }
                for m in finding.measures
            ],
            "sentence": finding.sentence,
            "missing": finding.missing,
            "scale": claim.scale,
            "source": claim.source,
            "chapter": claim.chapter,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Ledger:
    """Results of several claims, in their order."""

    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Whether at least one experiment was run, and none that was run fails."""
        statuses = Counter(result.finding.status for result in self.results)
        return statuses["passes"] > 0 and statuses["fails"] == 0

    def summary(self) -> str:
        """How many passed, failed and were not run, by kind, a line for each."""
        lines = [f"{len(self.results)} claims"]
        for kind, meaning in KINDS.items():
            of_kind = [r.finding.status for r in self.results if r.claim.kind == kind]
            counts = [f"{count} {status}" for status, count in sorted(Counter(of_kind).items())]
            lines += [f"{meaning}: {', '.join(counts)}"] if counts else []
        return "\n".join(lines)

    def kinds(self) -> Table:
        """One row per kind of claim, one column per verdict: what the verdicts rest on."""
        rows: list[list[object]] = []
        for kind, meaning in KINDS.items():
            claims = [result.claim for result in self.results if result.claim.kind == kind]
            statuses = Counter(r.finding.status for r in self.results if r.claim.kind == kind)
            told = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
            rows.append([kind, meaning, *count_verdicts(claims).values(), told])
        return Table(("kind", "the verdict is", *VERDICTS, "experiments"), rows)

    def table(self) -> Table:
        """One row per claim."""
        rows = [
            [r.claim.number, shorten(r.claim.quote), r.claim.ruling, r.claim.kind,
             r.finding.headline, r.finding.status]
            for r in self.results
        ]  # fmt: skip
        return Table(("", "the seed", "verdict", "kind", "found", "experiment"), rows)

    def terminal_table(self) -> Table:
        """One row per claim, short enough for a terminal, with its first source."""
        rows = [
            [
                r.claim.number,
                shorten(r.claim.quote, 36),
                r.claim.verdict,
                r.claim.kind,
                shorten(r.finding.headline, 40),
                r.finding.status,
                shorten(r.claim.source.split(";")[0], 40),
            ]
            for r in self.results
        ]
        columns = ("", "the seed", "verdict", "kind", "found", "experiment", "source")
        return Table(columns, rows)

    def scales(self) -> Table:
        """One row per claim: what was run, and whose result it is."""
        rows = [[r.claim.number, r.claim.scale, r.claim.source] for r in self.results]
        return Table(("", "what was run", "source"), rows)

    def against(self, mine: Mapping[int, str], bets: Mapping[int, Bet] | None = None) -> Table:
        """Your words and bets beside the verdicts of the course and what was measured.

        Where you gave no word, "?" or nothing, the course's and the numbers are kept back, and
        where there are bets to be placed also where you placed none.

        Args:
            mine: your word on each claim, by its number.
            bets: the bet that counts on each claim, as `my_bets` gives them; None: nobody bets.

        Raises:
            ValueError: if a word is unknown.
        """
        known = (*MARKS, "?")
        for number, word in mine.items():
            if word not in known:
                raise ValueError(
                    f"your word on claim {number} is {word!r}; expected one of {known}."
                )
        rows = [_row(result, mine.get(result.claim.number, "?"), bets) for result in self.results]
        columns = (
            "", "you", "your bet", "the course", "your word the same", "bits", "measured here",
            "experiment",
        )  # fmt: skip
        return Table(columns, rows)

    def as_json(self, command: str = "normlab claims --json") -> str:
        """All results, with what made them; each experiment names its seeds itself."""
        made = {**made_by(command), "seed": "fixed in each experiment"}
        return json.dumps(
            {"made": made, "claims": [result.as_json() for result in self.results]},
            ensure_ascii=False,
            indent=1,
        )


def run_claim(number: int) -> Result:
    """Run one claim's experiment, on one thread. The same on every run: seeds are fixed.

    The state of torch's own generator is afterwards what it was.

    Raises:
        ValueError: if there is no such claim.

    >>> result = run_claim(29)
    >>> result.finding.passed, result.finding.headline
    (True, 'its gain on the shortcut, in the norm: 3.6')
    """
    claim = find_claim(number)
    start = time.perf_counter()
    with one_thread(), torch.random.fork_rng(devices=[]):  # modules of torch draw from its own
        try:
            finding = claim.experiment()
        except NotRun as reason:
            return Result(claim, Finding((), f"not run: {reason}", missing=str(reason)), 0.0)
    return Result(claim, finding, time.perf_counter() - start)


def run_claims(numbers: Iterable[int] | None = None) -> Ledger:
    """Run several claims, or all, with a progress bar.

    Raises:
        ValueError: if there is no such claim; then none is run.
    """
    chosen = [claim.number for claim in CLAIMS] if numbers is None else list(numbers)
    for number in chosen:
        find_claim(number)
    return Ledger(tuple(run_claim(number) for number in progress_bar(chosen, "claims")))


def count_verdicts(claims: Iterable[Claim] = CLAIMS) -> dict[Verdict, int]:
    """How many claims have each verdict.

    >>> sum(count_verdicts().values()) == len(CLAIMS)
    True
    """
    counts = Counter(claim.verdict for claim in claims)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def shorten(text: str, most: int = 58) -> str:
    """The first words of a text, with … if some are left out.

    >>> shorten("Works with batch size 1", 12)
    'Works with …'
    """
    if len(text) <= most:
        return text
    return text[: most - 1].rsplit(" ", 1)[0] + " …"


def _row(result: Result, mine: str, bets: Mapping[int, Bet] | None) -> list[object]:
    claim, finding = result.claim, result.finding
    if bets is not None and claim.number not in bets:
        return [claim.number, mine, "no bet yet", *[""] * 5]
    if mine == "?":
        return [claim.number, "no verdict given", *[""] * 6]
    same = "yes" if mine == claim.verdict else "no"
    bet = bets[claim.number] if bets else None
    placed, won = ("", "") if bet is None else (f"{bet.word}, {bet.percent} %", _won(claim, bet))
    return [
        claim.number, mine, placed, claim.ruling, same, won, finding.headline, finding.status
    ]  # fmt: skip


def _won(claim: Claim, bet: Bet) -> str:
    return signed(bits(bet.percent, bet.word == claim.verdict))
