"""What can be answered to a question: a choice, a number, a curve or a sentence.

Each kind knows how far an answer lies from the right one. The distance becomes a *surprise* from 0
(right) to 1 (as far off as counts).
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, ClassVar

LETTERS = "abcdef"
THREE_DIGITS = Context(prec=3, rounding=ROUND_HALF_UP)


def digits(value: float) -> str:
    """A number as the browser shows it (`digits` in kinds.js): a whole one with all its digits,
    another one with three.

    >>> digits(16777216), digits(0.123456), digits(-1.5e-7)
    ('16777216', '0.123', '-1.5e-7')
    """
    value = float(value) + 0.0  # not −0
    if not value.is_integer():
        value = float(THREE_DIGITS.create_decimal_from_float(value))
    if value and not 1e-6 <= abs(value) < 1e21:  # where JavaScript begins to write powers of ten
        return repr(value).replace("e-0", "e-")
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


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
class Choice:
    """One of several options, exactly one of which is right. An answer is its place, from 0.

    >>> Choice((Option("a", "1.5"), Option("b", "1.732", right=True))).surprise(0)
    1.0
    """

    options: tuple[Option, ...]
    kind: ClassVar[str] = "choice"

    @property
    def right(self) -> Option:
        return next(option for option in self.options if option.right)

    def surprise(self, given: int) -> float:
        return float(not self.options[given].right)

    def kept(self, given: int) -> str:
        """An answer as a text, for the learner's record, with all its digits."""
        return self.options[given].letter

    def solution(self) -> str:
        """The right answer, as a learner reads it."""
        return f"({self.right.letter}) {self.right.text}"


@dataclass(frozen=True)
class Scale:
    """How the distance of a number from the right one is measured.

    Args:
        near: up to this distance an answer is right.
        far: from this distance on it surprises as much as any.
        log: whether `near` and `far` are factors; else they are differences.

    >>> Scale(near=1.25, far=10, log=True).surprise([1.0], [100.0])
    1.0
    >>> Scale(near=0.5, far=4).surprise([3.0], [1.0])
    0.5
    """

    near: float
    far: float
    log: bool = False

    def distance(self, given: float, right: float) -> float:
        """The difference of two numbers; on a log scale the logarithm of their factor."""
        if not self.log:
            return abs(given - right)
        return abs(math.log(given / right)) if given * right > 0 else math.inf

    def surprise(self, given: Sequence[float], right: Sequence[float]) -> float:
        """From the mean distance: 0 up to `near`, then its share of `far`, at most 1."""
        mean = sum(map(self.distance, given, right)) / len(right)
        near, far = (math.log(self.near), math.log(self.far)) if self.log else (self.near, self.far)
        return 0.0 if mean <= near * (1 + 1e-9) else min(1.0, mean / far)


@dataclass(frozen=True)
class Guess:
    """A wrong number that many expect, and why it is wrong; like an `Option` otherwise."""

    value: float
    why: str
    misconception: str = ""
    refute: str = ""
    shows: str = ""


@dataclass(frozen=True)
class Number:
    """A number to write down.

    Args:
        answer: the right one.
        scale: how far is how wrong.
        unit: written behind it, such as "%".
        guesses: wrong numbers that are explained.

    >>> Number(1.732, Scale(near=0.01, far=1)).surprise(1.5) > 0
    True
    """

    answer: float
    scale: Scale
    unit: str = ""
    guesses: tuple[Guess, ...] = ()
    kind: ClassVar[str] = "number"

    def surprise(self, given: float) -> float:
        return self.scale.surprise([given], [self.answer])

    def kept(self, given: float) -> str:
        return repr(float(given)).removesuffix(".0")

    def solution(self) -> str:
        return f"{digits(self.answer)} {self.unit}".strip()


@dataclass(frozen=True)
class Drawing:
    """A curve to draw, by the height of a few points.

    Args:
        answer: the measured heights.
        scale: how far is how wrong, as a mean over the points.
        x: what is written below each point.
        bottom, top: of the vertical axis, which is logarithmic if the scale is.
        x_label, y_label: of the axes.
    """

    answer: tuple[float, ...]
    scale: Scale
    x: tuple[str, ...]
    bottom: float
    top: float
    x_label: str
    y_label: str
    kind: ClassVar[str] = "drawing"

    def surprise(self, given: Sequence[float]) -> float:
        return self.scale.surprise(given, self.answer)

    def kept(self, given: Sequence[float]) -> str:
        return json.dumps(list(given))

    def solution(self) -> str:
        points = zip(self.x, self.answer, strict=True)
        return "; ".join(f"{self.y_label} {digits(y)} at {self.x_label} {x}" for x, y in points)


@dataclass(frozen=True)
class Sentence:
    """A sentence to write. The learner then says which of the points it named.

    Args:
        points: what a good answer names.

    >>> Sentence(("the mean", "the size")).surprise({"text": "…", "said": [True, False]})
    0.5
    """

    points: tuple[str, ...]
    kind: ClassVar[str] = "sentence"

    def surprise(self, given: dict[str, Any]) -> float:
        return 1 - sum(given["said"]) / len(self.points)

    def kept(self, given: dict[str, Any]) -> str:
        return json.dumps(given, ensure_ascii=False)

    def solution(self) -> str:
        return "; ".join(self.points)


Answers = Choice | Number | Drawing | Sentence
