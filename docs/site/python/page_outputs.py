"""What a cell shows in a page: what it prints, values by MIME type, and errors."""

import base64
import io
import re
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

MOST_PRINTED = 100_000
"""Characters that a cell may print."""
SECONDS_BETWEEN_TEXTS = 0.05


class Printed(io.TextIOBase):
    """What a cell prints, sent in pieces as it comes."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send, self._text, self._count, self._sent = send, "", 0, 0.0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = MOST_PRINTED - self._count
        self._count += len(text)
        if room > 0:
            self._text += text[:room] + ("\n…\n" if len(text) > room else "")
            if time.monotonic() - self._sent > SECONDS_BETWEEN_TEXTS:
                self.flush()
        return len(text)

    def flush(self) -> None:
        if self._text:
            text, self._text, self._sent = self._text, "", time.monotonic()
            self._send(text)

    def end(self) -> None:
        """Send the rest; the next cell may print as much again."""
        self.flush()
        self._count = 0


def forms_of(value: Any, raw: bool = False) -> dict[str, Any]:
    """A value by MIME type, as Jupyter asks for it; bytes in base64.

    Args:
        value: anything; with `raw` the forms themselves.

    >>> forms_of(2)
    {'text/plain': '2'}
    >>> forms_of({"image/png": b"abc"}, raw=True)
    {'image/png': 'YWJj'}
    """
    forms: dict[str, Any] = value if raw else {"text/plain": repr(value), **_rich(value)}
    return {
        mime: base64.b64encode(form).decode() if isinstance(form, bytes) else form
        for mime, form in forms.items()
        if form is not None
    }


def _rich(value: Any) -> dict[str, Any]:
    if hasattr(value, "_repr_mimebundle_"):
        made = value._repr_mimebundle_()
        bundle: dict[str, Any] = made[0] if isinstance(made, tuple) else made
        return bundle
    methods = {"text/html": "_repr_html_", "image/png": "_repr_png_"}
    return {mime: getattr(value, name)() for mime, name in methods.items() if hasattr(value, name)}


def placed(said: Any, cell: str, function: str, source: str) -> Any:
    """What a diagnosis says, with a line of an answer's cell as the page has it.

    Args:
        said: a text, or lists and dictionaries of texts.
        cell: the name of the answer's cell in a diagnosis.
        function: what the answer defines.
        source: of the cell.

    >>> placed("… (a.ipynb, code cell 4, line 2)", "a.ipynb, code cell 4", "f", "x\\n1 +")
    '… (line 2 of your f: `1 +`)'
    """
    if isinstance(said, str):
        lines = source.splitlines()

        def place(found: re.Match[str]) -> str:
            line = "".join(lines[int(found[1]) - 1 : int(found[1])]).strip()
            return f"line {found[1]} of your {function}" + (f": `{line}`" if line else "")

        return re.sub(rf"{re.escape(cell)}, line (\d+)", place, said)
    if isinstance(said, dict):
        return {key: placed(value, cell, function, source) for key, value in said.items()}
    if isinstance(said, list | tuple):
        return [placed(value, cell, function, source) for value in said]
    return said


def told(error: BaseException, name: str) -> str:
    """An error as Python tells it, from the cell `name` on.

    >>> try:
    ...     exec(compile("1 / 0", "a cell", "exec"))
    ... except ZeroDivisionError as error:
    ...     print(told(error, "a cell").splitlines()[-1])
    ZeroDivisionError: division by zero
    """
    lines = traceback.extract_tb(error.__traceback__)
    first = next((i for i, line in enumerate(lines) if line.filename == name), len(lines))
    own = lines[first:]
    head = ["Traceback (most recent call last):\n", *traceback.format_list(own)] if own else []
    return "".join([*head, *traceback.format_exception_only(error)]).rstrip()


def with_buttons(rows: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The rows of a diagnosis, where a hint is a button.

    >>> with_buttons([("f", "✗ not yet"), ("help", "hint(f) gives the next hint")])
    [('f', '✗ not yet'), ('help', 'the button Hint gives the next hint')]
    """
    here = "the button Hint gives the next hint"
    return [(label, here if label == "help" else text) for label, text in rows]
