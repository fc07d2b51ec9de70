"""Answers that are alike: the same but for names, comments and layout. A hint, and never points."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

from normlab.checks.cells import UnreadableFile, notebook_cells, python_cells
from normlab.exercises import FUNCTIONS
from normlab.grading import plain_answers, plain_code
from normlab.grading.batch import Batch, paper_of
from normlab.grading.collect import Submission
from normlab.grading.marks import Mark, StudentMarks
from normlab.grading.paper import Paper
from normlab.grading.plain_answers import PlainAnswer
from normlab.grading.store import Store
from normlab.study.folders import EXERCISES, SOURCES

KINDS = ("wrong", "partly", "right")
SHORTEST = {"wrong": 100, "partly": 250, "right": 250}
"""Characters of a student's own from which on two answers count as alike. What is short, or right,
is the same by chance."""
SCHEMA = "CREATE TABLE IF NOT EXISTS plain (key TEXT PRIMARY KEY, answers TEXT NOT NULL)"
Own: TypeAlias = Mapping[str, tuple[str, int]]
"""Function -> (fingerprint of the plain answer, characters that were not handed out)."""


@dataclass(frozen=True)
class Alike:
    """Answers of several students that are alike.

    Args:
        exercise, function: what they answer.
        kind: "wrong", "partly" or "right".
        mistakes: that all of them make.
        length: in characters of their own.
        answers: (student, file) of each.
    """

    exercise: str
    function: str
    kind: str
    mistakes: tuple[str, ...]
    length: int
    answers: tuple[tuple[str, str], ...]


class _Answer(NamedTuple):
    """An answer of one student, long enough to be compared."""

    key: tuple[str, str, str]
    kind: str
    mistakes: list[str]
    length: int
    student: str
    file: str


def find_alike(batch: Batch, store: Store, students: Iterable[StudentMarks]) -> list[Alike]:
    """The answers that are alike, the most telling first: wrong ones, then long ones.

    Answers that are the published solution, or what was handed out, do not count, and neither do
    those of two students who have handed in one file together.

    Args:
        batch: where the grades are.
        store: of the grades. What is compared is kept there too.
        students: the marks of all.
    """
    groups: dict[tuple[str, str, str], list[_Answer]] = defaultdict(list)
    for answer in _answers(batch, store, students):
        groups[answer.key].append(answer)
    several = (group for group in groups.values() if len({answer.file for answer in group}) > 1)
    return sorted(map(_together, several), key=lambda a: (KINDS.index(a.kind), -a.length))


def _together(group: Sequence[_Answer]) -> Alike:
    first, *others = group
    mistakes = [m for m in first.mistakes if all(m in other.mistakes for other in others)]
    exercise, function, _ = first.key
    answers = tuple((answer.student, answer.file) for answer in group)
    return Alike(exercise, function, first.kind, tuple(mistakes), first.length, answers)


def _answers(batch: Batch, store: Store, students: Iterable[StudentMarks]) -> Iterator[_Answer]:
    for student in students:
        for marks in student.exercises:
            own = keep_answers(batch.keys, store, marks.submission) if marks.graded else {}
            for mark in marks.marks:
                fingerprint, length = own.get(mark.diagnosis.function, ("", 0))
                kind = _kind(mark)
                if length >= SHORTEST[kind]:
                    key = marks.exercise, mark.diagnosis.function, fingerprint
                    file = marks.submission.file.origin
                    mistakes = mark.diagnosis.mistakes
                    yield _Answer(key, kind, mistakes, length, student.student, file)


def _kind(mark: Mark) -> str:
    """What the checks say of an answer, whatever points it was given by hand."""
    if mark.diagnosis.passed:
        return "right"
    return "partly" if mark.diagnosis.points else "wrong"


def keep_answers(keys: Mapping[Submission, str], store: Store, submission: Submission) -> Own:
    """What can be compared of a file; looked for once for each content, and kept."""
    store.connection.execute(SCHEMA)
    key = f"{keys[submission]} {_version()}"
    row = store.connection.execute("SELECT answers FROM plain WHERE key = ?", (key,)).fetchone()
    if row:
        kept: Own = json.loads(row[0])
        return kept
    own = own_answers(paper_of(submission))
    store.connection.execute("INSERT INTO plain VALUES (?, ?)", (key, json.dumps(own)))
    return own


@cache
def _version() -> str:
    """A fingerprint of the sources that decide what is alike."""
    sources = (Path(str(module.__file__)).read_bytes() for module in (plain_answers, plain_code))
    return hashlib.sha256(b"".join(sources)).hexdigest()[:16]


def own_answers(paper: Paper) -> Own:
    """The answers in a file, but for those that were published."""
    published, released = _published(paper.exercise)
    return {
        function: (answer.fingerprint, answer.without(released.get(function)))
        for function, answer in _plain(paper).items()
        if answer not in (published.get(function), released.get(function))
    }


@cache
def _published(exercise: str) -> tuple[Mapping[str, PlainAnswer], Mapping[str, PlainAnswer]]:
    """The answers of the published solution, and what was handed out in their places."""
    places = (SOURCES / "solutions", EXERCISES)
    contents = [(place / f"{exercise}.ipynb").read_bytes() for place in places]
    solution, released = (_plain(Paper(exercise, ".ipynb", content)) for content in contents)
    return solution, released


def _plain(paper: Paper) -> Mapping[str, PlainAnswer]:
    read = notebook_cells if paper.suffix == ".ipynb" else python_cells
    try:
        sources = [cell.source for cell in read(paper.exercise, paper.content)]
    except UnreadableFile:
        return {}
    return plain_answers.plain_answers(sources, FUNCTIONS[paper.exercise])
