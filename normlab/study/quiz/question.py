"""Predict-then-reveal questions: their form, their files, and the checks when they are read.

The file `quiz.toml` of a chapter holds its questions:

    [[question]]
    id = "one-hot"                      # unique over the course
    text = "…"                          # plain text; `code` in backticks; indented lines are code
    explanation = "…"                   # why the right option is right

    [[question.option]]                 # in the order in which they are shown: (a), (b), …
    text = "1.5"
    why = "…"                           # why this option is wrong
    misconception = "unbiased-std"      # the key of the misconception that it shows, if any
    refute = "print(…)"                 # a short program that shows it, if one can be run
    shows = "…"                         # what that program prints, exactly

    [[question.option]]
    text = "1.732"
    right = true
"""

import difflib
import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from normlab.chapters.course import Chapter, chapters
from normlab.tools.toml_settings import TEXT, fill

FILE = "quiz.toml"
LETTERS = "abcdef"


@dataclass(frozen=True)
class Option:
    """One answer to choose.

    Args:
        letter: how it is named: (a), (b), …
        text: what it says.
        right: whether it is the right answer.
        why: if it is wrong, why.
        misconception: if it is wrong, the key of the misconception that it shows, if any.
        refute, shows: a program that shows it to be wrong, and what that program prints.
    """

    letter: str
    text: str
    right: bool = False
    why: str = ""
    misconception: str = ""
    refute: str = ""
    shows: str = ""


@dataclass(frozen=True)
class Question:
    """A question with its options, exactly one of which is right."""

    id: str
    chapter: str
    text: str
    options: tuple[Option, ...]
    explanation: str

    @property
    def right(self) -> Option:
        return next(option for option in self.options if option.right)


def find_question(name: str) -> Question:
    """The question of that id.

    >>> find_question("one-hot").right.text
    '1.732'

    Raises:
        ValueError: if there is none; it names the ids that look alike.
    """
    questions = load_questions()
    if name not in questions:
        alike = difflib.get_close_matches(name, questions) or sorted(questions)
        raise ValueError(f"no question has the id {name!r}; expected, for instance, {alike[:5]}.")
    return questions[name]


@functools.cache
def load_questions() -> Mapping[str, Question]:
    """All questions of the course by their id, in the order of the chapters.

    Raises:
        ValueError: if a file is not as it should be, or if two questions have one id.
    """
    return questions_of(chapters())


def questions_of(course: Sequence[Chapter]) -> Mapping[str, Question]:
    """The questions of some chapters by their id; a chapter may have none.

    Raises:
        ValueError: if a file is not as it should be, or if two questions have one id.
    """
    questions: dict[str, Question] = {}
    for chapter in course:
        for question in read_questions(chapter.folder / FILE, chapter.number):
            if question.id in questions:
                other = questions[question.id].chapter
                raise ValueError(
                    f"{chapter.name}/{FILE}: question {question.id!r} has the id of one in chapter "
                    f"{other}; ids are unique over the course, so rename one of the two."
                )
            questions[question.id] = question
    return questions


@dataclass(frozen=True)
class _File:
    question: list[Mapping[str, Any]]


@dataclass(frozen=True)
class _Question:
    id: Annotated[str, TEXT]
    text: Annotated[str, TEXT]
    explanation: Annotated[str, TEXT]
    option: list[Mapping[str, Any]]


@dataclass(frozen=True)
class _RightOption:
    text: Annotated[str, TEXT]
    right: bool


@dataclass(frozen=True)
class _WrongOption:
    text: Annotated[str, TEXT]
    why: Annotated[str, TEXT]
    misconception: Annotated[str, TEXT] = ""
    refute: Annotated[str, TEXT] = ""
    shows: Annotated[str, TEXT] = ""


def read_questions(path: Path, chapter: str) -> list[Question]:
    """The questions of one file.

    Args:
        path: a TOML file.
        chapter: the number of its chapter.

    Raises:
        ValueError: if it is no TOML or not of the form above; it names file and question.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name} is not TOML: {error}. Mend that place.") from error
    entries = fill(_File, content, name).question
    return [_question(name, chapter, entry, i) for i, entry in enumerate(entries, start=1)]


def _question(file: str, chapter: str, entry: Mapping[str, Any], number: int) -> Question:
    where = f"{file} [question {entry.get('id', number)}]"
    read = fill(_Question, entry, where)
    if not 2 <= len(read.option) <= len(LETTERS):
        raise ValueError(f"{where} has {len(read.option)} options; give it 2 to {len(LETTERS)}.")
    options = tuple(
        _option(f"{where[:-1]}, option ({letter})]", option, letter)
        for option, letter in zip(read.option, LETTERS, strict=False)
    )
    if (count := sum(option.right for option in options)) != 1:
        raise ValueError(
            f"{where} has {count} right options; mark exactly one with `right = true`."
        )
    return Question(read.id, chapter, read.text.strip("\n"), options, read.explanation.strip("\n"))


def _option(where: str, entry: Mapping[str, Any], letter: str) -> Option:
    kind: type[Any] = _RightOption if entry.get("right") else _WrongOption
    read = asdict(fill(kind, entry, where))
    if bool(read.get("refute")) != bool(read.get("shows")):
        raise ValueError(f"{where} has one of `refute` and `shows`; give both or neither.")
    texts = {key: text.strip("\n") for key, text in read.items() if key != "right"}
    return Option(letter, right=kind is _RightOption, **texts)
