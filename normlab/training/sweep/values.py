"""The values of a row of results, and their text in a table."""

from typing import Any

from normlab.tools.toml_settings import Value, kinds


def to_text(value: Value) -> str:
    """A cell: "" for None, every digit of a float.

    >>> [to_text(value) for value in (None, True, 0.1, "copy")]
    ['', 'True', '0.1', 'copy']
    """
    return "" if value is None else str(value)


def from_text(text: str, hint: Any) -> Value:
    """The value that `to_text` wrote.

    Raises:
        ValueError: if the text is no value of that type.

    >>> from_text("0.5", float | None), from_text("", float | None), from_text("True", bool)
    (0.5, None, True)
    """
    kind, *others = kinds(hint)
    if text == "" and others:
        return None
    if kind is bool:
        if text not in ("True", "False"):
            raise ValueError(f"{text!r} is neither True nor False.")
        return text == "True"
    value: Value = kind(text)
    return value
