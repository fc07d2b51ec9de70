"""What a claim of the seed text is, and what its experiment finds."""

import importlib.util
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from normlab.record import Verdict
from normlab.tools.table import Table

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
Kind = Literal["measurement", "definition", "count", "citation"]
KINDS: Mapping[Kind, str] = {
    "measurement": "measured here",
    "definition": "read from other people's code, or a formula",
    "count": "counted over all models of a library",
    "citation": "not measured here: cited",
}
"""What the verdict on a claim rests on. Only the first three have an experiment that can fail."""
Status = Literal["passes", "fails", "not run", "cited"]


class NotRun(Exception):
    """An experiment cannot run here; the message says what it needs."""


def require(module: str, install: str) -> None:
    """Raise unless a module is installed.

    Raises:
        NotRun: with the command that installs it.
    """
    if importlib.util.find_spec(module) is None:
        raise NotRun(f"needs {module}: {install}")


@dataclass(frozen=True)
class Measure:
    """One measured number, and between which bounds it supports the course's verdict.

    Args:
        name: what was measured.
        value: what came out.
        why: the argument for the bounds.
        low, high: the bounds, both included; at least one is finite.

    Raises:
        ValueError: if there is no bound, no argument for it, or the bounds are in disorder.

    >>> slope = Measure("slope", -0.47, "theory says −½", low=-0.6, high=-0.4)
    >>> slope.expected, slope.holds
    ('-0.6 … -0.4', True)
    """

    name: str
    value: float
    why: str
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", float(self.value))  # NumPy's numbers are no JSON
        bounded = math.isfinite(self.low) or math.isfinite(self.high)
        if not (bounded and self.low <= self.high and self.why):
            raise ValueError(
                f"the measure {self.name!r} has the bounds {self.low} and {self.high} and the "
                f"argument {self.why!r}; expected low ≤ high, one of them finite, and an argument."
            )

    @property
    def holds(self) -> bool:
        """Whether the value lies within the bounds; nan does not."""
        return self.low <= self.value <= self.high

    @property
    def shown(self) -> str:
        """Two digits, whole numbers whole; what is nothing but rounding is shown by its bound."""
        if math.isinf(self.low) and 0 <= self.value <= self.high <= 1e-3:
            return f"< {self.high:.0e}" if self.high else "0"
        if self.value == round(self.value, 0) and abs(self.value) < 1e5:
            return f"{self.value:.0f}"
        return f"{self.value:.2g}"

    @property
    def expected(self) -> str:
        """The bounds in words."""
        if self.low == self.high:
            return f"{self.low:g}"
        if math.isinf(self.low):
            return f"≤ {self.high:g}"
        return f"≥ {self.low:g}" if math.isinf(self.high) else f"{self.low:g} … {self.high:g}"


@dataclass(frozen=True)
class Finding:
    """What an experiment found.

    Args:
        measures: the numbers, each with its bounds; the first is the one to show if only one is.
        sentence: what they are, in words, without a conclusion.
        missing: what the experiment needs and did not find here; it was not run then.
        cited: whether the sentence is a source's, and nothing was measured.
    """

    measures: tuple[Measure, ...]
    sentence: str
    missing: str = ""
    cited: bool = False

    @property
    def figures(self) -> Mapping[str, float]:
        """The measured numbers by name."""
        return {measure.name: measure.value for measure in self.measures}

    @property
    def passed(self) -> bool:
        """Whether it was run and every number supports the course's verdict."""
        measured = bool(self.measures) and not self.missing
        return measured and all(measure.holds for measure in self.measures)

    @property
    def status(self) -> Status:
        if self.missing:
            return "not run"
        if self.cited:
            return "cited"
        return "passes" if self.passed else "fails"

    @property
    def headline(self) -> str:
        """The first measure in a few words."""
        if not self.measures:
            return self.sentence
        return f"{self.measures[0].name}: {self.measures[0].shown}"

    def table(self) -> Table:
        """One row per measure."""
        rows = [[m.name, m.shown, m.expected, m.holds, m.why] for m in self.measures]
        return Table(("measured", "value", "supports the verdict if", "does", "because"), rows)


@dataclass(frozen=True)
class Claim:
    """One claim of the seed text.

    Args:
        number: from 1 on.
        quote: the seed's words.
        kind: what the verdict rests on.
        verdict: the course's.
        but: what the verdict depends on, or what is missing, in a few words; "" if nothing.
        statement: what holds, precisely.
        experiment: runs it; of a citation, tells what the source says.
        scale: what was run, how large.
        source: whose result it is, and where.
        chapter: where the course treats it.
    """

    number: int
    quote: str
    kind: Kind
    verdict: Verdict
    but: str
    statement: str
    experiment: Callable[[], Finding]
    scale: str
    source: str
    chapter: str

    @property
    def ruling(self) -> str:
        """The verdict and what it depends on.

        >>> from normlab.claims import find_claim
        >>> find_claim(26).ruling
        'imprecise: unsupported'
        """
        if not self.but:
            return self.verdict
        return (
            f"{self.verdict} {self.but}"
            if self.verdict == "holds if"
            else (f"{self.verdict}: {self.but}")
        )
