"""Whose each upload is, by the outermost name that a system gave it.

What lies inside an upload never says whose it is.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from normlab.checks.cells import UnreadableFile
from normlab.grading.collecting.classes import (
    classes_within,
    is_gradescopes,
    is_nbgraders,
    may_be_a_class,
    may_be_classes_or_students,
    submitted_among,
)
from normlab.grading.collecting.gradescope_metadata import autograder_users, export_users
from normlab.grading.collecting.handed_in import HandedIn, files_in
from normlab.grading.collecting.names import OLD, composed, is_graded, without_archive
from normlab.grading.collecting.naming import logins_of_clones, owners_of
from normlab.grading.collecting.own_results import without_results
from normlab.grading.collecting.owners import FOLDERS, Owner, owner_by_hand, owner_by_system
from normlab.grading.collecting.times import parse_time
from normlab.grading.collecting.tops import METADATA, SUBMITTED, Top, tops_of
from normlab.grading.collecting.uploads import ALONE, NBGRADER, Arrangement, Trouble, Upload
from normlab.grading.collecting.zip_files import forget_opened

TIME_FILE = "timestamp.txt"
NOT_ASKED = "neither a notebook nor a .py file"
SYSTEMS_OWN = "an editor's or a system's own file"
BESIDE_NBGRADERS = "it lies beside the folder into which nbgrader collects"
NBGRADERS = ("source", "release", "autograded", "feedback", "downloaded", "exchange")
"""The other folders of a course of nbgrader."""
CLASSES_OR_STUDENTS = (
    "each folder in it holds one exercise several times: it may be a part of the class, or a "
    "student with several versions"
)
TELL_CLASSES = (
    "call parts of a class week1, week2 or section A, section B; of a student keep one version"
)
A_CLASS = "it is taken for one student's, and may hold those of several"
TELL_A_CLASS = "if it holds a class, unpack it here; of a student keep one version"
EXPORT_AGAIN = "export the submissions once more"
NO_OWNER = "its name does not say whose it is"
INTO_A_FOLDER = "put it into a folder that is called as the student"


def arrange(root: Path) -> Arrangement:
    """Find the uploads in a folder or zip file.

    Raises:
        ValueError: if there is neither; or if Gradescope's metadata are none.
    """
    arrangement = Arrangement()
    forget_opened()
    files = list(without_results(files_in(root)))
    name = composed(root.resolve().name)
    users = autograder_users(root)
    if users:
        kept = tuple(file for file in files if not file.is_junk)
        arrangement.uploads.append(Upload(tuple(users), name, kept))
    else:
        _add(*_descended(name, tops_of(files), arrangement), arrangement)
    seen = {file.origin for upload in arrangement.uploads for file in upload.files}
    junk = (file.origin for file in files if file.is_junk and file.origin not in seen)
    arrangement.others += [(origin, SYSTEMS_OWN) for origin in junk]
    return arrangement


def _descended(name: str, tops: list[Top], arrangement: Arrangement) -> tuple[str, list[Top]]:
    """(the name of what holds the uploads, what lies on top there), from the outermost on."""
    while not _is_known(name, tops):
        inner = [top for top in tops if not _is_nobodys(top)]
        if not classes_within(inner):
            break
        if may_be_classes_or_students(inner):
            arrangement.troubles.append(Trouble(name, CLASSES_OR_STUDENTS, TELL_CLASSES))
        for top in filter(_is_nobodys, tops):
            _cannot_assign(top, arrangement)
        name = inner[0].name if len(inner) == 1 else name
        tops = tops_of(file for top in inner for file in top.contents)
    return name, tops


def _is_nobodys(top: Top) -> bool:
    """Whether it is a loose file that names nobody, such as a teacher's own solution."""
    named = owner_by_system(top.name) or owner_by_hand(top.name, True)
    return top.is_file and not (top.may_be_handed_in and named)


def _is_known(name: str, tops: Sequence[Top]) -> bool:
    """Whether a program has arranged this that can be told by the whole alone."""
    nbgraders = submitted_among(tops) or (name == SUBMITTED and is_nbgraders(tops))
    return bool(nbgraders or is_gradescopes(tops) or logins_of_clones(name, tops))


def _add(container: str, tops: list[Top], arrangement: Arrangement) -> None:
    submitted = submitted_among(tops)
    if submitted:
        for top in tops:
            if top is not submitted:
                _add_beside(top, arrangement)
        _add_nbgrader(submitted.tops, arrangement)
    elif container == SUBMITTED and is_nbgraders(tops):
        _add_nbgrader(tops, arrangement)
    elif is_gradescopes(tops):
        by_name = {top.name: top for top in tops}
        _add_gradescope(by_name.pop(METADATA).files[0], by_name, arrangement)
    else:
        _add_named(container, tops, arrangement)


def _add_beside(top: Top, arrangement: Arrangement) -> None:
    """What lies beside nbgrader's folder: its other folders, or perhaps a student's work."""
    theirs = top.is_file or top.name in NBGRADERS
    if theirs or not any(is_graded(file.name) or file.is_zip for file in top.files):
        _set_aside([top], arrangement, BESIDE_NBGRADERS)
    else:
        _cannot_assign(top, arrangement, BESIDE_NBGRADERS)


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
    for name in people.keys() - tops.keys():
        students = ", ".join(owner.full_name or owner.name for owner in people[name])
        reason = f"{metadata.origin} names it, and it is not there"
        arrangement.troubles.append(Trouble(f"{name} of {students}", reason, EXPORT_AGAIN))


def _add_named(container: str, tops: Sequence[Top], arrangement: Arrangement) -> None:
    """Each top's owner stands in its name; where no name has one, all is one student's."""
    owned = list(zip(tops, owners_of(container, tops), strict=True))
    wanted = [(top, owner) for top, owner in owned if top.may_be_handed_in]
    if not all(owner for _, owner in wanted) and not any(
        owner and top.name.lower() not in OLD for top, owner in wanted
    ):
        files = tuple(file for top, _ in wanted for file in top.as_handed_in())
        alone = Owner(ALONE, without_archive(container))
        arrangement.uploads.append(Upload((alone,), container, files))
        owned = [(top, None) for top, _ in owned if not top.may_be_handed_in]
    systems = {owner.system for _, owner in wanted if owner}
    for top, owner in owned:
        if owner and (top.may_be_handed_in or owner.system in systems):
            if owner.system == FOLDERS and may_be_a_class(top):
                arrangement.troubles.append(Trouble(_origin(top), A_CLASS, TELL_A_CLASS))
            place = _origin(top).rpartition("/")[0]
            arrangement.uploads.append(Upload((owner,), top.name, top.files, place))
        else:
            _cannot_assign(top, arrangement)


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
