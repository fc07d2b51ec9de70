"""How checks and hints look: as a table in a notebook, as two columns elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape


def counted(number: float, thing: str) -> str:
    """
    >>> counted(1, "point"), counted(2, "point")
    ('1 point', '2 points')
    """
    shown = f"{number:,}" if isinstance(number, int) else f"{number:.4g}"
    return f"{shown} {thing}{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Hint:
    """A hint, in the look of a check.

    Args:
        function: what the question asks for.
        level: which the hint is for.
        number, of: of the hint, and how many there are for this level.
        text: of the hint.
        said: what the last check has said; "" before the first.
    """

    function: str
    level: str
    number: int
    of: int
    text: str
    said: str = ""

    def rows(self) -> list[tuple[str, str]]:
        rows = [(self.function, f"hint {self.number} of {self.of} on {self.level}")]
        rows += [("you know", self.said)] if self.said else []
        return [*rows, ("hint", self.text)]

    def __str__(self) -> str:
        return aligned(self.rows())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_table(self.rows())


def as_table(rows: Iterable[tuple[str, str]]) -> str:
    """Rows as an HTML table; checks and hints look so."""
    cells = (
        '<tr><th style="text-align: left; vertical-align: top; min-width: 6em">'
        f"{escape(label)}</th>"
        f'<td style="text-align: left; white-space: pre-wrap">{escape(text)}</td></tr>'
        for label, text in rows
    )
    return f"<table>{''.join(cells)}</table>"


def folded(title: str, content: str) -> str:
    """HTML that opens at a click; `content` is HTML, `title` a text."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def aligned(rows: list[tuple[str, str]]) -> str:
    """Two columns; further lines of a text stand below its first."""
    width = max((len(label) for label, _ in rows), default=0)
    return "\n".join(
        f"{label:{width}}  " + text.replace("\n", "\n" + " " * (width + 2)) for label, text in rows
    )
