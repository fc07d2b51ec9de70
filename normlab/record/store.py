"""One SQLite file with a learner's entries: made, checked, put aside, read and written.

Any number of processes may use a file at once, and be killed at any moment. SQLite's rollback
journal sees to that. Its write-ahead log would be faster, but does not work on a home that is
mounted from a network (sqlite.org/wal.html), and a learner makes few entries a minute.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from normlab.record.history import VALUES, Entry
from normlab.record.migration import migrate

VERSION = 5
TABLES = {
    "answered": "question TEXT NOT NULL, answer TEXT NOT NULL, surprise REAL NOT NULL, "
    "again INTEGER NOT NULL",
    "solved": "exercise TEXT NOT NULL, function TEXT NOT NULL, "
    "points REAL NOT NULL, max_points REAL NOT NULL",
    "marked": "claim INTEGER NOT NULL, word TEXT NOT NULL",
    "bet": "claim INTEGER NOT NULL, word TEXT NOT NULL, percent INTEGER NOT NULL",
    "tried": "challenge TEXT NOT NULL, rules TEXT NOT NULL, settings TEXT NOT NULL, "
    "score REAL NOT NULL, outcome TEXT NOT NULL",
}
SCHEMA = {
    kind: f"CREATE TABLE {kind} (id TEXT PRIMARY KEY, time TEXT NOT NULL, {columns})"
    for kind, columns in TABLES.items()
}
BUSY_SECONDS = 5.0
OLDER = "it is of an older version"

_gave_up: set[Path] = set()
"""Files whose lock was not to be had. They are not waited for again, so a network whose locks
are broken delays one cell and not all."""


def read(path: Path) -> tuple[list[Entry], str]:
    """The entries of a file, and what the learner should know about it; none if it is missing.

    Raises:
        OSError, sqlite3.Error: if the file cannot be used as things stand.
    """
    if not path.exists():
        return [], ""
    notice = mend(path)
    with transaction(path, "DEFERRED") as connection:
        return entries(connection), notice


def append(path: Path, new: Sequence[Entry]) -> str:
    """Add entries, and have them on the disk before returning; ids that are there stay.

    Returns:
        What the learner should know about the file, "" if nothing.

    Raises:
        OSError, sqlite3.Error: if the file cannot be used as things stand.
    """
    notice = mend(path)
    with transaction(path, "IMMEDIATE") as connection:
        insert(connection, new)
    return notice


@contextlib.contextmanager
def taken(path: Path) -> Iterator[list[Entry]]:
    """Take all entries out of a file, unless the block raises."""
    with transaction(path, "IMMEDIATE") as connection:
        yield entries(connection)
        for kind in TABLES:
            connection.execute(f"DELETE FROM {kind}")


def mend(path: Path) -> str:
    """See to it that there is a good file: make it if it is missing, replace it if it is not good.

    Returns:
        What was replaced and where it is kept, "" if nothing.
    """
    if path.exists() and not fault(path):
        return ""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One process at a time. SQLite's lock ends with its owner, on every system.
    with transaction(path.with_suffix(".lock"), "EXCLUSIVE", create=True):
        notice = ""
        if path.exists():
            reason = fault(path)
            if reason == OLDER:
                reason = _brought_over(path)
            if not reason:
                return ""
            notice = _put_aside(path, reason)
        _make(path)
        return notice


def fault(path: Path) -> str:
    """Why a file is no record that can be read, "" if it is one.

    Raises:
        OSError, sqlite3.OperationalError: if that cannot be told, as the file cannot be opened.
    """
    try:
        with transaction(path, "DEFERRED") as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                return f"it is of version {version}, and this normlab knows {VERSION}"
            if 1 <= version < VERSION:
                return OLDER
            return _unsound(connection) if path.stat().st_size else "it is empty"
    except (sqlite3.DatabaseError, ValueError) as error:
        return _in_the_file(error)


def _unsound(connection: sqlite3.Connection) -> str:
    """Why a record of this version is none that can be read, "" if it is one.

    Raises:
        sqlite3.DatabaseError, ValueError: if that shows as it is read.
    """
    tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql <> ''"))
    if tables != SCHEMA:
        return "it is no record of this course"
    (result,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    entries(connection)
    return "" if result == "ok" else str(result)


def _brought_over(path: Path) -> str:
    """Bring a file to this version; return why it is no good record then, "" if it is one.

    A file that would not be one stays as it was.
    """
    try:
        with transaction(path, "EXCLUSIVE") as connection:
            migrate(connection, SCHEMA)
            if reason := _unsound(connection):
                raise ValueError(reason)  # which undoes it
    except (sqlite3.DatabaseError, ValueError) as error:
        return f"{OLDER}, and {_in_the_file(error)}"
    return ""


def _in_the_file(error: Exception) -> str:
    """What is wrong in the file; raises what the file itself is no cause of: a lock, a disk."""
    if isinstance(error, sqlite3.OperationalError) and _code(error) != sqlite3.SQLITE_ERROR:
        raise error
    return str(error)


def entries(connection: sqlite3.Connection) -> list[Entry]:
    """All entries.

    Raises:
        ValueError: if one is not as it should be.
    """
    return [
        Entry(kind, name, time, tuple(values))
        for kind in TABLES
        for name, time, *values in connection.execute(f"SELECT * FROM {kind}")
    ]


def insert(connection: sqlite3.Connection, new: Sequence[Entry]) -> None:
    for entry in new:
        marks = ", ".join("?" * (2 + len(VALUES[entry.kind])))
        row = (entry.id, entry.time, *entry.values)
        connection.execute(f"INSERT OR IGNORE INTO {entry.kind} VALUES ({marks})", row)


@contextlib.contextmanager
def transaction(path: Path, kind: str, create: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection inside a transaction, which is undone if the block raises."""
    address = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
    patience = 0.0 if path in _gave_up else BUSY_SECONDS
    with contextlib.closing(sqlite3.connect(address, patience, uri=True)) as connection:
        connection.isolation_level = None  # transactions begin where it is said, and only there
        connection.text_factory = bytes.decode
        try:
            connection.execute(f"BEGIN {kind}")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if _code(error) == sqlite3.SQLITE_BUSY:
                _gave_up.add(path)
            raise


def _make(path: Path) -> None:
    """Make a file without entries: under another name, then renamed."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with transaction(part, "EXCLUSIVE", create=True) as connection:
        for statement in (*SCHEMA.values(), f"PRAGMA user_version = {VERSION}"):
            connection.execute(statement)
    part.rename(path)


def _put_aside(path: Path, reason: str) -> str:
    """Rename a file, under a name that no other has."""
    number = 1
    while (aside := path.with_name(f"{path.stem}-{date.today()}-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aside)
    return (
        f"The record of your progress could not be read: {reason}. "
        f"It is kept as {aside}, and a new record is started."
    )


def _code(error: sqlite3.Error) -> int:
    """SQLite's result code, without the details that its higher bits give."""
    return error.sqlite_errorcode & 0xFF
