"""What settings in a TOML file are held to, with errors that name the file and the mend."""

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


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
        raise ValueError(f"{where} is {value!r}; expected {expected}.")
