"""The class: who there is, who hands in together, and who has more time."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from normlab.grading.collecting.owners import Owner
from normlab.grading.person import Person


@dataclass(frozen=True)
class Enrolled:
    """A row of the roster.

    Args:
        person: who it is.
        number: Moodle's, of a hand-in.
        group: those with the same one hand in together; "" for alone.
    """

    person: Person
    number: str = ""
    group: str = ""


class Several(LookupError):
    """More than one row of the roster fits."""


class Roster:
    """A class.

    Args:
        path: of the file, for messages.
        people: its rows; the same one twice is one.
    """

    def __init__(self, path: Path, people: Iterable[Enrolled]) -> None:
        self.path, self.people = path, tuple(dict.fromkeys(people))
        people = self.people
        self._by: dict[str, Mapping[str, list[Enrolled]]] = {
            "id": _index((each.person.id.casefold(), each) for each in people),
            "login": _index((each.person.login.casefold(), each) for each in people),
            "sis_id": _index((each.person.sis_id.casefold(), each) for each in people),
            "email": _index((each.person.email.casefold(), each) for each in people),
            "number": _index((each.number, each) for each in people),
            "name": _index(
                (form, each) for each in people for form in name_forms(each.person.name)
            ),
        }

    def find(self, owner: Owner) -> Enrolled | None:
        """The row of an upload's owner; None if there is none.

        Raises:
            Several: if more than one row fits.
        """
        for field, text in _asked(owner):
            wanted = letters(text) if field == "name" else text.casefold()
            rows = self._by[field].get(wanted, []) if wanted else []
            if len(rows) > 1:
                rows = _closest(rows, owner)
            if len(rows) > 1:
                names = ", ".join(row.person.name or row.person.login for row in rows)
                raise Several(f"{len(rows)} rows of {self.path.name} fit: {names}")
            if rows:
                return rows[0]
            if field == "id" and owner.system == "Canvas" and self._by["id"]:
                return None  # a number decides, where the roster has them
        return None


def _closest(rows: list[Enrolled], owner: Owner) -> list[Enrolled]:
    """Of namesakes who has the owner's number; of names that differ by case alone, the same one."""
    numbered = [
        row
        for row in rows
        if owner.id and owner.id in (row.person.id, row.person.sis_id, row.person.login)
    ]
    by_case = len({row.person.name.casefold() for row in rows}) == 1
    same = [row for row in rows if by_case and row.person.name in (owner.name, owner.full_name)]
    return numbered or same or rows


def _asked(owner: Owner) -> list[tuple[str, str]]:
    """(field in which to look, what for), the surest first."""
    if owner.system == "Canvas":
        return [("id", owner.id), ("name", owner.name)]
    if owner.system == "Moodle":
        group, _, name = owner.name.partition("-")
        return [("number", owner.id), ("name", owner.name), *([("name", name)] if group else [])]
    if owner.system == "Brightspace":  # its number may be another's at the school
        return [("name", owner.name)]
    texts = dict.fromkeys((owner.login, owner.id, owner.name))
    asked = [(field, text) for text in texts for field in ("login", "email", "sis_id", "id")]
    return [*asked, ("name", owner.full_name), ("name", owner.name)]


def _index(pairs: Iterable[tuple[str, Enrolled]]) -> dict[str, list[Enrolled]]:
    found: dict[str, list[Enrolled]] = defaultdict(list)
    for key, each in pairs:
        if key:
            found[key].append(each)
    return dict(found)


def letters(name: str) -> str:
    """The letters, their marks, and digits of a name; spaces and accents' kinds do not count.

    >>> letters("Lovelace, Ada")
    'lovelaceada'
    """
    plain = unicodedata.normalize("NFC", name).casefold()
    return "".join(c for c in plain if unicodedata.category(c)[0] in "LMN")


def name_forms(name: str) -> set[str]:
    """The ways in which a name is written: first name first, or last.

    >>> sorted(name_forms("Ada King Lovelace"))
    ['adakinglovelace', 'kinglovelaceada', 'lovelaceadaking']
    """
    last, comma, first = name.partition(",")
    if comma:
        return {letters(name), letters(first + last)}
    words = name.split()
    turned = (" ".join(words[i:] + words[:i]) for i in range(len(words)))
    return {letters(each) for each in turned} if len(words) <= 6 else {letters(name)}
