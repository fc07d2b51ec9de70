"""The submissions of a class: of each file handed in, whose it is and what it answers."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from normlab.exercises import not_judged_here
from normlab.grading.collecting.answers_in import Answer, answers_in
from normlab.grading.collecting.arrangement import arrange
from normlab.grading.collecting.handed_in import HandedIn
from normlab.grading.collecting.owners import Owner
from normlab.grading.collecting.roster import Roster
from normlab.grading.collecting.students import Students, students_of
from normlab.grading.collecting.uploads import Trouble
from normlab.grading.collecting.versions import Chosen, chosen_of
from normlab.grading.person import Person
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

LONGEST_SHOWN = 34


@dataclass(frozen=True)
class Submission:
    """One student's file for one exercise.

    Args:
        student: by which all tables call him or her.
        exercise: such as "01_layer_norm".
        file: that was handed in.
        submitted: when, if a system has said so.
        person: who that student is, as far as that is known.
        upload: the outermost name that the learning system gave: of a file, or of a folder.
        assignment: that the learning system names, "" if it names none.
        marked_late: whether it says so.
    """

    student: str
    exercise: str
    file: HandedIn
    submitted: datetime | None = None
    person: Person = field(default_factory=Person)
    upload: str = ""
    assignment: str = ""
    marked_late: bool = False


@dataclass(frozen=True)
class Collection:
    """What was recognised, and what was not.

    Args:
        submissions: by student and exercise; one for each.
        others: (origin, why it is not graded).
        troubles: what cannot be assigned, and whoever is missing.
        layout: whose download it is: "canvas", "moodle" and the like; "mixed" if several.
        said: what the whole is, in words.
        files: notebooks, .py files and archives that were handed in, junk not counted.
    """

    submissions: tuple[Submission, ...]
    others: tuple[tuple[str, str], ...]
    troubles: tuple[Trouble, ...] = ()
    layout: str = ""
    said: str = ""
    files: int = 0

    @property
    def students(self) -> list[str]:
        return sorted({submission.student for submission in self.submissions})

    @property
    def exercises(self) -> list[str]:
        return sorted({submission.exercise for submission in self.submissions})

    def who_handed_in_what(self) -> Table:
        """A row for each file that is to be graded."""
        rows = [[s.student, s.exercise, _below_root(s.file.origin)] for s in self.submissions]
        columns = ("student", "exercise", "file")
        if not any(s.submitted for s in self.submissions):
            return Table(columns, rows)
        times = [str(s.submitted or "") for s in self.submissions]
        with_times = [[*row, when] for row, when in zip(rows, times, strict=True)]
        return Table((*columns, "handed in"), with_times)

    def table(self) -> Table:
        """How many students have handed in each exercise."""
        counts = Counter(submission.exercise for submission in self.submissions)
        return Table(("exercise", "submissions"), [[e, counts[e]] for e in self.exercises])

    def reasons(self) -> Table:
        """Why files are not graded: how many, and one of them."""
        others = [(origin, reason.partition(": ")[0]) for origin, reason in self.others]
        counts = Counter(reason for _, reason in others)
        first = {reason: _shown(origin) for origin, reason in reversed(others)}
        rows = [[number, reason, first[reason]] for reason, number in counts.most_common()]
        return Table(("files", "not graded, because", "for instance"), rows)


def _below_root(origin: str) -> str:
    """A path without the folder or zip file that everything lies in."""
    return origin.partition("/")[2] or origin


def _shown(origin: str) -> str:
    """The end of a path: as much as a table of 80 columns has room for.

    >>> _shown("class.zip/ada/" + 60 * "x" + ".pdf")[:6], len(_shown("class.zip/" + 90 * "x"))
    ('…xxxxx', 34)
    """
    path = _below_root(origin)
    return path if len(path) <= LONGEST_SHOWN else f"…{path[1 - LONGEST_SHOWN :]}"


def collect(root: Path, roster: Roster | None = None) -> Collection:
    """Find the submissions below a folder, or in a zip file.

    Whose an upload is says the outermost name that a learning system gave it, or a folder's, or a
    file's name; which exercise it answers says the file's own name, else what it defines. Of
    several versions the newest counts.

    Args:
        root: the folder or zip file; `docs/teaching.md` shows what is understood.
        roster: the class, if it is known.

    Raises:
        ValueError: if `root` is neither a folder nor a zip file.
    """
    arrangement = arrange(root)
    others, troubles = [*arrangement.others], [*arrangement.troubles]
    files = len(troubles)
    answers: list[Answer] = []
    for upload in progress_bar(arrangement.uploads, "looking"):
        found = answers_in(upload)
        answers += found.answers
        others += found.others
        troubles += found.troubles
        files += found.files
    students = students_of(arrangement.uploads, roster)
    chosen = chosen_of(answers, students.student_of)
    submissions = _submissions(chosen, students)
    troubles += _differing_partners(chosen, students)
    judged = [s for s in submissions if not not_judged_here(s.exercise)]
    systems = arrangement.systems
    return Collection(
        tuple(sorted(judged, key=lambda s: (s.student, s.exercise))),
        (*others, *chosen.others, *_not_judged(submissions)),
        (*troubles, *students.troubles, *chosen.troubles, *_absent(students, submissions, roster)),
        systems[0].lower() if len(systems) == 1 else "mixed",
        arrangement.in_words(),
        files,
    )


def _not_judged(submissions: Iterable[Submission]) -> list[tuple[str, str]]:
    """Where files of exercises lie that cannot be judged here, and why."""
    reasons = ((s.file.origin, not_judged_here(s.exercise)) for s in submissions)
    return [(origin, why) for origin, why in reasons if why]


def _submissions(chosen: Chosen, students: Students) -> list[Submission]:
    """What counts for each student; a partner's file for who has none of his or her own."""
    found = {
        (student, exercise): _submission(student, answer, owner, students)
        for (student, exercise), (answer, owner) in chosen.answers.items()
    }
    for (student, exercise), (answer, owner) in chosen.answers.items():
        if len(_files_of_group(student, exercise, chosen, students)) > 1:
            continue
        for partner in students.partners.get(student, []):
            shared = _submission(partner, answer, owner, students)
            found.setdefault((partner, exercise), shared)
    return list(found.values())


def _files_of_group(
    student: str, exercise: str, chosen: Chosen, students: Students
) -> dict[str, str]:
    """Origin -> who of those that hand in together has handed it in."""
    members = [student, *students.partners.get(student, [])]
    there = [each for each in members if (each, exercise) in chosen.answers]
    return {chosen.answers[each, exercise][0].file.origin: each for each in there}


def _differing_partners(chosen: Chosen, students: Students) -> Iterator[Trouble]:
    """Who has handed in nothing, while several partners have handed in different files."""
    told = set()
    for student, exercise in chosen.answers:
        files = _files_of_group(student, exercise, chosen, students)
        for partner in students.partners.get(student, []):
            without = (partner, exercise) not in chosen.answers and (partner, exercise) not in told
            if len(files) > 1 and without:
                told.add((partner, exercise))
                reason = f"partners have handed in different files: {', '.join(sorted(files))}"
                yield Trouble(f"{partner}: {exercise}", reason, "keep the one that counts for all")


def _submission(student: str, answer: Answer, owner: Owner, students: Students) -> Submission:
    return Submission(
        student,
        answer.exercise,
        answer.file,
        owner.submitted,
        students.people[student],
        answer.upload.name,
        owner.assignment,
        owner.late,
    )


def _absent(
    students: Students, submissions: Iterable[Submission], roster: Roster | None
) -> Iterator[Trouble]:
    """Everybody of whom nothing is graded."""
    there = {submission.student for submission in submissions}
    for student, upload in students.uploads.items():
        if student in there:
            continue
        if upload:
            reason = "nothing in it is graded"
            mend = "ask for the notebook under its own name, such as 01_layer_norm.ipynb"
            yield Trouble(f"{student}: {upload}", reason, mend)
        elif roster:
            reason = f"is on {roster.path.name}, and has handed in nothing"
            yield Trouble(student, reason, "ask, or take the row off the roster")
