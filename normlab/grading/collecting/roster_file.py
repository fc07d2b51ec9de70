"""The class in a CSV file, as Canvas and Moodle export it, or with plain columns."""

import csv
import difflib
import io
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from normlab.exercises import FUNCTIONS
from normlab.grading.collecting.names import composed
from normlab.grading.collecting.roster import Enrolled, Roster, letters
from normlab.grading.collecting.times import parse_time
from normlab.grading.person import Person

COLUMNS = {
    "name": ("student", "full name", "name", "student name", "display name"),
    "first": ("first name", "firstname", "given name", "vorname", "prénom", "nombre"),
    "last": ("last name", "lastname", "surname", "family name", "nachname", "nom", "apellido(s)"),
    "id": ("id", "canvas id", "user id"),
    "login": ("login", "sis login id", "username", "user name", "login id", "benutzername"),
    "sis_id": ("sis_id", "sis user id", "id number", "student id", "sid", "org defined id"),
    "email": ("email", "email address", "e-mail", "e-mail-adresse", "mail"),
    "section": ("section", "sections", "group name"),
    "number": ("identifier",),
    "group": ("group", "team", "partners"),
    "due": ("due", "due date"),
}
"""Field -> columns that hold it: of Canvas's gradebook, Moodle's participants, grades and grading
worksheet, or of a plain file; in any case of letters."""
WHO = ("name", "first", "last", "login", "email", "id", "sis_id")
MOST_BYTES = 20 * 2**20
QUOTED = re.compile(r'"[^"]*"')
MEANS_DUE = re.compile(r"due(\b|_)(?!.*\(\d+\)$)")
"""Not Canvas's own column of an assignment, which ends in the assignment's number."""
OFFSET = re.compile(r"(?:[+-]\d\d:?\d\d|Z)$")
NOT_PEOPLE = ("points possible", "student, test")
"""Rows of Canvas's gradebook that are nobody."""


def read_roster(path: Path) -> Roster:
    """The class in a CSV file.

    Raises:
        ValueError: if it is no such file; the message says what was found and expected.
        OSError: if there is none.
    """
    with path.open("rb") as file:
        data = file.read(MOST_BYTES)
    try:
        text = _text(data)
        table = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
        rows = [row for row in table if any(cell.strip() for cell in row)]
        rows = rows[1:] if rows and rows[0][0].startswith("sep=") else rows
        if not rows:
            raise ValueError("it is empty")
        return Roster(path, _people(rows))
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path} is no roster: {error}.") from None


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252")


def _delimiter(text: str) -> str:
    first = QUOTED.sub("", text.removeprefix("sep=").splitlines()[0] if text else "")
    return max(",;\t", key=first.count)


def _people(rows: list[list[str]]) -> Iterator[Enrolled]:
    header = [_plain(cell) for cell in rows[0]]
    places = {
        field: next((header.index(name) for name in names if name in header), -1)
        for field, names in COLUMNS.items()
    }
    if all(places[field] < 0 for field in WHO):
        raise ValueError(
            f"its columns are {', '.join(map(repr, rows[0]))}; expected at least one of 'name', "
            "'login', 'email' and 'id'"
        )
    due = _due_columns(header)
    for number, row in enumerate(rows[1:], 2):
        cells = [composed(" ".join(cell.split())) for cell in row]
        fields = {f: cells[i] if 0 <= i < len(cells) else "" for f, i in places.items()}
        each = _enrolled(fields, tuple(_due(row, due, number)))
        if each is not None:
            yield each


def _plain(cell: str) -> str:
    return " ".join(cell.strip().casefold().split())


def _enrolled(fields: dict[str, str], due: tuple[tuple[str, datetime], ...]) -> Enrolled | None:
    name = fields["name"] or f"{fields['first']} {fields['last']}".strip()
    if any(letters(name) == letters(nobody) for nobody in NOT_PEOPLE):
        return None
    person = Person(
        name,
        fields["id"],
        fields["login"],
        fields["sis_id"],
        fields["email"],
        fields["section"],
        due,
    )
    if not any((name, person.login, person.email, person.id, person.sis_id)):
        return None
    return Enrolled(person, fields["number"].rpartition(" ")[2], fields["group"])


def _due_columns(header: list[str]) -> dict[str, int]:
    """Exercise -> the column of its due date; "" stands for all exercises."""
    names = {name: "" for name in COLUMNS["due"]}
    names |= {f"due {exercise}": exercise for exercise in FUNCTIONS}
    meant = [name for name in header if MEANS_DUE.match(name) and name not in names]
    if meant:
        raise ValueError(
            f"it has the column {meant[0]!r}; expected 'due', or 'due' and an exercise, such as "
            f"{difflib.get_close_matches(meant[0], [*names], n=1, cutoff=0)[0]!r}"
        )
    return {names[name]: place for place, name in enumerate(header) if name in names}


def _due(row: list[str], columns: dict[str, int], number: int) -> Iterator[tuple[str, datetime]]:
    for exercise, column in columns.items():
        cell = row[column].strip() if column < len(row) else ""
        when = parse_time(cell)
        if cell and (when is None or not OFFSET.search(cell)):
            raise ValueError(
                f"row {number} has {cell!r} as a due date; expected a time with its offset from "
                "UTC, such as 2026-12-01T23:59:59+01:00"
            )
        if when:
            yield exercise, when
