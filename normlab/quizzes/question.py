"""Predict-then-reveal questions: their form, their files, and the checks when they are read.

A file holds the questions of one chapter:

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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LETTERS = "abcdef"

QUESTION = {"id": str, "text": str, "explanation": str, "option": list}
RIGHT_OPTION = {"text": str, "right": bool}
WRONG_OPTION = {"text": str, "why": str}
OF_WRONG_OPTIONS = {"misconception": str, "refute": str, "shows": str}


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
    questions: dict[str, Question] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        for question in read_chapter(path):
            if question.id in questions:
                other = questions[question.id].chapter
                raise ValueError(
                    f"{path.name}: question {question.id!r} has the id of one in {other}.toml; "
                    "ids are unique over the course, so rename one of the two."
                )
            questions[question.id] = question
    return questions


def read_chapter(path: Path) -> list[Question]:
    """The questions of one file.

    Args:
        path: a TOML file, named after its chapter.

    Raises:
        ValueError: if it is no TOML or not of the form above; it names file and question.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name} is not TOML: {error}. Mend that place.") from error
    _check(path.name, content, {"question": list})
    return [_question(path, entry, i) for i, entry in enumerate(content["question"], start=1)]


def _question(path: Path, entry: Any, number: int) -> Question:
    name = entry.get("id") if isinstance(entry, dict) else None
    where = f"{path.name}, question {name or number}"
    _check(where, entry, QUESTION)
    entries = entry["option"]
    if not 2 <= len(entries) <= len(LETTERS):
        raise ValueError(f"{where} has {len(entries)} options; give it 2 to {len(LETTERS)}.")
    options = tuple(
        _option(f"{where}, option ({letter})", option, letter)
        for option, letter in zip(entries, LETTERS, strict=False)
    )
    if (count := sum(option.right for option in options)) != 1:
        raise ValueError(
            f"{where} has {count} right options; mark exactly one with `right = true`."
        )
    texts = {key: entry[key].strip("\n") for key in ("id", "text", "explanation")}
    return Question(chapter=path.stem, options=options, **texts)


def _option(where: str, entry: Any, letter: str) -> Option:
    if isinstance(entry, dict) and entry.get("right"):
        _check(where, entry, RIGHT_OPTION)
        return Option(letter, entry["text"].strip("\n"), right=True)
    _check(where, entry, WRONG_OPTION, OF_WRONG_OPTIONS)
    if ("refute" in entry) != ("shows" in entry):
        raise ValueError(f"{where} has one of `refute` and `shows`; give both or neither.")
    return Option(letter, **{key: text.strip("\n") for key, text in entry.items()})


def _check(
    where: str,
    entry: Any,
    required: Mapping[str, type],
    optional: Mapping[str, type] | None = None,
) -> None:
    """Refuse a table that lacks a key, has an unknown one, or an empty or other kind of value."""
    kinds = {**required, **(optional or {})}
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is {entry!r}; expected a table of {', '.join(kinds)}.")
    if missing := sorted(required.keys() - entry.keys()):
        raise ValueError(f"{where} lacks {' and '.join(missing)}; add what is missing.")
    for key, value in entry.items():
        if key not in kinds:
            raise ValueError(f"{where} has the unknown key {key!r}; expected {', '.join(kinds)}.")
        if not isinstance(value, kinds[key]) or not value:
            expected = "a list of tables, [[…]]" if kinds[key] is list else "a text"
            raise ValueError(f"{where}: {key} is {value!r}; expected {expected}.")
