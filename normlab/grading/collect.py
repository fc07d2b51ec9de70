"""The submissions of a class: of each file handed in, whose it is and what it answers."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from normlab.checks.cells import UnreadableFile, notebook_cells, python_cells
from normlab.exercises import FUNCTIONS
from normlab.grading.handed_in import HandedIn, files_in
from normlab.grading.names import EXERCISE_NAMES, FileName, read_name
from normlab.grading.person import Person
from normlab.tools.table import Table

SUFFIXES = (".ipynb", ".py")
JUNK = (".ipynb_checkpoints", "__pycache__", "__MACOSX", ".git", ".DS_Store", "Thumbs.db")
"""What systems and editors put beside a student's files."""
TIME_FILE, SUBMITTED = "timestamp.txt", "submitted"
"""nbgrader writes the one in folders of the other."""
METADATA = ("submission_metadata.json", "submission_metadata.yml")


@dataclass(frozen=True)
class Submission:
    """One student's file for one exercise.

    Args:
        student: as the path, or Gradescope's metadata, names him or her.
        exercise: such as "01_layer_norm".
        file: that was handed in.
        submitted: when, if that is known.
        name: what the path says besides.
        person: who that student is, as far as that is known.
        upload: the outermost name that the learning system gave: of a file, or of a folder.
    """

    student: str
    exercise: str
    file: HandedIn
    submitted: datetime | None = None
    name: FileName = field(default_factory=FileName)
    person: Person = field(default_factory=Person)
    upload: str = ""


@dataclass(frozen=True)
class Collection:
    """What was recognised, and what was not.

    Args:
        submissions: by student and exercise; one for each.
        others: (origin, why it is not graded).
        layout: whose download it is: "canvas", "moodle" and the like; "" if that is not known.
    """

    submissions: tuple[Submission, ...]
    others: tuple[tuple[str, str], ...]
    layout: str = ""

    @property
    def students(self) -> list[str]:
        return sorted({submission.student for submission in self.submissions})

    @property
    def exercises(self) -> list[str]:
        return sorted({submission.exercise for submission in self.submissions})

    def table(self) -> Table:
        """How many students have handed in each exercise."""
        counts = Counter(submission.exercise for submission in self.submissions)
        return Table(("exercise", "submissions"), [[e, counts[e]] for e in self.exercises])

    def reasons(self) -> Table:
        """Why files are not graded: how many, and one of them."""
        counts = Counter(reason for _, reason in self.others)
        first = {reason: origin for origin, reason in reversed(self.others)}
        rows = [[number, reason, first[reason]] for reason, number in counts.most_common()]
        return Table(("files", "not graded, because", "for instance"), rows)


def collect(root: Path) -> Collection:
    """Find the submissions below a folder, or in a zip file.

    Understood are folders of students with files in them (`ada/01_layer_norm.ipynb`), nbgrader's
    `submitted/ada/week1/01_layer_norm.ipynb`, the flat downloads of Canvas and others
    (`ada_12_345_01_layer_norm.ipynb`), exports of Gradescope and what its autograder gets, and
    zip files of these. Of files that a student handed in twice, the last one counts.

    Raises:
        ValueError: if `root` is neither a folder nor a zip file.
    """
    found: list[Submission] = []
    others: list[tuple[str, str]] = []
    files = list(files_in(root))
    about = _About(root, files)
    for file in files:
        if any(part in JUNK for part in (*file.folders, file.name)):
            others.append((file.origin, "an editor's or a system's own file"))
        elif file.name not in (TIME_FILE, *METADATA):
            recognised = _recognise(file, about)
            if isinstance(recognised, Submission):
                found.append(recognised)
            else:
                others.append((file.origin, recognised))
    return _latest(found, others)


def _recognise(file: HandedIn, about: "_About") -> Submission | str:
    """The submission, or why it is none."""
    if not file.name.lower().endswith(SUFFIXES):
        return "neither a notebook nor a .py file"
    name = read_name(file.folders[len(about.common) :], file.name)
    exercise = name.exercise
    if not exercise:
        try:
            exercise = _by_content(file)
        except UnreadableFile as error:
            return str(error).removeprefix(f"{file.origin} ")
    if not exercise:
        return "neither its name nor what it defines belongs to an exercise"
    student = about.people.get(name.student, name.student) or about.alone
    return Submission(student, exercise, file, about.time_of(file), name)


def _by_content(file: HandedIn) -> str:
    """The exercise of which a file defines most functions, "" if it defines none."""
    read = notebook_cells if file.name.lower().endswith(".ipynb") else python_cells
    defined = {name for cell in read(file.name, file.read()) for name in cell.defines()}
    counts = [len(defined & set(functions)) for functions in FUNCTIONS.values()]
    return EXERCISE_NAMES[counts.index(max(counts))] if max(counts) else ""


def _latest(found: Iterable[Submission], others: list[tuple[str, str]]) -> Collection:
    """One submission for each student and exercise: the last."""
    kept: dict[tuple[str, str], Submission] = {}
    for submission in found:
        key = submission.student, submission.exercise
        earlier = kept.get(key)
        if earlier is not None:
            submission, earlier = sorted((submission, earlier), key=_age, reverse=True)
            others.append((earlier.file.origin, "the student has handed in a later version"))
        kept[key] = submission
    return Collection(tuple(kept[key] for key in sorted(kept)), tuple(others))


def _age(submission: Submission) -> tuple[float, int, str]:
    when = submission.submitted.timestamp() if submission.submitted else 0.0
    return when, submission.name.version, submission.file.origin


class _About:
    """What teachers' tools have put beside the submissions. A student's own files do not count.

    Attributes:
        common: the folders that all files lie in.
        alone: the student where no path names one.
        people: folder of Gradescope's export -> student.
        times: folders -> when what is in them was handed in.
    """

    def __init__(self, root: Path, files: Sequence[HandedIn]) -> None:
        graded = [file.folders for file in files if file.name.lower().endswith(SUFFIXES)]
        same = takewhile(lambda names: len(set(names)) == 1, zip(*graded, strict=False))
        self.common = tuple(names[0] for names in same)
        self.alone = read_name(self.common, "").student or root.resolve().stem
        self.people: dict[str, str] = {}
        self.times: dict[tuple[str, ...], datetime] = {}
        for file in files:
            if file.name == TIME_FILE and SUBMITTED in (root.name, *file.folders):
                self._add_time(file.folders, file.read().decode("utf-8", "replace"))
            if file.name == METADATA[1] and file.folders in ((), self.common):
                self._read_export(file)
        for place in (root / METADATA[0], root.parent / METADATA[0]):
            if place.is_file():
                self._read_autograder(place)
                break

    def time_of(self, file: HandedIn) -> datetime | None:
        """When a file was handed in, if that is known."""
        places = (file.folders[:depth] for depth in range(len(file.folders), -1, -1))
        return next((self.times[place] for place in places if place in self.times), None)

    def _add_time(self, folders: tuple[str, ...], text: str) -> None:
        when = parse_time(text)
        if when:
            self.times[folders] = when

    def _read_autograder(self, path: Path) -> None:
        """What Gradescope puts beside the one submission that its autograder gets."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            names = [str(user.get("email") or user.get("name")) for user in data["users"]]
            when = str(data["created_at"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _no_metadata(str(path), error) from None
        self.alone = " + ".join(names) or self.alone
        self._add_time((), when)

    def _read_export(self, file: HandedIn) -> None:
        """What Gradescope puts into an export: folder -> submitters and time."""
        import yaml

        try:
            for folder, entry in yaml.safe_load(file.read()).items():
                people = entry[":submitters"]
                names = [str(p.get(":email") or p.get(":sid") or p.get(":name")) for p in people]
                self.people[str(folder)] = " + ".join(names)
                self._add_time((*file.folders, str(folder)), str(entry.get(":created_at", "")))
        except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
            raise _no_metadata(file.origin, error) from None


def _no_metadata(origin: str, error: Exception) -> ValueError:
    return ValueError(
        f"{origin} is no metadata of Gradescope: {error!r}. Mend it, or move it away; then "
        "students are named as their folders."
    )


def parse_time(text: str) -> datetime | None:
    """A time as nbgrader, Gradescope or ISO 8601 write it; without a zone it is UTC.

    >>> parse_time("2026-11-24 15:58:23.948203 America/Los_Angeles").isoformat()
    '2026-11-24T15:58:23.948203-08:00'
    """
    parts = re.fullmatch(r"\s*(\S+[ T]\S+?)(?:\s+(\S+))?\s*", text)
    if not parts:
        return None
    try:
        when = datetime.fromisoformat(parts[1] + _offset(parts[2]))
        zone = ZoneInfo(parts[2]) if parts[2] and not _offset(parts[2]) else UTC
    except (ValueError, ZoneInfoNotFoundError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=zone)


def _offset(zone: str | None) -> str:
    return zone if zone and re.fullmatch(r"[+-]\d\d:?\d\d", zone) else ""
