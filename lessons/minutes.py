"""How long a chapter takes, by section: counted from its words, cells, questions and explorers.

A reader takes 200 words a minute, 45 seconds for a cell and its output, as long for a question,
3 minutes for an explorer or a token to grab, and 10 seconds to read a claim and mark it, 15 with a
bet. No learner was timed: it is an estimate, the same for every chapter.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from answers import FOLDED_TITLE
from nbformat import NotebookNode

from normlab.claims import seed_text, sentences
from normlab.study.quiz import find_question
from normlab.study.quiz.written import as_text

WORDS, CELL, QUESTION, EXPLORER, CLAIM, BET = 200, 0.75, 0.75, 3.0, 1 / 6, 1 / 4
CORE = 25
MARK = "{{ minutes }}"
GLOSSARY = "Letters and terms are in the [glossary](glossary.ipynb)."
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
TAG = re.compile(r"</?\w+>")
SHOWN_AGAIN = re.compile(r"your_(mark|bet)\(([\d, ]+)\)")
QUIZ = re.compile(r'quiz\("([^"]+)"\)')
APART = ("What you will be able to do", "The exercise", "Sources")
"""Sections that take no time of their own: lists to look up, and work that is timed by nobody."""


@dataclass(frozen=True)
class Section:
    """A section and how many minutes it takes; one with ★ is off the core path."""

    title: str
    minutes: float

    @property
    def core(self) -> bool:
        return "★" not in self.title


def sections(cells: Sequence[NotebookNode]) -> list[Section]:
    """The sections of a chapter from its cells; what stands before the first is left out."""
    titles: list[str] = []
    minutes: list[float] = []
    for cell in cells:
        if cell.cell_type != "markdown":
            if minutes:
                minutes[-1] += _of_code(cell.source)
            continue
        before, *rest = HEADING.split(cell.source)
        if minutes:
            minutes[-1] += _of_text(before)
        titles += rest[0::2]
        minutes += map(_of_text, rest[1::2])
    found = map(Section, titles, minutes)
    return [section for section in found if section.title not in APART]


def core_minutes(chapter: Sequence[Section]) -> int:
    """The minutes of the core path, rounded."""
    return round(sum(section.minutes for section in chapter if section.core))


def table(chapter: Sequence[Section]) -> str:
    """What stands for the mark at the top of a chapter."""
    core, whole = core_minutes(chapter), round(sum(section.minutes for section in chapter))
    said = f"**About {core} minutes.**"
    if whole > core:
        said = (
            f"**About {core} minutes** for the core path, {whole} with the sections marked ★. "
            "Those are folded: a click on the arrow beside the heading opens one."
        )
    rows = [f"| {section.title} | {max(1, round(section.minutes))} |" for section in chapter]
    return "\n".join([said, "", "| Section | Minutes |", "|---|--:|", *rows, "", GLOSSARY])


def _of_text(text: str) -> float:
    return len(TAG.sub("", text.replace(FOLDED_TITLE, "")).split()) / WORDS


def _of_code(source: str) -> float:
    if "explore_" in source or "grab_token" in source:
        return EXPLORER
    if asked := QUIZ.findall(source):
        return sum(QUESTION + _of_question(name) for name in asked)
    if "mark_seed_text()" in source:
        beside = _of_text(seed_text()) - sum(map(_of_text, sentences().values()))
        return beside + CLAIM * len(sentences())
    if shown := SHOWN_AGAIN.findall(source):
        each = {"mark": CLAIM, "bet": BET}
        return sum(each[kind] * len(numbers.split(",")) for kind, numbers in shown)
    return CELL


def _of_question(name: str) -> float:
    question = find_question(name)
    return _of_text(f"{as_text(question)} {question.explanation}")
