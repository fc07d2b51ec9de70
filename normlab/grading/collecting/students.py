"""The students of a class: who is who, by number where there is one, else by name."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from normlab.grading.collecting.owners import Owner
from normlab.grading.collecting.roster import Enrolled, Roster, Several
from normlab.grading.collecting.uploads import GRADESCOPE, NBGRADER, Trouble, Upload
from normlab.grading.person import Person

Key = tuple[str, str, str]
"""(system, name, number), as far as they tell a student from others."""
FULL_NAMES = ("Moodle", "Brightspace", "Google Classroom")
"""Systems that write a student's name in full."""


@dataclass
class Students:
    """Everybody who has uploaded something, or is on the roster.

    Args:
        people: what tables call a student -> who it is.
        uploads: what tables call a student -> the first upload; "" for who has none.
        partners: what tables call a student -> those who hand in together with him or her.
        troubles: strangers, and whose upload it is not known.
    """

    people: dict[str, Person] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    partners: dict[str, list[str]] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    names_of_several: set[str] = field(default_factory=set)
    labels: dict[Key, str] = field(default_factory=dict)

    def student_of(self, owner: Owner) -> str:
        """What tables call the owner of an upload."""
        return self.labels[_key(owner, self.names_of_several)]


def students_of(uploads: Iterable[Upload], roster: Roster | None) -> Students:
    """Tell the owners of uploads apart, and find them on the roster."""
    owned = [(owner, upload) for upload in uploads for owner in upload.owners]
    students = Students(names_of_several=_names_of_several(owned))
    found: dict[Key, tuple[Owner, Upload]] = {}
    for owner, upload in owned:
        found.setdefault(_key(owner, students.names_of_several), (owner, upload))
    students.troubles += _doubtful_names(owned, students.names_of_several)
    enrolled = _enrolled(found, roster, students) if roster else {}
    people = {key: _person(owner, enrolled.get(key)) for key, (owner, _) in found.items()}
    students.labels = _labels(found, people, enrolled)
    for key, label in students.labels.items():
        students.people[label] = people[key]
        students.uploads.setdefault(label, found[key][1].name)
    if roster:
        _add_absent(roster, enrolled, students)
    return students


def _key(owner: Owner, names_of_several: set[str]) -> Key:
    match owner.system:
        case "Canvas":
            return "Canvas", "", owner.id
        case "Brightspace":
            return "Brightspace", owner.name, owner.id
        case "Moodle":  # its number is another one in each assignment
            return "Moodle", owner.name, owner.id if owner.name in names_of_several else ""
        case _:
            return "", owner.login or owner.name, ""


def _names_of_several(owned: Iterable[tuple[Owner, Upload]]) -> set[str]:
    """Names that two students of one Moodle download have."""
    numbers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for owner, upload in owned:
        if owner.system == "Moodle":
            numbers[upload.container, owner.name].add(owner.id)
    return {name for (_, name), found in numbers.items() if len(found) > 1}


def _doubtful_names(
    owned: Iterable[tuple[Owner, Upload]], names_of_several: set[str]
) -> Iterator[Trouble]:
    """Where names and numbers do not say the same of who is who."""
    names: dict[str, dict[str, str]] = defaultdict(dict)
    downloads: dict[str, set[str]] = defaultdict(set)
    for owner, upload in owned:
        if owner.system == "Canvas":
            names[owner.id].setdefault(owner.name, upload.name)
        elif owner.system == "Moodle" and owner.name in names_of_several:
            downloads[owner.name].add(upload.container)
    for number, called in names.items():
        if len(called) > 1:
            reason = f"number {number} has several names here: {', '.join(called)}"
            mend = "if they are several students, put each one's files into a folder of its own"
            yield Trouble([*called.values()][-1], reason, mend)
    for name, there in downloads.items():
        if len(there) > 1:
            reason = "several students have this name, and Moodle's numbers differ in each download"
            yield Trouble(name, reason, "grade each download alone")


def _enrolled(
    found: Mapping[Key, tuple[Owner, Upload]], roster: Roster, students: Students
) -> dict[Key, Enrolled]:
    """The row of the roster of everybody who is on it."""
    rows: dict[Key, Enrolled] = {}
    where = roster.path.name
    for key, (owner, upload) in found.items():
        try:
            row = roster.find(owner)
        except Several as error:
            mend = "add the number, the login or the email that the name of the upload has"
            students.troubles.append(Trouble(upload.name, str(error), mend))
            continue
        if row is None:
            name = owner.full_name or owner.name
            reason = f"is not on {where}" if name in upload.name else f"{name} is not on {where}"
            mend = f"add a row to {where}, or find out whose it is"
            students.troubles.append(Trouble(upload.name, reason, mend))
        else:
            rows[key] = row
    for row, keys in _with_several_numbers(rows).items():
        uploads = [found[key][1].name for key in keys]
        reason = f"{len(keys)} students are called as {row.person.name}, one row of {where}"
        students.troubles += [Trouble(name, reason, mend_of_namesakes(where)) for name in uploads]
        rows = {key: each for key, each in rows.items() if key not in keys}
    return rows


def mend_of_namesakes(where: str) -> str:
    return f"add the other one to {where}, with the learning system's number of each"


def _with_several_numbers(rows: Mapping[Key, Enrolled]) -> dict[Enrolled, list[Key]]:
    """Rows that were found for several students of one system."""
    keys: dict[tuple[str, Enrolled], list[Key]] = defaultdict(list)
    for key, row in rows.items():
        system, _, number = key
        if number:
            keys[system, row].append(key)
    return {row: found for (_, row), found in keys.items() if len({k[2] for k in found}) > 1}


def _person(owner: Owner, row: Enrolled | None) -> Person:
    if row is not None:
        return (
            row.person
            if row.person.id or owner.system != "Canvas"
            else replace(row.person, id=owner.id)
        )
    name = owner.name if owner.system in FULL_NAMES else owner.full_name
    if owner.system == GRADESCOPE:
        return Person(name, "", "", owner.id, owner.login)
    return Person(name, owner.id if owner.system == "Canvas" else "", owner.login)


def _labels(
    found: Mapping[Key, tuple[Owner, Upload]],
    people: Mapping[Key, Person],
    enrolled: Mapping[Key, Enrolled],
) -> dict[Key, str]:
    """What tables call everybody: a name, and what tells namesakes apart."""
    first: dict[Key, str] = {}
    for key, (owner, _) in found.items():
        name = people[key].name if key in enrolled and owner.system != NBGRADER else ""
        first[key] = name or (owner.full_name if owner.system == "Blackboard" else "") or owner.name
    people_called: dict[str, set[object]] = defaultdict(set)
    for key, name in first.items():
        people_called[name].add(enrolled.get(key, key))
    return {
        key: name
        if len(people_called[name]) == 1
        else f"{name} ({_mark(found[key][0], people[key])})"
        for key, name in first.items()
    }


def _mark(owner: Owner, person: Person) -> str:
    """What tells somebody from others of the same name."""
    return owner.id or person.login or person.email or person.sis_id or person.id or owner.name


def _add_absent(roster: Roster, enrolled: Mapping[Key, Enrolled], students: Students) -> None:
    """Those of the roster who have uploaded nothing, and who hands in together."""
    label_of = {row: students.labels[key] for key, row in enrolled.items()}
    names = Counter(row.person.name for row in roster.people)
    for row in roster.people:
        if row not in label_of:
            name = row.person.name or row.person.login or row.person.email or row.person.id
            mark = row.person.login or row.person.email or row.person.id
            taken = name in students.people or names[row.person.name] > 1
            label_of[row] = f"{name} ({mark})" if taken and mark else name
            students.people[label_of[row]] = row.person
            students.uploads.setdefault(label_of[row], "")
    for row, label in label_of.items():
        together = (r for r in roster.people if row.group and r.group == row.group and r != row)
        students.partners[label] = [label_of[r] for r in together]
