"""`normlab review`: what was answered wrongly before, asked again in a terminal."""

import math
import re
import sys
from typing import Any

from normlab.record import open_record
from normlab.study.quiz import Choice, Drawing, Number, Question
from normlab.study.quiz.answers import Answers
from normlab.study.quiz.written import as_text
from normlab.study.reviews import due_now

THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
"""A comma before three digits stands between thousands, as in the texts; else it is a point."""
POWER = re.compile(r"(?:(.+)[·*x×])?10(?:\^|\*\*)\(?([+-]?\d+)\)?")


def review_command() -> int:
    """Ask each question that is due; the end of the input (Ctrl-D) stops, and loses nothing."""
    due, said = due_now()
    print(said)
    for number, question in enumerate(due, start=1):
        print(f"\n{number} of {len(due)}\n{as_text(question)}")
        try:
            given = _asked(question.answers)
        except EOFError:
            print("\nThe rest stays due.")
            return 0
        _keep_and_say(question, given)
    return 0


def _asked(answers: Answers) -> Any:
    """What the learner types, asked again until it can be read."""
    if not isinstance(answers, Choice | Number | Drawing):
        text = input("> ")
        print("A good answer names the following. Did yours? y or n")
        return {"text": text, "said": [_yes(point) for point in answers.points]}
    while True:
        try:
            return _read(answers, input("> "))
        except ValueError as error:
            print(error, file=sys.stderr)


def _read(answers: Choice | Number | Drawing, typed: str) -> int | float | list[float]:
    if isinstance(answers, Choice):
        letters = [option.letter for option in answers.options]
        if (letter := typed.strip(" ().").lower()) not in letters:
            raise ValueError(f"{typed!r} is none of the letters; type one of {', '.join(letters)}.")
        return letters.index(letter)
    if isinstance(answers, Number):
        return read_number(typed.removesuffix(answers.unit))
    heights = [read_number(part) for part in typed.split()]
    if len(heights) != len(answers.x):
        raise ValueError(
            f"{len(heights)} heights; type {len(answers.x)}, with spaces between them."
        )
    return heights


def _yes(point: str) -> bool:
    while (typed := input(f"  {point}? ").strip().lower()) not in ("y", "yes", "n", "no"):
        print("type y or n.", file=sys.stderr)
    return typed[0] == "y"


def _keep_and_say(question: Question, given: Any) -> None:
    answers = question.answers
    surprise = answers.surprise(given)
    with open_record() as record:
        notice = record.answered(question.id, answers.kept(given), surprise, again=True)
    print("✓ right." if surprise == 0 else f"✗ not right: {answers.solution()}.")
    if surprise and isinstance(answers, Choice):
        print(answers.options[given].why.replace("\n", " "))
    print(question.explanation.replace("\n", " "))
    if notice:
        print(notice)


def read_number(typed: str) -> float:
    """A number as a learner types it.

    >>> [read_number(text) for text in ("0,25", "1,000", "1/4", "2·10^-3", "−1e5")]
    [0.25, 1000.0, 0.25, 0.002, -100000.0]
    """
    above, slash, below = re.sub(r"[\s_]", "", typed).replace("−", "-").partition("/")
    try:
        number = _one(above) / _one(below if slash else "1")
    except (ValueError, ZeroDivisionError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{typed!r} is no number; type one such as 0.25, 1/4 or 1e-5.")
    return number


def _one(text: str) -> float:
    plain = text.replace(",", "" if THOUSANDS.fullmatch(text) else ".")
    power = POWER.fullmatch(plain)
    return float(power[1] or 1) * 10.0 ** int(power[2]) if power else float(plain)
