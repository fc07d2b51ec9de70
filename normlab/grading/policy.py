"""What a teacher decides: points, late days, limits, and which calls are allowed."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from normlab.checks.diagnosis import Diagnosis
from normlab.exercises import FUNCTIONS, all_exercises, not_judged_here
from normlab.grading.collecting.names import EXERCISE_NAMES
from normlab.grading.person import Person
from normlab.tools.toml_settings import (
    Expected,
    fill,
    number,
    read_settings,
    refuse_unknown,
    whole_number,
)

DAY = timedelta(days=1)
EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Policy:
    """How grades are made. The defaults are those of an empty file.

    Args:
        seconds, memory_mb, library_norms: as in `Setting`.
        points: function -> points, where they differ from the exercise's.
        partial: name of a mistake -> share of the points of the level that it costs, if no worse
            one is made there.
        due: exercise -> when it is late.
        free_days: late days that a student has in all.
        per_day: share of the points lost for each further day that has begun.
        most_days: what is later gets nothing; None for no such limit.
    """

    seconds: float = 20.0
    memory_mb: int = 2048
    library_norms: bool = False
    points: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    partial: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    due: Mapping[str, datetime] = field(default_factory=lambda: EMPTY)
    free_days: int = 0
    per_day: float = 0.0
    most_days: int | None = None

    def for_student(self, person: Person) -> "Policy":
        """The same, with the due dates that somebody has of his or her own."""
        if not person.due:
            return self
        given = {exercise: person.due_of(exercise) for exercise in EXERCISE_NAMES}
        return replace(self, due={**self.due, **{e: due for e, due in given.items() if due}})

    def max_points(self, diagnosis: Diagnosis) -> float:
        return float(self.points.get(diagnosis.function, diagnosis.max_points))

    def points_for(self, diagnosis: Diagnosis) -> float:
        """Points for an answer, if it was on time: those of its levels, and a part of the next."""
        most = self.max_points(diagnosis)
        if diagnosis.passed:
            return most
        missed = next((level.max_points for level in diagnosis.levels if not level.passed), 0)
        shares = [self.partial.get(mistake, 0.0) for mistake in diagnosis.mistakes]
        reached = diagnosis.points + missed * min(shares, default=0.0)
        return most * reached / max(1, diagnosis.max_points)

    def days_late(self, exercise: str, submitted: datetime | None) -> int:
        """Days that have begun since an exercise was due; 0 where a time is not known."""
        due = self.due.get(exercise)
        if due is None or submitted is None or submitted <= due:
            return 0
        return math.ceil((submitted - due) / DAY)

    def late_shares(self, submitted: Mapping[str, datetime | None]) -> dict[str, float]:
        """What is left of the points of each exercise of one student.

        Free days are used up in the order in which the exercises were due.

        Args:
            submitted: exercise -> when it was handed in.
        """
        free, shares = self.free_days, {}
        due = {name: time.timestamp() for name, time in self.due.items()}
        for exercise in sorted(submitted, key=lambda name: (due.get(name, 0.0), name)):
            days = self.days_late(exercise, submitted[exercise])
            used = min(free, days)
            free -= used
            too_late = self.most_days is not None and days > self.most_days
            shares[exercise] = 0.0 if too_late else max(0.0, 1 - self.per_day * (days - used))
        return shares


WITH_OFFSET = Expected(
    "a time with its offset from UTC, such as 2026-12-01T23:59:59+01:00",
    lambda time: time.tzinfo is not None,
)


@dataclass(frozen=True)
class _Late:
    """The table `[late]` of a policy's file; the fields are those of `Policy`."""

    free_days: Annotated[int, whole_number(0)] = Policy.free_days
    per_day: Annotated[float, number(0, 1)] = Policy.per_day
    most_days: Annotated[int | None, whole_number(0)] = Policy.most_days


@dataclass(frozen=True)
class _File:
    """A policy's file; the fields are those of `Policy`."""

    seconds: Annotated[float, number(0.1, 3600)] = Policy.seconds
    memory_mb: Annotated[int, whole_number(128)] = Policy.memory_mb
    library_norms: bool = Policy.library_norms
    points: Mapping[str, Annotated[float, number(0, 1e6)]] = field(default_factory=dict)
    partial: Mapping[str, Annotated[float, number(0, 1)]] = field(default_factory=dict)
    due: Mapping[str, Annotated[datetime, WITH_OFFSET]] = field(default_factory=dict)
    late: _Late = field(default_factory=_Late)


def read_policy(path: Path) -> Policy:
    """The policy in a TOML file.

    Raises:
        ValueError: that names the file and what is wrong in it.
        OSError: if there is no such file.
    """
    return read_settings(path, parse_policy)


def parse_policy(text: str) -> Policy:
    """The policy in a TOML text; `normlab grade --help` shows every key.

    Raises:
        ValueError: if a key is unknown, or a value is none that it can have.

    >>> parse_policy("points.layer_norm = 10").points["layer_norm"]
    10.0
    >>> parse_policy("points.layernorm = 10")
    Traceback (most recent call last):
    ValueError: [points] has the unknown key 'layernorm'; did you mean 'layer_norm'?
    """
    file = fill(_File, tomllib.loads(text))
    refuse_unknown("[points]", file.points, _functions())
    refuse_unknown("[partial]", file.partial, _mistakes(file.partial))
    refuse_unknown("[due]", file.due, EXERCISE_NAMES)
    tables: list[Any] = [MappingProxyType(t) for t in (file.points, file.partial, file.due)]
    late: Any = asdict(file.late)
    return Policy(file.seconds, file.memory_mb, file.library_norms, *tables, **late)


def _functions() -> list[str]:
    return [function for functions in FUNCTIONS.values() for function in functions]


def _mistakes(given: Mapping[str, Any]) -> list[str]:
    """What an answer with values to compare can be told."""
    if not given:
        return []
    here = [exercise for exercise in all_exercises() if not not_judged_here(exercise.name)]
    questions = [q for exercise in here for q in exercise.questions]  # loads torch
    named = {mistake.name for question in questions for mistake in question.mistakes}
    return sorted(named | {"dtype-lost", "input-mutated", "not-deterministic", "unknown"})
