"""What has changed since the last run: the points that it gave are kept beside the grades."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from normlab.grading.marks import StudentMarks
from normlab.grading.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS published (
    student TEXT NOT NULL, exercise TEXT NOT NULL, function TEXT NOT NULL,
    points REAL NOT NULL, run INTEGER NOT NULL, PRIMARY KEY (student, exercise, function)
)
"""
SMALLEST = 1e-6
"""Points that differ by less are the same."""


@dataclass(frozen=True)
class Change:
    """The points of an answer, with lateness taken off, before and now; None where it has none."""

    student: str
    exercise: str
    function: str
    before: float | None
    now: float | None

    @property
    def kind(self) -> str:
        if self.before is None:
            return "new"
        if self.now is None:
            return "gone"
        return "up" if self.now > self.before else "down"


@dataclass(frozen=True)
class Changes:
    """All that has changed in a class.

    Args:
        first: whether this is the first run.
        changes: of answers, those that are gone last.
        fallen: (student, points before, points now) of those who have fewer now.
    """

    first: bool
    changes: tuple[Change, ...] = ()
    fallen: tuple[tuple[str, float, float], ...] = ()

    def counts(self) -> Counter[str]:
        return Counter(change.kind for change in self.changes)


def since_last_run(store: Store, students: Iterable[StudentMarks]) -> Changes:
    """Compare with the last run, and keep the points of this one for the next.

    What this run could not grade has the points that it had.

    Args:
        store: of the grades.
        students: the marks of all.
    """
    with _transaction(store.connection) as database:
        database.execute(SCHEMA)
        (last,) = database.execute("SELECT coalesce(max(run), 0) FROM published").fetchone()
        changes: list[Change] = []
        fallen: list[tuple[str, float, float]] = []
        for student in students:
            before = _published(database, student.student)
            now = _points(student, before)
            changes += _between(student.student, before, now)
            _publish(database, student.student, now, last + 1)
            totals = sum(before.values()), sum(now.values())
            if before and totals[1] < totals[0] - SMALLEST:
                fallen.append((student.student, *totals))
        gone, without = _not_there_any_more(database, last)
        return Changes(last == 0, (*changes, *gone) if last else (), (*fallen, *without))


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All or nothing: a run that is killed here is compared with the same run as before."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


Points = dict[tuple[str, str], float]
"""(exercise, function) -> points."""


def _key(student: str) -> str:
    """A name that a database can hold: also one of a folder that is no text."""
    return student.encode("utf-8", "backslashreplace").decode()


def _published(database: sqlite3.Connection, student: str) -> Points:
    query = "SELECT exercise, function, points FROM published WHERE student = ?"
    rows = database.execute(query, (_key(student),))
    return {(exercise, function): points for exercise, function, points in rows}


def _points(student: StudentMarks, before: Points) -> Points:
    """The points of a student's answers as they count now."""
    now: Points = {}
    for marks in student.exercises:
        if marks.graded is None:
            now |= {key: points for key, points in before.items() if key[0] == marks.exercise}
        for mark in marks.marks:
            now[marks.exercise, mark.diagnosis.function] = marks.share * mark.points
    return now


def _between(student: str, before: Points, now: Points) -> Iterator[Change]:
    for key in sorted(before.keys() | now.keys()):
        change = Change(student, *key, before.get(key), now.get(key))
        difference = (change.now or 0.0) - (change.before or 0.0)
        if change.kind in ("new", "gone") or abs(difference) > SMALLEST:
            yield change


def _publish(database: sqlite3.Connection, student: str, now: Points, run: int) -> None:
    database.execute("DELETE FROM published WHERE student = ?", (_key(student),))
    rows = ((_key(student), *key, points, run) for key, points in now.items())
    database.executemany("INSERT INTO published VALUES (?, ?, ?, ?, ?)", rows)


def _not_there_any_more(
    database: sqlite3.Connection, last: int
) -> tuple[list[Change], list[tuple[str, float, float]]]:
    """What is gone with the students that this run has not seen."""
    query = "SELECT student, exercise, function, points FROM published WHERE run <= ? ORDER BY 1, 2"
    rows = database.execute(query, (last,)).fetchall()
    totals: dict[str, float] = {}
    for student, _, _, points in rows:
        totals[student] = totals.get(student, 0.0) + points
    database.execute("DELETE FROM published WHERE run <= ?", (last,))
    gone = [Change(student, exercise, f, points, None) for student, exercise, f, points in rows]
    return gone, [(student, points, 0.0) for student, points in totals.items() if points]
