"""Whose an upload is, as the name says that a learning system gave it.

Each system writes the student first and the student's own words last, so the first match counts.
No pattern here goes back over a long text: names come from anywhere.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from normlab.grading.collecting.names import (
    IN_FILENAME,
    read_name,
    without_archive,
    without_copy_of,
)
from normlab.grading.collecting.times import parse_time

LONGEST_NAME = 1000
LONGEST_NUMBER = 18
FOLDERS, FILE_NAMES, GOOGLE = "folders", "file names", "Google Classroom"
MOODLE = "_assignsubmission_"
ATTEMPT = re.compile(r"_attempt_(\d{4}(?:-\d\d){5})")
TYPED = ("_text.html", "_link.html")
TABLES = ("csv", "tsv", "xlsx", "xls", "ods", "toml", "yml", "yaml", "json", "md")
"""What lies beside uploads, and is a teacher's."""
NUMBERS = re.compile(r"(\d{1,18})-\d{1,18} - ")
DATE = re.compile(
    r" ?- (\w{3,9}\.? \d{1,2},? \d{4}|\d{1,2}\.? \w{3,9}\.?,? \d{4}|\d{4}-\d\d?-\d\d?|"
    r"\d\d?[-./]\d\d?[-./]\d{4}),? (\d{1,2})[:. h]{0,3}(\d\d) ?([AP]M\b)?",
    re.IGNORECASE,
)
DATE_FORMS = ("%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y", "%Y-%m-%d")


@dataclass(frozen=True)
class Owner:
    """Whose an upload is.

    Args:
        system: whose way of naming this is.
        name: of the student, as the system writes it.
        id: the system's number of the student; of the hand-in, with Moodle. "" if there is none.
        login: with which the student signs in.
        rest: the student's own words: what he or she called the file. "" for a folder.
        order: of a student's uploads, the greatest is the last.
        late: whether the system says so.
        assignment: that the system names.
        submitted: when, where the system says it with a zone.
        full_name: where the system tells it besides.
    """

    system: str
    name: str
    id: str = ""
    login: str = ""
    rest: str = ""
    order: float = 0.0
    late: bool = False
    assignment: str = ""
    submitted: datetime | None = None
    full_name: str = ""


def owner_by_system(name: str) -> Owner | None:
    """The owner that a learning system has written into a name; None if none has.

    >>> owner_by_system("lovelaceada_LATE_12_345_01_layer_norm-1.ipynb").id
    '12'
    >>> owner_by_system("Ada Lovelace_77_assignsubmission_file_").name
    'Ada Lovelace'
    >>> owner_by_system("Week 1_ada_attempt_2026-12-01-10-00-00_final.ipynb").login
    'ada'
    >>> owner_by_system("11-22 - Ada Lovelace - Dec 1, 2026 1003 PM").name
    'Ada Lovelace'
    >>> owner_by_system("ada+week1+2026-12-01 10:00:00 UTC").assignment
    'week1'
    """
    if len(name) > LONGEST_NAME:
        return None
    readers = (_moodle, _blackboard, _brightspace, _nbgrader, _canvas)
    return next(filter(None, (read(name) for read in readers)), None)


def _canvas(name: str) -> Owner | None:
    """NAME[_LATE]_USER_FILE_FILENAME (instructure/canvas-lms, content_zipper.rb); of an anonymous
    assignment `anon` and a word stand for NAME and USER."""
    if not _is_handed_in(name):
        return None
    if name.endswith(TYPED):
        return _typed_into_canvas(name)
    words = name.split("_")
    for i, word in enumerate(words[:-1]):
        head = [each for each in words[:i] if each != "LATE"] if _is_number(word) else []
        anonymous = head[-2:-1] == ["anon"]
        if anonymous or (len(head) > 1 and _is_number(head[-1])):
            break
    else:
        return None
    if IN_FILENAME.match("_".join(words[i:])):
        return None  # the second number is the exercise's
    user = f"anon_{head[-1]}" if anonymous else head[-1]
    student = "_".join(head[: -2 if anonymous else -1]) or user
    rest = "_".join(words[i + 1 :])
    return Owner("Canvas", student, user, "", rest, int(word), "LATE" in words[:i])


def _is_handed_in(name: str) -> bool:
    """Whether it has the suffix of a file that students hand in, of whatever kind."""
    suffix = name.rpartition(".")[2].lower()
    return suffix.isalnum() and not suffix.isdigit() and len(suffix) <= 8 and suffix not in TABLES


def _typed_into_canvas(name: str) -> Owner | None:
    """NAME[_LATE]_USER_text.html or _link.html: no file."""
    words = [word for word in name.split("_")[:-1] if word != "LATE"]
    if len(words) < 2 or not _is_number(words[-1]):
        return None
    return Owner("Canvas", "_".join(words[:-1]), words[-1])


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= LONGEST_NUMBER


def _moodle(name: str) -> Owner | None:
    """FULL NAME_NUMBER_assignsubmission_file_[FILENAME] (moodle, mod/assign/locallib.php)."""
    before, found, after = name.partition(MOODLE)
    student, _, number = before.rpartition("_")
    if not found or not student or not _is_number(number):
        return None
    return Owner("Moodle", student, number, rest=after.partition("_")[2])


def _blackboard(name: str) -> Owner | None:
    """ASSIGNMENT_USERNAME_attempt_TIME_FILENAME; of these times the zone is not known."""
    found = ATTEMPT.search(name)
    assignment, _, login = name[: found.start()].rpartition("_") if found else ("", "", "")
    if not found or not login:
        return None
    rest = name[found.end() :].removeprefix("_")
    order = float(found[1].replace("-", ""))
    return Owner("Blackboard", login, "", login, rest, order, assignment=assignment)


def _brightspace(name: str) -> Owner | None:
    """USER-FOLDER - FULL NAME - DATE [- FILENAME]; of these times the zone is not known."""
    numbers = NUMBERS.match(name)
    if not numbers:
        return None
    date = DATE.search(name, numbers.end() - 1)
    if not date:
        student, _, rest = name[numbers.end() :].partition(" - ")
        return Owner("Brightspace", student.strip(), numbers[1], rest=rest) if student else None
    student = name[numbers.end() : date.start()].strip()
    rest = name[date.end() :].lstrip(" -")
    return Owner("Brightspace", student, numbers[1], rest=rest, order=_order(date))


def _order(date: re.Match[str]) -> float:
    """Seconds, by which dates can be ordered; 0 where the month is in another language, or day
    and month may be exchanged."""
    for form in DATE_FORMS:
        try:
            words = date[1].replace(",", "").replace(".", "")
            day = datetime.strptime(words, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        half = (date[4] or "").upper()
        hour = int(date[2]) % 12 + 12 * (half == "PM") if half else int(date[2])
        return day.timestamp() + 3600 * hour + 60 * int(date[3])
    return 0.0


def _nbgrader(name: str) -> Owner | None:
    """STUDENT+ASSIGNMENT+TIME[+ID]: a folder of nbgrader's exchange."""
    words = name.split("+")
    for i in range(2, len(words)):
        when = parse_time(words[i])
        if when and words[i - 1]:
            student = "+".join(words[: i - 1])
            assignment = words[i - 1]
            return Owner(
                *("nbgrader", student, "", student, "", when.timestamp()),
                assignment=assignment,
                submitted=when,
            )
    return None


def owner_by_hand(name: str, is_file: bool) -> Owner | None:
    """Whose it is where no system has named it; None if the name says nothing.

    A folder or a zip file is called as its student; where a name holds an exercise's, the student
    stands before it, as in Google Classroom ("Ada Lovelace - 01_layer_norm.ipynb").

    >>> owner_by_hand("ada-01_layer_norm.ipynb", is_file=True).name
    'ada'
    >>> owner_by_hand("Untitled.ipynb", is_file=True) is None
    True
    >>> owner_by_hand("ada.zip", is_file=False).name
    'ada'
    """
    if not is_file:
        bare = without_archive(name)
        called = read_name(f"{bare}.zip")
        student = called.before if called.exercise else bare
        return Owner(FOLDERS, student) if student else None
    named = IN_FILENAME.search(name)
    place = name.rfind(" - ", 0, named.start()) if named else -1
    student = without_copy_of(name[:place]) if place > 0 else ""
    if student and read_name(name).exercise:
        return Owner(GOOGLE, student, rest=name[place + 3 :])
    before = read_name(name).before
    return Owner(FILE_NAMES, before, rest=name) if before else None
