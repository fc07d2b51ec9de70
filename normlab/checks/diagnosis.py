"""What a check says: as a table in a notebook, as text elsewhere, as an object for machines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Literal

from normlab.checks.exercise import ANY_INPUT, FORMULA, PRECISION, STATE
from normlab.checks.look import aligned, as_table, counted, folded

IN_WORDS = {
    FORMULA: "the formula is right",
    ANY_INPUT: "on any input",
    PRECISION: "with all digits",
    STATE: "with its gradients",
}
State = Literal["right", "wrong", "after"]
TAUGHT = {PRECISION: "chapter 03 is about it"}
"""Levels that a beginner reads about later than he meets the exercise."""


@dataclass(frozen=True)
class Example:
    """The smallest input on which a fault shows."""

    title: str
    given: str
    got: str
    expected: str

    def rows(self) -> list[tuple[str, str]]:
        labels = ("shown by", "input", "got", "expected")
        return [*zip(labels, (self.title, self.given, self.got, self.expected), strict=True)]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Args:
        name: stable, for programs.
        title: what is wrong, for the learner.
        why: why it is wrong.
        example: the smallest input on which this fault shows.
        likely: "" if it explains all that was seen, else the inputs on which it does not.
    """

    name: str
    title: str
    why: str = ""
    example: Example | None = None
    likely: str = ""

    @property
    def sentence(self) -> str:
        return f"{'most likely: ' if self.likely else ''}{self.title} ({self.name})"

    def is_shown_by(self, other: "Fault") -> bool:
        """Whether another fault's example has gotten what this one says, as an exception."""
        return other.example is not None and self.title.removeprefix("it ") == other.example.got

    def rows(self) -> list[tuple[str, str]]:
        rows = [("what", self.sentence)]
        if self.likely:
            rows.append(("but", f"it alone would give something else on: {self.likely}"))
        if self.why:
            rows.append(("why", self.why))
        return rows + (self.example.rows() if self.example else [])


@dataclass(frozen=True)
class Level:
    """A level of a question, and whether an answer has it; "after" stands behind a wrong one."""

    name: str
    max_points: float
    state: State

    @property
    def passed(self) -> bool:
        return self.state == "right"

    @property
    def points(self) -> float:
        return self.max_points if self.passed else 0

    @property
    def sign(self) -> str:
        return {"right": "✓", "wrong": "✗", "after": "○"}[self.state]

    @property
    def sentence(self) -> str:
        said = f"{self.name}: {self.points:.4g} of {self.max_points:.4g}"
        if self.state == "after":
            said = f"{self.name}: {counted(self.max_points, 'point')}, after this one"
        taught = TAUGHT.get(self.name, "") if self.state != "right" else ""
        return f"{said} ({taught})" if taught else said


def reached(levels: Mapping[str, int], first_wrong: str | None) -> tuple[Level, ...]:
    """The levels of an answer that has all before `first_wrong`; all of them if there is none."""
    names = [*levels]
    stop = len(names) if first_wrong is None else names.index(first_wrong)

    def state(i: int) -> State:
        return "right" if i < stop else "wrong" if i == stop else "after"

    return tuple(Level(name, levels[name], state(i)) for i, name in enumerate(names))


@dataclass(frozen=True)
class Diagnosis:
    """The result of one check.

    `faults` are those of the first level that is not right, most likely first. A right answer has
    none, and neither has one that was not attempted.

    Args:
        exercise: its name.
        function: what was checked.
        attempted: whether there is an answer at all.
        levels: in the order in which they are judged.
        faults: what is wrong.
        printed: the first lines that the answer printed, and how many lines there were.
        note: what to know of an answer that was not attempted.
    """

    exercise: str
    function: str
    attempted: bool
    levels: tuple[Level, ...]
    faults: tuple[Fault, ...] = ()
    printed: tuple[str, int] = ("", 0)
    note: str = ""

    @property
    def passed(self) -> bool:
        return bool(self.levels) and all(level.passed for level in self.levels)

    @property
    def points(self) -> float:
        return sum(level.points for level in self.levels)

    @property
    def max_points(self) -> float:
        return sum(level.max_points for level in self.levels)

    @property
    def mistakes(self) -> list[str]:
        return [fault.name for fault in self.faults]

    @property
    def verdict(self) -> str:
        """What is right, in a few words."""
        if self.passed:
            return "✓ right"
        if not self.attempted:
            return "○ not attempted"
        return f"◐ {_right(self.levels)}" if self.levels and self.levels[0].passed else "✗ not yet"

    def headline(self, score: str | None = None) -> str:
        """The verdict with its points; those of a policy may be others."""
        if not self.max_points and score is None:
            return f"{self.verdict} (a step on the way, without points)"
        own = f"{self.points:.4g} of {counted(self.max_points, 'point')}"
        return f"{self.verdict}{':' if '◐' in self.verdict else ','} {score or own}"

    def rows(self) -> list[tuple[str, str]]:
        """(label, text) lines: the verdict, the ladder, the first fault whole, the others named."""
        lines = [(self.function, self.headline()), *self.ladder()]
        for number, fault in enumerate(self.faults):
            if number == 0:
                lines += fault.rows()
            elif not fault.is_shown_by(self.faults[0]):
                lines.append(("also", fault.sentence))
        if self.note:
            lines.append(("note", self.note))
        if self.printed[1]:
            first, *_ = self.printed[0].splitlines()
            lines.append(("printed", f"{counted(self.printed[1], 'line')}, the first: {first}"))
        if not self.passed and self.levels:
            lines.append(("help", f"hint({self.function}) gives the next hint"))
        return lines

    def ladder(self) -> list[tuple[str, str]]:
        """A line for each level, where there are several and they were judged."""
        if self.passed or not self.attempted or len(self.levels) < 2:
            return []
        return [(f"{i} {level.sign}", level.sentence) for i, level in enumerate(self.levels, 1)]

    @property
    def message(self) -> str:
        """All lines but the verdict, as text."""
        return aligned(self.rows()[1:])

    def as_json(self) -> dict[str, object]:
        """What `normlab check --json` prints for each function."""
        return {
            "exercise": self.exercise,
            "function": self.function,
            "passed": self.passed,
            "attempted": self.attempted,
            "points": self.points,
            "max_points": self.max_points,
            "levels": [
                {
                    "name": level.name,
                    "passed": level.passed,
                    "points": level.points,
                    "max_points": level.max_points,
                }
                for level in self.levels
            ],
            "mistakes": self.mistakes,
            "message": self.message,
        }

    def __str__(self) -> str:
        return aligned(self.rows())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The first fault open, what else there is folded."""
        first, *others = [fault.rows() for fault in self.faults] or [[]]
        parts = [as_table([(self.function, self.headline()), *self.ladder(), *first])]
        parts += [as_table([("note", self.note)])] if self.note else []
        titles = [fault.sentence for fault in self.faults[1:]]
        parts += [
            folded(f"also: {t}", as_table(rows)) for t, rows in zip(titles, others, strict=True)
        ]
        if self.printed[1]:
            title = f"your code printed {counted(self.printed[1], 'line')}"
            parts.append(folded(title, f"<pre>{escape(self.printed[0])}</pre>"))
        if not self.passed and self.levels:
            parts.append(as_table([("help", f"hint({self.function}) gives the next hint")]))
        return "".join(parts)


def _right(levels: Iterable[Level]) -> str:
    return ", ".join(IN_WORDS[level.name] for level in levels if level.passed)
