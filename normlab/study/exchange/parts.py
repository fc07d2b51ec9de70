"""The values of an entry, as the file has them and as the record has them.

Each reader takes what stands in the file and gives what the record keeps, or raises a ValueError
whose text is what was expected.
"""

from collections.abc import Callable, Mapping
from typing import Any

MOST_POINTS, MOST_CLAIMS = 1e6, 10**6


def a_text(value: Any) -> str:
    """A text that can be written: JSON can hold half a character."""
    if not isinstance(value, str):
        raise ValueError("a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("a text of whole characters") from None
    return value


def a_name(value: Any) -> str:
    """A text that is not empty."""
    if value == "":
        raise ValueError("a name")
    return a_text(value)


def a_number(value: Any) -> float:
    """A number as a float.

    >>> a_number(3)
    3.0
    """
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not (known and 0 <= value <= MOST_POINTS):
        raise ValueError(f"a number from 0 to {MOST_POINTS:g}")
    return float(value)


def a_claim(value: Any) -> int:
    """The number of a claim."""
    if type(value) is not int or not 1 <= value <= MOST_CLAIMS:
        raise ValueError("a whole number from 1 on")
    return value


def a_percent(value: Any) -> int:
    """A share in percent, which is whole."""
    if type(value) is not int or not 0 <= value <= 100:
        raise ValueError("a whole number from 0 to 100")
    return value


def a_truth(value: Any) -> int:
    """True or false as the record has them, 1 or 0."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return int(value)


COLUMNS: Mapping[str, Mapping[str, Callable[[Any], Any]]] = {
    "answered": {"question": a_name, "answer": a_text, "surprise": a_number, "again": a_truth},
    "solved": {
        "exercise": a_name,
        "function": a_name,
        "points": a_number,
        "max_points": a_number,
    },
    "marked": {"claim": a_claim, "word": a_text},
    "bet": {"claim": a_claim, "word": a_text, "percent": a_percent},
    "tried": {
        "challenge": a_name,
        "rules": a_text,
        "settings": a_text,
        "score": a_number,
        "outcome": a_text,
    },
}
"""The names of an entry's values, in the order of `normlab.record.history.VALUES`."""
