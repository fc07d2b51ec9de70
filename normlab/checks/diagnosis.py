"""What a check says: as a table in a notebook, as text elsewhere, as an object for machines."""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: a stable name, a title for the learner, and why it is wrong."""

    name: str
    title: str
    why: str = ""


@dataclass(frozen=True)
class Example:
    """The smallest input on which it shows."""

    title: str
    given: str
    got: str
    expected: str


@dataclass(frozen=True)
class Diagnosis:
    """The result of one check.

    `faults` are most likely first. A right answer has none, and neither has one that was not
    attempted.
    """

    exercise: str
    function: str
    passed: bool
    attempted: bool
    max_points: int
    faults: tuple[Fault, ...] = ()
    example: Example | None = None

    @property
    def points(self) -> int:
        return self.max_points if self.passed else 0

    @property
    def mistakes(self) -> list[str]:
        return [fault.name for fault in self.faults]

    @property
    def verdict(self) -> str:
        if self.passed:
            return "✓ right"
        return "✗ not yet" if self.attempted else "○ not attempted"

    def rows(self) -> list[tuple[str, str]]:
        """(label, text) lines, the verdict first."""
        lines = [(self.function, f"{self.verdict}, {self.points} of {self.max_points} points")]
        for fault in self.faults:
            lines.append(("what", f"{fault.title} ({fault.name})"))
            if fault.why:
                lines.append(("why", fault.why))
        if self.example:
            e = self.example
            lines += [("shown by", e.title), ("input", e.given), ("got", e.got)]
            lines.append(("expected", e.expected))
        if not self.passed:
            lines.append(("help", f"hint({self.function}) gives the next of three hints"))
        return lines

    @property
    def message(self) -> str:
        """All lines but the verdict, as text."""
        return _aligned(self.rows()[1:])

    def as_json(self) -> dict[str, object]:
        """What `normlab check --json` prints for each function."""
        return {
            "exercise": self.exercise,
            "function": self.function,
            "passed": self.passed,
            "attempted": self.attempted,
            "points": self.points,
            "max_points": self.max_points,
            "mistakes": self.mistakes,
            "message": self.message,
        }

    def __str__(self) -> str:
        return _aligned(self.rows())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = (
            f'<tr><th style="text-align: left; vertical-align: top">{escape(label)}</th>'
            f'<td style="text-align: left; white-space: pre-wrap">{escape(text)}</td></tr>'
            for label, text in self.rows()
        )
        return f"<table>{''.join(rows)}</table>"


def _aligned(rows: list[tuple[str, str]]) -> str:
    """Two columns; further lines of a text stand below its first."""
    width = max((len(label) for label, _ in rows), default=0)
    return "\n".join(
        f"{label:{width}}  " + text.replace("\n", "\n" + " " * (width + 2)) for label, text in rows
    )
