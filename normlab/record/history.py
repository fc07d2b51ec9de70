"""The entries of a record, and what they say together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

VALUES: Mapping[str, tuple[type, ...]] = {
    "answered": (str, str, float, int),  # question, answer, surprise, again: 0 or 1
    "solved": (str, str, float, float),  # exercise, function, points, max_points
    "marked": (int, str),  # the number of a claim, what the learner says of it
    "bet": (int, str, int),  # the number of a claim, a verdict, how sure the learner is: percent
    "tried": (str, str, str, float, str),  # challenge, rules, settings, score, outcome
}
Verdict = Literal["holds", "holds if", "imprecise", "wrong"]
"""What the course says of a claim."""
MARKS: tuple[str, ...] = (*get_args(Verdict), "don't know")
"""What a learner can say of a claim."""
LEVELS = (25, 50, 75, 90, 99)
"""How sure a learner can be of a verdict, in percent: 25 is a guess among four."""


@dataclass(frozen=True)
class Entry:
    """One thing that the learner did.

    Args:
        kind: one of `VALUES`.
        id: no two entries have the same, so an entry that is met twice counts once.
        time: when, as ISO 8601 in UTC.
        values: what, of the types in `VALUES`.

    Raises:
        ValueError: if the time is none, or the values do not suit the kind.
    """

    kind: str
    id: str
    time: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        row, expected = (self.id, self.time, *self.values), (str, str, *VALUES[self.kind])
        if tuple(map(type, row)) != expected:
            names = ", ".join(t.__name__ for t in expected)
            raise ValueError(f"an entry of kind {self.kind!r} is {row}; expected {names}.")
        _time(self)
        if self.kind == "answered" and not 0 <= self.values[2] <= 1:
            raise ValueError(f"surprise is {self.values[2]}; expected a number from 0 to 1.")
        if self.kind == "solved" and not 0 <= self.values[2] <= self.values[3] > 0:
            raise ValueError(
                f"points is {self.values[2]} and max_points {self.values[3]}; expected "
                "0 ≤ points ≤ max_points, and max_points above 0."
            )
        if self.kind == "marked" and (self.values[0] < 1 or self.values[1] not in MARKS):
            raise ValueError(
                f"claim {self.values[0]} is marked {self.values[1]!r}; expected a number from 1 "
                f"on, and one of: {', '.join(MARKS)}."
            )
        if self.kind == "bet":
            _check_bet(*self.values)
        if self.kind == "tried" and not 0 <= self.values[3] <= 100:
            raise ValueError(f"score is {self.values[3]}; expected a number from 0 to 100.")


@dataclass(frozen=True)
class Answer:
    """An answer to a question.

    Args:
        given: as a text: the letter of an option, a number, …
        surprise: how far it was from the right one: 0 is right, 1 as far off as counts.
        again: whether the question was asked again, after a wrong answer on an earlier day.
    """

    given: str
    surprise: float
    time: datetime
    again: bool = False

    @property
    def right(self) -> bool:
        return self.surprise == 0


@dataclass(frozen=True)
class Result:
    """The best result for one function, and when it was first solved with all points."""

    points: float
    max_points: float
    solved: datetime | None = None

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.points / self.max_points


@dataclass(frozen=True)
class Mark:
    """What a learner said of a claim: one of `MARKS`."""

    word: str
    time: datetime


@dataclass(frozen=True)
class Bet:
    """How sure a learner is of a verdict on a claim: one of `LEVELS`, in percent."""

    word: Verdict
    percent: int
    time: datetime


@dataclass(frozen=True)
class Try:
    """An attempt at an open challenge.

    Args:
        rules: under which it was scored; scores of different rules do not compare.
        settings: what was tried, as JSON.
        score: from 0 to 100.
        outcome: what was measured, as JSON.
    """

    rules: str
    settings: str
    score: float
    outcome: str
    time: datetime


@dataclass(frozen=True)
class History:
    """What a learner has done so far.

    Args:
        answers: all answers to each question, in the order in which they were given.
        results: the best result for each (exercise, function).
        marks: all that was said of each claim, by its number, in the order in which it was said.
        bets: all bets on each claim, by its number, in the order in which they were made.
        tries: all attempts at each open challenge, in the order in which they were made.
        notice: what the learner should know about the record itself, "" if nothing.
    """

    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=lambda: MappingProxyType({}))
    results: Mapping[tuple[str, str], Result] = field(default_factory=lambda: MappingProxyType({}))
    marks: Mapping[int, tuple[Mark, ...]] = field(default_factory=lambda: MappingProxyType({}))
    bets: Mapping[int, tuple[Bet, ...]] = field(default_factory=lambda: MappingProxyType({}))
    tries: Mapping[str, tuple[Try, ...]] = field(default_factory=lambda: MappingProxyType({}))
    notice: str = ""

    @property
    def predictions(self) -> dict[str, Answer]:
        """The first answer to each question: what was thought before anything was revealed."""
        return {question: answers[0] for question, answers in self.answers.items()}


def history_of(entries: Iterable[Entry], notice: str = "") -> History:
    """What the entries say together.

    >>> first, second = "2026-11-24T10:00:00+00:00", "2026-11-24T11:00:00+00:00"
    >>> history = history_of([
    ...     Entry("answered", "id1", first, ("one-hot", "b", 1.0, 0)),
    ...     Entry("answered", "id2", second, ("one-hot", "c", 0.0, 0)),
    ... ])
    >>> history.predictions["one-hot"].right, len(history.answers["one-hot"])
    (False, 2)
    """
    answers: dict[str, tuple[Answer, ...]] = {}
    results: dict[tuple[str, str], Result] = {}
    marks: dict[int, tuple[Mark, ...]] = {}
    bets: dict[int, tuple[Bet, ...]] = {}
    tries: dict[str, tuple[Try, ...]] = {}
    for entry in sorted({entry.id: entry for entry in entries}.values(), key=_time):
        time = _time(entry)
        if entry.kind == "answered":
            question, given, surprise, again = entry.values
            answer = Answer(given, surprise, time, bool(again))
            answers[question] = (*answers.get(question, ()), answer)
        elif entry.kind == "marked":
            number, word = entry.values
            marks[number] = (*marks.get(number, ()), Mark(word, time))
        elif entry.kind == "bet":
            number, word, percent = entry.values
            bets[number] = (*bets.get(number, ()), Bet(word, percent, time))
        elif entry.kind == "tried":
            challenge, rules, settings, score, outcome = entry.values
            new_try = Try(rules, settings, score, outcome, time)
            tries[challenge] = (*tries.get(challenge, ()), new_try)
        else:
            exercise, function, points, most = entry.values
            new = Result(points, most, time if points == most else None)
            old = results.get((exercise, function), new)
            results[exercise, function] = new if new.share > old.share else old
    return History(answers, results, marks, bets, tries, notice)


def _check_bet(claim: int, word: str, percent: int) -> None:
    words = get_args(Verdict)
    if claim < 1 or word not in words or percent not in LEVELS:
        raise ValueError(
            f"the bet on claim {claim} is {word!r}, {percent} %; expected a number from 1 on, one "
            f"of: {', '.join(words)}, and one of: {', '.join(map(str, LEVELS))}."
        )


def _time(entry: Entry) -> datetime:
    time = datetime.fromisoformat(entry.time)
    if time.tzinfo is None:
        raise ValueError(f"time is {entry.time!r}; expected one with its offset from UTC.")
    return time
