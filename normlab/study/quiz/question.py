"""Predict-then-reveal questions: what one is, and where they are found.

The file `quiz.toml` of a chapter holds its questions; `reading.py` has its form.
"""

import difflib
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from normlab.chapters.course import Chapter, chapters
from normlab.study.quiz.answers import Answers
from normlab.study.quiz.reading import read_entries

FILE = "quiz.toml"
THEMES = (
    "what is shared",
    "geometry",
    "gradients",
    "precision",
    "cost",
    "placement",
    "depth",
    "training",
    "code",
    "models in use",
    "claims",
)
"""What a question is about, for the learner's overview of surprises."""


@dataclass(frozen=True)
class Question:
    """A question as it is asked once.

    Args:
        id: unique over the course.
        chapter: the number of its chapter.
        theme: one of `THEMES`.
        text: what is asked.
        answers: what can be answered, and what is right.
        explanation: why that is right.
        compute: a program that prints the right answer: the letter of the option, the number, or
            the heights of the curve as a list.
        source: where the answer stands, if no program can tell.
        deep: whether it stands in a section off the core path.
        numbers: what stands for the names in its texts; a program has them as variables.
        variants: how often it can be asked with other numbers, this time included.
    """

    id: str
    chapter: str
    theme: str
    text: str
    answers: Answers
    explanation: str
    compute: str = ""
    source: str = ""
    deep: bool = False
    numbers: Mapping[str, Any] | None = None
    variants: int = 1


def find_question(name: str, variant: int = 0) -> Question:
    """The question of that id.

    Args:
        name: the id.
        variant: which of its sets of numbers is asked with; they begin anew after the last.

    >>> find_question("one-hot").answers.solution()
    '(c) 1.732'

    Raises:
        ValueError: if there is none; it names the ids that look alike.
    """
    questions = all_variants()
    if name not in questions:
        alike = difflib.get_close_matches(name, questions) or sorted(questions)
        raise ValueError(f"no question has the id {name!r}; expected, for instance, {alike[:5]}.")
    return questions[name][variant % len(questions[name])]


def load_questions() -> Mapping[str, Question]:
    """All questions of the course by their id, in the order of the chapters, as asked first."""
    return {name: variants[0] for name, variants in all_variants().items()}


@functools.cache
def all_variants() -> Mapping[str, tuple[Question, ...]]:
    """All questions of the course by their id, each with all its sets of numbers.

    Raises:
        ValueError: if a file is not as it should be, or if two questions have one id.
    """
    return questions_of(chapters())


def questions_of(course: Sequence[Chapter]) -> Mapping[str, tuple[Question, ...]]:
    """The questions of some chapters by their id; a chapter may have none.

    Raises:
        ValueError: if a file is not as it should be, or if two questions have one id.
    """
    questions: dict[str, tuple[Question, ...]] = {}
    for chapter in course:
        for entries in read_entries(chapter.folder / FILE, THEMES):
            variants = tuple(Question(chapter=chapter.number, **entry) for entry in entries)
            if (name := variants[0].id) in questions:
                other = questions[name][0].chapter
                raise ValueError(
                    f"{chapter.name}/{FILE}: question {name!r} has the id of one in chapter "
                    f"{other}; ids are unique over the course, so rename one of the two."
                )
            questions[name] = variants
    return questions
