"""Settings in TOML files: read into a dataclass, with errors that name the file and the mend."""

import dataclasses
import difflib
import math
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")

Value: TypeAlias = str | int | float | bool | None
NAMES = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    datetime: "a time",
    NoneType: '"none"',
}


@dataclass(frozen=True)
class Expected:
    """In `Annotated`, what is expected of a value besides its type, and how it is said.

    >>> as_hinted("seconds", -1, Annotated[float, Expected("a number above 0", lambda v: v > 0)])
    Traceback (most recent call last):
    ValueError: seconds is -1; expected a number above 0.
    """

    words: str
    right: Callable[[Any], bool]


def number(least: float, most: float) -> Expected:
    """A number from `least` to `most`, both allowed."""
    return Expected(f"a number from {least:.10g} to {most:.10g}", lambda v: least <= v <= most)


def whole_number(least: int) -> Expected:
    """A whole number from `least` on, or None where the hint allows it."""
    return Expected(f"a whole number from {least} on", lambda v: v is None or v >= least)


TEXT = Expected("a text", bool)
"""A text that is not empty."""


def read_settings(path: Path, parse: Callable[[str], T]) -> T:
    """What `parse` makes of the text in a file.

    Raises:
        ValueError: that names the file and what is wrong in it.
        OSError: if there is no such file.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors too
        raise ValueError(f"{path}: {error}") from error


def fill(kind: type[T], table: Any, where: str = "") -> T:
    """A dataclass from a table: its fields are the keys, and those with a default may be missing.

    Args:
        kind: a dataclass. Its hints may be text, numbers, booleans, times, these or None, lists
            and mappings of these, other dataclasses, and `Annotated` with an `Expected`.
        table: as tomllib reads it.
        where: how errors name the table; "" is the whole file.

    Raises:
        ValueError: that names the key, what was given, and what was expected.

    >>> @dataclass
    ... class Late:
    ...     per_day: float = 0.0
    >>> fill(Late, {"per_day": 1}, "[late]")
    Late(per_day=1.0)
    >>> fill(Late, {"per_dya": 1}, "[late]")
    Traceback (most recent call last):
    ValueError: [late] has the unknown key 'per_dya'; did you mean 'per_day'?
    """
    whole = where or "the file"
    expect(isinstance(table, dict), whole, table, "a table")
    hints = get_type_hints(kind, include_extras=True)
    refuse_unknown(whole, table, hints)
    if missing := [name for name in _needed(kind) if name not in table]:
        raise ValueError(f"{whole} lacks {' and '.join(missing)}; add what is missing.")
    right = {k: as_hinted(f"{where} {k}".strip(), v, hints[k]) for k, v in table.items()}
    return kind(**right)


def _needed(kind: Any) -> list[str]:
    nothing = dataclasses.MISSING
    fields = dataclasses.fields(kind)
    return [f.name for f in fields if f.default is nothing and f.default_factory is nothing]


def as_hinted(where: str, value: Any, hint: Any) -> Any:
    """`value` as a type hint has it: whole numbers as floats, "none" as None, tables filled in.

    Raises:
        ValueError: if the value is of another type, or not as an `Expected` has it.

    >>> as_hinted("clip", "none", float | None), as_hinted("clip", 1, float | None)
    (None, 1.0)
    """
    if hint is Any:
        return value
    if get_origin(hint) is Annotated:
        hint, expected = get_args(hint)
        right = _converted(where, value, hint, expected.words)
        expect(expected.right(right), where, value, expected.words)
        return right
    return _converted(where, value, hint, describe(hint))


def _converted(where: str, value: Any, hint: Any, words: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) or origin is Mapping:
        expect(isinstance(value, dict), where, value, words)
        if origin is not Mapping:
            kind: Any = hint
            return fill(kind, value, f"[{where}]")
        return {key: as_hinted(f"[{where}] {key}", entry, inner[1]) for key, entry in value.items()}
    if origin is list:
        expect(isinstance(value, list), where, value, words)
        return [as_hinted(f"{where}[{i}]", entry, inner[0]) for i, entry in enumerate(value)]
    return _scalar(where, value, kinds(hint), words)


def _scalar(where: str, value: Any, expected: tuple[type, ...], words: str) -> Any:
    if value == "none" and NoneType in expected:
        return None
    if type(value) is int and float in expected:
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is {value}; expected a finite number.")
    expect(type(value) in expected, where, value, words)
    return value


def kinds(hint: Any) -> tuple[type, ...]:
    """The types that a type hint allows.

    >>> kinds(int), kinds(float | None)
    ((<class 'int'>,), (<class 'float'>, <class 'NoneType'>))
    """
    return get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def describe(hint: Any) -> str:
    """What a type hint allows, in words.

    >>> describe(float | None), describe(list[int])
    ('a number or "none"', 'a list, each entry a whole number')
    """
    if dataclasses.is_dataclass(hint) or get_origin(hint) is Mapping:
        return "a table"
    if get_origin(hint) is list:
        return f"a list, each entry {describe(get_args(hint)[0])}"
    return " or ".join(NAMES[kind] for kind in kinds(hint))


def refuse_unknown(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise a ValueError for a key that is not known, with the nearest one that is.

    >>> refuse_unknown("[late]", ["per_dya"], ["per_day", "free_days"])
    Traceback (most recent call last):
    ValueError: [late] has the unknown key 'per_dya'; did you mean 'per_day'?
    """
    known = list(known)
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
            raise ValueError(f"{where} has the unknown key {key!r}; {hint}")


def expect(right: bool, where: str, value: object, expected: str) -> None:
    """Raise a ValueError that says what was given and what was expected, unless it is right.

    >>> expect(False, "seconds", -1, "a number above 0")
    Traceback (most recent call last):
    ValueError: seconds is -1; expected a number above 0.
    """
    if not right:
        raise ValueError(f"{where} is {_as_written(value)}; expected {expected}.")


def _as_written(value: object) -> str:
    """A value nearly as the file has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, date | time) else repr(value)
