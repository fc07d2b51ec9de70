"""What an audit found: a line for each check, and what is wrong in words."""

import math
from dataclasses import dataclass
from typing import Literal

from normlab.checks.diagnosis import Fault
from normlab.tools.table import Table

Verdict = Literal["as good as torch's", "worse than torch's", "refused", "wrong"]
ORDER: tuple[Verdict, ...] = ("as good as torch's", "worse than torch's", "refused", "wrong")
"""From the best to the worst."""
CONFORMANT = ORDER[:2]


@dataclass(frozen=True)
class Line:
    """One check.

    Attributes:
        check: its name, for programs.
        title: its name, for readers.
        verdict: one of `ORDER`.
        ulps: the greatest error in units of the last place; inf where numbers are missing.
        torch_ulps: that of torch's own norm on the same input.
        where: the input on which it is worst.
        said: what was raised, or is wrong beside the numbers.
    """

    check: str
    title: str
    verdict: Verdict
    ulps: float
    torch_ulps: float
    where: str
    said: str = ""

    @property
    def sentence(self) -> str:
        """The verdict, with its factor or what was raised."""
        if self.verdict == "worse than torch's":
            factor = self.ulps / max(self.torch_ulps, 0.5)
            return f"{self.verdict} by a factor of {factor:.2g}, on {self.where}"
        if self.verdict in CONFORMANT and not self.said:
            return self.verdict
        return f"{self.verdict}, on {self.where}{': ' if self.said else ''}{self.said}"

    def as_dict(self) -> dict[str, object]:
        """For machines; an error that is not finite is None."""
        return {
            "check": self.check,
            "verdict": self.verdict,
            "ulps": self.ulps if math.isfinite(self.ulps) else None,
            "torch_ulps": self.torch_ulps if math.isfinite(self.torch_ulps) else None,
            "where": self.where,
            "said": self.said,
        }


@dataclass(frozen=True)
class Audit:
    """The audit of one implementation.

    Attributes:
        name: its class.
        read: what it computes, in words; "" if that could not be read.
        expected: the norm that it is held to, in words.
        affine: its gain and bias: "weight, bias", "1 + weight", …
        lines: a line for each check.
        faults: what is wrong in words, with the course's names.
        notes: what else is worth knowing.
    """

    name: str
    read: str
    expected: str
    affine: str
    lines: tuple[Line, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def conformant(self) -> bool:
        """Whether nothing is wrong and nothing is refused."""
        return all(line.verdict in CONFORMANT for line in self.lines)

    @property
    def worst(self) -> Line:
        """The line with the gravest verdict, and the greatest error among those."""
        return max(self.lines, key=lambda line: (ORDER.index(line.verdict), line.ulps))

    @property
    def headline(self) -> str:
        """What was found, in a sentence."""
        count = len(self.lines)
        bad = sum(line.verdict not in CONFORMANT for line in self.lines)
        worse = sum(line.verdict == "worse than torch's" for line in self.lines)
        said = (
            f"not conformant: {bad} of {count} checks fail"
            if bad
            else f"conformant: {count} checks"
        )
        if worse:
            more, have = (" more" if bad else ""), ("has" if worse == 1 else "have")
            said += f"; {worse}{more} {have} errors greater than torch's"
        return f"{self.name} ({self.read or 'no norm that is known'}; {self.affine}): {said}"

    def line(self, check: str) -> Line:
        """The line of a check."""
        return next(line for line in self.lines if line.check == check)

    def table(self) -> Table:
        """One row for each check: errors in ulps, torch's own, and the verdict."""
        rows = [
            [line.title, _shown(line.ulps), _shown(line.torch_ulps), line.sentence]
            for line in self.lines
        ]
        return Table(("check", "ulps", "torch's", "verdict"), rows)

    def as_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "name": self.name,
            "read": self.read,
            "expected": self.expected,
            "affine": self.affine,
            "conformant": self.conformant,
            "lines": [line.as_dict() for line in self.lines],
            "mistakes": [
                {"name": f.name, "title": f.title, "why": f.why, "but": f.likely}
                for f in self.faults
            ],
            "notes": [*self.notes],
        }

    def __str__(self) -> str:
        parts = [self.headline, str(self.table())]
        parts += [_explained(fault) for fault in self.faults]
        return "\n\n".join([*parts, *self.notes])


def _shown(ulps: float) -> str:
    return f"{ulps:.2g}" if ulps < 100 else f"{ulps:.3g}"


def _explained(fault: Fault) -> str:
    """A mistake, why it is one, and the smallest input on which it shows."""
    lines = [f"✗ {fault.sentence}"]
    if fault.likely:
        lines.append(f"  it alone would give something else on: {fault.likely}")
    if fault.why:
        lines.append(f"  {fault.why}")
    if fault.example:
        lines += [f"  {label}: {text}" for label, text in fault.example.rows()]
    return "\n".join(lines)
