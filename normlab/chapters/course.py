"""The chapters of the course, each read from the `chapter.toml` in its folder.

number = "01"                       # as in the notebook's name
title = "Layer norm"
question = "What is normalized?"    # what the chapter answers
exercises = ["01_layer_norm"]       # those that can be solved after it
"""

import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated

from normlab.tools.toml_settings import TEXT, fill, read_settings

FOLDER = Path(__file__).parent
FILE = "chapter.toml"


@dataclass(frozen=True)
class Chapter:
    """What a chapter says of itself.

    Attributes:
        number, title, question, exercises: as in its file.
        name: of its folder, where its quiz and its stored results stand too.
    """

    number: Annotated[str, TEXT]
    title: Annotated[str, TEXT]
    question: Annotated[str, TEXT]
    exercises: list[str] = field(default_factory=list)
    name: str = ""

    @property
    def folder(self) -> Path:
        return FOLDER / self.name


@cache
def chapters() -> tuple[Chapter, ...]:
    """All chapters, in their order.

    Raises:
        ValueError: if a file is not as it should be, or two chapters have one number.

    >>> [chapter.title for chapter in chapters()][:2]
    ['Start here', 'Layer norm']
    """
    found = [read_chapter(path) for path in FOLDER.glob(f"*/{FILE}")]
    by_number = {chapter.number: chapter for chapter in found}
    if twice := [c.name for c in found if by_number[c.number] is not c]:
        other = next(c for c in found if c.name == twice[0])
        raise ValueError(
            f"{twice[0]}/{FILE}: {by_number[other.number].name} has the number {other.number!r} "
            "too; numbers are unique, so change one of the two."
        )
    return tuple(by_number[number] for number in sorted(by_number))


def read_chapter(path: Path) -> Chapter:
    """The chapter of one file.

    Raises:
        ValueError: that names the file and what is wrong in it.
    """
    chapter = read_settings(path, lambda text: fill(Chapter, tomllib.loads(text)))
    return replace(chapter, name=path.parent.name)


def find_chapter(number: str) -> Chapter:
    """The chapter of that number.

    Raises:
        ValueError: if there is none; it names those that there are.

    >>> find_chapter("06").name
    'gradient_flow'
    """
    by_number = {chapter.number: chapter for chapter in chapters()}
    if number not in by_number:
        known = ", ".join(by_number)
        raise ValueError(f"no chapter has the number {number!r}; expected one of {known}.")
    return by_number[number]
