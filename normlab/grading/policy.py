"""What a teacher decides: points, late days, limits, and which calls are allowed."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from normlab.checks.diagnosis import Diagnosis
from normlab.exercises import FUNCTIONS, all_exercises
from normlab.grading.names import EXERCISE_NAMES
from normlab.tools.toml_settings import expect, read_settings, refuse_unknown

DAY = timedelta(days=1)
TABLES = ("points", "partial", "due", "late")
EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Policy:
    """How grades are made. The defaults are those of an empty file.

    Args:
        seconds, memory_mb, library_norms: as in `Setting`.
        points: function -> points, where they differ from the exercise's.
        partial: name of a mistake -> share of the points if no worse one is made.
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

    def max_points(self, diagnosis: Diagnosis) -> float:
        return float(self.points.get(diagnosis.function, diagnosis.max_points))

    def points_for(self, diagnosis: Diagnosis) -> float:
        """Points for an answer, if it was on time."""
        most = self.max_points(diagnosis)
        if diagnosis.passed:
            return most
        shares = [self.partial.get(mistake, 0.0) for mistake in diagnosis.mistakes]
        return most * min(shares, default=0.0)

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
        for exercise in sorted(submitted, key=lambda e: (str(self.due.get(e, "")), e)):
            days = self.days_late(exercise, submitted[exercise])
            used = min(free, days)
            free -= used
            too_late = self.most_days is not None and days > self.most_days
            shares[exercise] = 0.0 if too_late else max(0.0, 1 - self.per_day * (days - used))
        return shares


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
    document = tomllib.loads(text)
    refuse_unknown("the file", document, ("seconds", "memory_mb", "library_norms", *TABLES))
    tables = {name: document.get(name, {}) for name in TABLES}
    for name, table in tables.items():
        expect(isinstance(table, dict), name, table, "a table")
    late = tables["late"]
    refuse_unknown("[late]", late, ("free_days", "per_day", "most_days"))
    most_days = late.get("most_days")
    return Policy(
        seconds=_number("seconds", document.get("seconds", 20.0), 0.1, 3600),
        memory_mb=_whole("memory_mb", document.get("memory_mb", 2048), 128),
        library_norms=_yes_or_no("library_norms", document.get("library_norms", False)),
        points=_numbers("points", tables["points"], _functions(), 0, 1e6),
        partial=_numbers("partial", tables["partial"], _mistakes(tables["partial"]), 0, 1),
        due=_times(tables["due"]),
        free_days=_whole("[late] free_days", late.get("free_days", 0), 0),
        per_day=_number("[late] per_day", late.get("per_day", 0.0), 0, 1),
        most_days=None if most_days is None else _whole("[late] most_days", most_days, 0),
    )


def _functions() -> list[str]:
    return [function for functions in FUNCTIONS.values() for function in functions]


def _mistakes(given: Mapping[str, Any]) -> list[str]:
    """What an answer with values to compare can be told."""
    if not given:
        return []
    questions = [q for exercise in all_exercises() for q in exercise.questions]  # loads torch
    named = {mistake.name for question in questions for mistake in question.mistakes}
    return sorted(named | {"dtype-lost", "input-mutated", "not-deterministic", "unknown"})


def _numbers(
    table: str, given: Mapping[str, Any], known: Sequence[str], least: float, most: float
) -> Mapping[str, float]:
    refuse_unknown(f"[{table}]", given, known)
    numbers = {k: _number(f"[{table}] {k}", value, least, most) for k, value in given.items()}
    return MappingProxyType(numbers)


def _number(where: str, value: Any, least: float, most: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    right = is_number and least <= value <= most
    expect(right, where, value, f"a number from {least:g} to {most:g}")
    return float(value)


def _whole(where: str, value: Any, least: int) -> int:
    right = type(value) is int and value >= least
    expect(right, where, value, f"a whole number from {least} on")
    return int(value)


def _yes_or_no(where: str, value: Any) -> bool:
    expect(isinstance(value, bool), where, value, "true or false")
    return bool(value)


def _times(given: Mapping[str, Any]) -> Mapping[str, datetime]:
    refuse_unknown("[due]", given, EXERCISE_NAMES)
    for exercise, time in given.items():
        right = isinstance(time, datetime) and time.tzinfo is not None
        wanted = "a time with its offset from UTC, such as 2026-12-01T23:59:59+01:00"
        expect(right, f"[due] {exercise}", time, wanted)
    return MappingProxyType(dict(given))
