"""The form of `quiz.toml`, and the checks when one is read.

    [[question]]
    id = "one-hot"                      # unique over the course
    theme = "geometry"                  # one of THEMES in question.py
    text = "…"                          # plain text; `code` in backticks; indented lines are code
    explanation = "…"                   # why the right answer is right
    compute = "print(…)"                # a program that prints the right answer, exactly
    source = "…"                        # or where it stands, if no program can tell
    deep = true                         # if it stands in a section marked ★
    numbers = [{D = 4}, {D = 9}]        # if it can be asked again with other numbers: {D} in a
                                        # text and D in `compute` stand for them

and one of the four kinds of answer.

    [[question.option]]                 # a choice, in the order (a), (b), …; `compute` prints
    text = "1.5"                        # the letter of the right one
    why = "…"                           # why this option is wrong
    misconception = "unbiased-std"      # the key of the misconception that it shows, if any
    refute = "print(…)"                 # a short program that shows it, if one can be run
    shows = "…"                         # what that program prints, exactly

    [[question.option]]
    text = "1.732"
    right = true

    [question.number]                   # a number to write; `compute` prints it
    answer = 1.732                      # with `numbers`, each of them has its own `answer` instead
    near = 0.05                         # right up to this difference, or factor if `log`
    far = 1.0                           # from here on as surprising as can be
    log = false
    unit = ""
    [[question.guess]]                  # a wrong number that many expect, if there is one
    value = 1.5
    why = "…"                           # and the other keys of a wrong option

    [question.drawing]                  # a curve to draw; `compute` prints the list of its heights
    answer = [1.0, 0.5, 0.25]
    near = 1.25                         # of the mean over the points, as for a number
    far = 10
    log = true
    x = ["1", "12", "24"]
    bottom = 0.01
    top = 10
    x_label = "layer"
    y_label = "gradient"

    [question.sentence]                 # a sentence to write
    points = ["the mean", "the size"]   # what a good answer names; the learner ticks them
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from normlab.study.quiz.answers import (
    LETTERS,
    Answers,
    Choice,
    Drawing,
    Guess,
    Number,
    Option,
    Scale,
    Sentence,
)
from normlab.tools.toml_settings import TEXT, fill

KINDS = ("option", "number", "drawing", "sentence")


@dataclass(frozen=True)
class _File:
    question: list[Mapping[str, Any]]


@dataclass(frozen=True)
class _Entry:
    id: Annotated[str, TEXT]
    theme: Annotated[str, TEXT]
    text: Annotated[str, TEXT]
    explanation: Annotated[str, TEXT]
    compute: str = ""
    source: str = ""
    deep: bool = False
    numbers: list[Mapping[str, Any]] = field(default_factory=list)
    option: list[Mapping[str, Any]] = field(default_factory=list)
    number: Mapping[str, Any] = field(default_factory=dict)
    guess: list[Mapping[str, Any]] = field(default_factory=list)
    drawing: Mapping[str, Any] = field(default_factory=dict)
    sentence: Mapping[str, Any] = field(default_factory=dict)


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


@dataclass(frozen=True)
class _Number:
    answer: float
    near: float
    far: float
    log: bool = False
    unit: str = ""


@dataclass(frozen=True)
class _Drawing:
    answer: list[float]
    near: float
    far: float
    x: list[str]
    bottom: float
    top: float
    x_label: str
    y_label: str
    log: bool = False


@dataclass(frozen=True)
class _Sentence:
    points: list[str]


def read_entries(path: Path, themes: Sequence[str]) -> list[list[dict[str, Any]]]:
    """The questions of one file, each with all its sets of numbers, as arguments of `Question`.

    Raises:
        ValueError: if it is no TOML or not of the form above; it names file and question.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name} is not TOML: {error}. Mend that place.") from error
    read = []
    for number, table in enumerate(fill(_File, content, name).question, start=1):
        where = f"{name} [question {table.get('id', number)}]"
        entry = fill(_Entry, table, where)
        _check(entry, themes, where)
        read.append([_asked(entry, numbers, where) for numbers in entry.numbers or [{}]])
    return read


def _check(entry: _Entry, themes: Sequence[str], where: str) -> None:
    if entry.theme not in themes:
        raise ValueError(
            f"{where} has the theme {entry.theme!r}; expected one of {', '.join(themes)}."
        )
    if bool(entry.compute) == bool(entry.source) and not entry.sentence:
        raise ValueError(
            f"{where} has {'both' if entry.source else 'none'} of `compute` and `source`; give a "
            "program that prints the answer, or, if none can, where it stands."
        )
    if len(kinds := [kind for kind in KINDS if getattr(entry, kind)]) != 1:
        raise ValueError(
            f"{where} has {' and '.join(kinds) or 'no answer'}; give one of {', '.join(KINDS)}."
        )


def _asked(entry: _Entry, numbers: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The question with one set of numbers."""
    try:
        filled = _filled(entry, numbers) if numbers else entry
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"{where}: {{{error}}} stands in a text and is not among its numbers {dict(numbers)}; "
            "add it, or double the brackets."
        ) from None
    return {
        "id": entry.id,
        "theme": entry.theme,
        "text": filled.text.strip("\n"),
        "explanation": filled.explanation.strip("\n"),
        "answers": _answers(filled, where),
        "compute": entry.compute.strip("\n"),
        "source": entry.source,
        "deep": entry.deep,
        "numbers": numbers,
        "variants": len(entry.numbers) or 1,
    }


def _filled(entry: _Entry, numbers: Mapping[str, Any]) -> _Entry:
    """The entry with numbers in place of the names in its texts; programs stay as they are."""

    def texts(table: Mapping[str, Any]) -> dict[str, Any]:
        spoken = {k: v.format_map(numbers) for k, v in table.items() if k in ("text", "why")}
        return {**table, **spoken}

    answer = {"answer": numbers["answer"]} if "answer" in numbers else {}
    return replace(
        entry,
        text=entry.text.format_map(numbers),
        explanation=entry.explanation.format_map(numbers),
        option=[texts(option) for option in entry.option],
        guess=[texts(guess) for guess in entry.guess],
        number={**entry.number, **answer} if entry.number else {},
        drawing={**entry.drawing, **answer} if entry.drawing else {},
    )


def _answers(entry: _Entry, where: str) -> Answers:
    if entry.option:
        return _choice(entry.option, where)
    if entry.number:
        number = fill(_Number, entry.number, f"{where} number")
        guesses = tuple(_guess(table, f"{where} guess") for table in entry.guess)
        return Number(number.answer, _scale(number, where), number.unit, guesses)
    if entry.drawing:
        return _curve(fill(_Drawing, entry.drawing, f"{where} drawing"), where)
    points = fill(_Sentence, entry.sentence, f"{where} sentence").points
    return Sentence(tuple(points))


def _choice(tables: Sequence[Mapping[str, Any]], where: str) -> Choice:
    if not 2 <= len(tables) <= len(LETTERS):
        raise ValueError(f"{where} has {len(tables)} options; give it 2 to {len(LETTERS)}.")
    options = tuple(
        _option(f"{where[:-1]}, option ({letter})]", table, letter)
        for table, letter in zip(tables, LETTERS, strict=False)
    )
    if (count := sum(option.right for option in options)) != 1:
        raise ValueError(
            f"{where} has {count} right options; mark exactly one with `right = true`."
        )
    return Choice(options)


def _option(where: str, entry: Mapping[str, Any], letter: str) -> Option:
    kind: type[Any] = _RightOption if entry.get("right") else _WrongOption
    return Option(letter, right=kind is _RightOption, **_stripped(fill(kind, entry, where), where))


def _guess(entry: Mapping[str, Any], where: str) -> Guess:
    value: Any = entry.get("value")
    if type(value) not in (int, float):
        raise ValueError(f"{where} has the value {value!r}; expected a number.")
    rest = {key: text for key, text in entry.items() if key != "value"}
    read = _stripped(fill(_WrongOption, {**rest, "text": str(value)}, where), where)
    del read["text"]
    return Guess(float(value), **read)


def _stripped(read: Any, where: str) -> dict[str, str]:
    entry = asdict(read)
    if bool(entry.get("refute")) != bool(entry.get("shows")):
        raise ValueError(f"{where} has one of `refute` and `shows`; give both or neither.")
    return {key: text.strip("\n") for key, text in entry.items() if key != "right"}


def _scale(read: _Number | _Drawing, where: str) -> Scale:
    least = 1.0 if read.log else 0.0
    if not least <= read.near < read.far:
        raise ValueError(
            f"{where} has near {read.near:g} and far {read.far:g}; expected "
            f"{least:g} ≤ near < far{', as factors' if read.log else ''}."
        )
    return Scale(read.near, read.far, read.log)


def _curve(read: _Drawing, where: str) -> Drawing:
    outside = [y for y in read.answer if not read.bottom <= y <= read.top]
    if len(read.answer) != len(read.x) or outside or (read.log and read.bottom <= 0):
        raise ValueError(
            f"{where} has {len(read.x)} places and the heights {read.answer}; expected as many "
            f"heights, from bottom {read.bottom:g} to top {read.top:g}, above 0 if `log`."
        )
    return Drawing(
        tuple(read.answer), _scale(read, where), tuple(read.x), read.bottom, read.top,
        read.x_label, read.y_label,
    )  # fmt: skip
