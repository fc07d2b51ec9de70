"""Whose each upload is, by the outermost name that a system gave it.

What lies inside an upload never says whose it is.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from normlab.checks.cells import UnreadableFile
from normlab.grading.collecting.gradescope_metadata import autograder_users, export_users
from normlab.grading.collecting.handed_in import HandedIn, files_in
from normlab.grading.collecting.names import OLD, composed, without_zip
from normlab.grading.collecting.naming import owners_of
from normlab.grading.collecting.owners import Owner, owner_by_system
from normlab.grading.collecting.times import parse_time
from normlab.grading.collecting.tops import METADATA, SUBMITTED, Top, classes_within, tops_of
from normlab.grading.collecting.uploads import ALONE, NBGRADER, Arrangement, Trouble, Upload

TIME_FILE = "timestamp.txt"
NOT_ASKED = "neither a notebook nor a .py file"
NO_OWNER = "its name does not say whose it is"
INTO_A_FOLDER = "put it into a folder that is called as the student"


def arrange(root: Path) -> Arrangement:
    """Find the uploads in a folder or zip file.

    Raises:
        ValueError: if there is neither; or if Gradescope's metadata are none.
    """
    arrangement = Arrangement()
    files = list(files_in(root))
    for file in files:
        if file.is_junk:
            arrangement.others.append((file.origin, "an editor's or a system's own file"))
    name = composed(root.resolve().name)
    users = autograder_users(root)
    if users:
        kept = tuple(file for file in files if not file.is_junk)
        arrangement.uploads.append(Upload(tuple(users), name, kept))
        return arrangement
    container, tops = _descended(name, tops_of(files), arrangement)
    by_name = {top.name: top for top in tops}
    if SUBMITTED in by_name and by_name[SUBMITTED].is_folder:
        beside = [top for top in tops if top.name != SUBMITTED]
        _set_aside(beside, arrangement, "it lies beside the folder into which nbgrader collects")
        _add_nbgrader(by_name[SUBMITTED].tops, arrangement)
    elif container == SUBMITTED and not any(owner_by_system(top.name) for top in tops):
        _add_nbgrader(tops, arrangement)
    elif METADATA in by_name:
        _add_gradescope(by_name.pop(METADATA).files[0], by_name, arrangement)
    else:
        _add_named(container, tops, arrangement)
    return arrangement


def _descended(name: str, tops: list[Top], arrangement: Arrangement) -> tuple[str, list[Top]]:
    """(the name of what holds the uploads, what lies on top there), from the outermost on."""
    while name != SUBMITTED and not any(top.name in (SUBMITTED, METADATA) for top in tops):
        inner = [top for top in tops if top.may_be_handed_in]
        if not classes_within(inner):
            break
        _set_aside((top for top in tops if not top.may_be_handed_in), arrangement, NOT_ASKED)
        name = inner[0].name if len(inner) == 1 else name
        tops = tops_of(file for top in inner for file in top.contents)
    return name, tops


def _set_aside(tops: Iterable[Top], arrangement: Arrangement, reason: str) -> None:
    arrangement.others += [(file.origin, reason) for top in tops for file in top.files]


def _add_nbgrader(students: Iterable[Top], arrangement: Arrangement) -> None:
    """submitted/STUDENT/ASSIGNMENT/FILES; nbgrader's time lies beside these files, no deeper."""
    for student in students:
        if not student.is_folder:
            _cannot_assign(student, arrangement)
            continue
        assignments: dict[str, list[HandedIn]] = defaultdict(list)
        for file in student.files:
            assignments[file.folders[0] if file.folders else ""].append(file)
        for assignment, files in assignments.items():
            times = [f for f in files if f.name == TIME_FILE and len(f.folders) <= 1]
            when = next(filter(None, map(_time_in, times)), None)
            owner = Owner(
                *(NBGRADER, student.name, "", student.name, ""),
                order=when.timestamp() if when else 0.0,
                assignment=assignment,
                submitted=when,
            )
            kept = tuple(file for file in files if file not in times)
            arrangement.uploads.append(Upload((owner,), student.name, kept))


def _time_in(file: HandedIn) -> datetime | None:
    try:
        return parse_time(file.read().decode("utf-8", "replace"))
    except UnreadableFile:
        return None


def _add_gradescope(metadata: HandedIn, tops: dict[str, Top], arrangement: Arrangement) -> None:
    people = export_users(metadata)
    for name, top in tops.items():
        if name in people:
            owners = tuple(people[name])
            arrangement.uploads.append(Upload(owners, name, top.files))
        else:
            _cannot_assign(top, arrangement, "Gradescope's metadata do not name it")


def _add_named(container: str, tops: Sequence[Top], arrangement: Arrangement) -> None:
    """Each top's owner stands in its name; where no name has one, all is one student's."""
    _set_aside((top for top in tops if not top.may_be_handed_in), arrangement, NOT_ASKED)
    wanted = [top for top in tops if top.may_be_handed_in]
    owners = owners_of(container, tops)
    named = [top for top in wanted if owners[top.name] and top.name.lower() not in OLD]
    if wanted and not named:
        files = tuple(file for top in wanted for file in top.as_handed_in())
        alone = Owner(ALONE, without_zip(container))
        arrangement.uploads.append(Upload((alone,), container, files))
        return
    for top in wanted:
        owner = owners[top.name]
        if owner is None:
            _cannot_assign(top, arrangement)
        else:
            place = _origin(top).rpartition("/")[0]
            arrangement.uploads.append(Upload((owner,), top.name, top.files, place))


def _cannot_assign(top: Top, arrangement: Arrangement, reason: str = NO_OWNER) -> None:
    if top.may_be_handed_in:
        arrangement.troubles.append(Trouble(_origin(top), reason, INTO_A_FOLDER))
    else:
        _set_aside([top], arrangement, NOT_ASKED)


def _origin(top: Top) -> str:
    """The path of a top."""
    first = top.files[0]
    depth = len(first.folders) + bool(first.name) if top.is_folder else 0
    return first.origin.rsplit("/", depth)[0] if depth else first.origin
