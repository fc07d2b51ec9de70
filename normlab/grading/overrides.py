"""What a teacher gives by hand: points, comments and late days that survive every regrading."""

import difflib
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeAlias

from normlab.exercises import FUNCTIONS
from normlab.grading.collect import Submission
from normlab.grading.policy import DAY
from normlab.tools.toml_settings import fill, number, read_settings, refuse_unknown, whole_number

NAME = "overrides.toml"
"""Found by itself in a folder of results."""
EXERCISE_OF = {function: name for name, functions in FUNCTIONS.items() for function in functions}


@dataclass(frozen=True)
class ForAnswer:
    """What a teacher gives to an answer; no points leaves those of the checks."""

    points: Annotated[float | None, number(0, 1e6)] = None
    comment: str = ""


@dataclass(frozen=True)
class ForExercise:
    """What a teacher says of an exercise; no days leaves those of the clock."""

    comment: str = ""
    days_late: Annotated[int | None, whole_number(0)] = None


Entry: TypeAlias = ForAnswer | ForExercise


@dataclass(frozen=True)
class Given:
    """What one student is given by hand: an entry for each function or exercise that is named."""

    entries: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))

    def answer(self, function: str, most: float) -> ForAnswer:
        """For an answer; nothing if the points are more than can be had."""
        entry = self.entries.get(function)
        fits = isinstance(entry, ForAnswer) and (entry.points is None or entry.points <= most)
        return entry if isinstance(entry, ForAnswer) and fits else ForAnswer()

    def exercise(self, exercise: str) -> ForExercise:
        entry = self.entries.get(exercise)
        return entry if isinstance(entry, ForExercise) else ForExercise()

    def counted_time(
        self, exercise: str, due: datetime | None, submitted: datetime | None
    ) -> datetime | None:
        """When an exercise counts as handed in."""
        days = self.exercise(exercise).days_late
        return submitted if due is None or days is None else due + days * DAY


@dataclass(frozen=True)
class Overrides:
    """What a class is given by hand.

    Args:
        given: by student.
        problems: what the file says that cannot be followed; the rest counts.
        source: the file.
    """

    given: Mapping[str, Given] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[str, ...] = ()
    source: str = ""

    def of(self, student: str) -> Given:
        return self.given.get(student, Given())


def find_overrides(
    wanted: Path | None, results: Path, submissions: Iterable[Submission]
) -> Overrides:
    """What is given by hand in a TOML file, or in the one among the results if there is one.

    Raises:
        ValueError: if it is no TOML.
        OSError: if the wanted file is not there.
    """
    path = wanted or results / NAME
    if wanted is None and not path.exists():
        return Overrides()
    return overrides_for(read_settings(path, tomllib.loads), submissions, f"{path}: ")


def overrides_for(
    tables: Mapping[str, Any], submissions: Iterable[Submission], source: str = ""
) -> Overrides:
    """What is given to whom.

    A student is named as in the gradebook's first column, or by full name, login, address or
    number where these are known and nobody else has them.

    Args:
        tables: student -> function or exercise -> what is given.
        submissions: of the class.
        source: how errors begin.
    """
    names = _Names(submissions)
    given: dict[str, dict[str, Entry]] = defaultdict(dict)
    problems: list[str] = []
    for key, table in tables.items():
        try:
            student = names.student(key)
            entries = _expect_table(f"[{key!r}]", table).items()
        except ValueError as error:
            problems.append(f"{source}{error}")
            continue
        for name, value in entries:
            try:
                entry = _entry(f"[{key!r}] {name}", name, value, names.exercises[student])
                if name in given[student]:
                    raise ValueError(f"[{key!r}] {name}: {student} is given this twice.")
                given[student][name] = entry
            except ValueError as error:
                problems.append(f"{source}{error}")
    by_student = {student: Given(entries) for student, entries in given.items()}
    return Overrides(by_student, tuple(problems), source)


def _entry(where: str, name: str, value: Any, handed_in: set[str]) -> Entry:
    refuse_unknown(where.rpartition(" ")[0], [name], [*EXERCISE_OF, *FUNCTIONS])
    exercise = EXERCISE_OF.get(name, name)
    if exercise not in handed_in:
        raise ValueError(
            f"{where}: {exercise} is not handed in. Hand in an empty {exercise}.py for this "
            "student; then it is graded, and can be given points."
        )
    kind: Any = ForExercise if name in FUNCTIONS else ForAnswer
    filled: Entry = fill(kind, _expect_table(where, value), where)
    return filled


def _expect_table(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f'{where} is {value!r}; expected a table, such as {{ comment = "…" }}.')
    return value


class _Names:
    """The students of a class, and all that they are called.

    Attributes:
        exercises: student -> those that he or she has handed in.
    """

    def __init__(self, submissions: Iterable[Submission]) -> None:
        self.exercises: dict[str, set[str]] = defaultdict(set)
        self.called: dict[str, set[str]] = defaultdict(set)
        for submission in submissions:
            self.exercises[submission.student].add(submission.exercise)
            for name in _names_of(submission):
                self.called[_plain(name)].add(submission.student)

    def student(self, key: str) -> str:
        """The student that is called so.

        Raises:
            ValueError: if nobody is, or several are.
        """
        if key in self.exercises:
            return key
        found = sorted(self.called.get(_plain(key), ()))
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{key!r} may be each of {', '.join(found)}; name one of these.")
        near = difflib.get_close_matches(_plain(key), self.called, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "gradebook.csv has all names."
        raise ValueError(f"there is no student {key!r}; {hint}")


def _names_of(submission: Submission) -> Iterator[str]:
    person = submission.person
    names = (submission.student, person.name, person.login, person.email, person.sis_id, person.id)
    return filter(None, names)


def _plain(name: str) -> str:
    """The same for names that a screen shows alike."""
    return unicodedata.normalize("NFC", name).strip()
