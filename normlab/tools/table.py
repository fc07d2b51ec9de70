"""A small table that reads well in a terminal, in a notebook and on GitHub."""

from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate


@dataclass(frozen=True)
class Table:
    """Named columns and rows of text or numbers; floats are shown to four significant digits.

    >>> print(Table(("norm", "mean"), [("LayerNorm", 0.0), ("RMSNorm", 0.123456)]))
    norm         mean
    ---------  ------
    LayerNorm       0
    RMSNorm    0.1235
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"a row has {len(row)} entries, but there are {len(self.columns)} columns: "
                    f"{row!r} under {tuple(self.columns)}."
                )

    def cells(self) -> list[list[str]]:
        """The rows as text, each number as it is shown."""
        return [[f"{v:.4g}" if isinstance(v, float) else str(v) for v in row] for row in self.rows]

    def __str__(self) -> str:
        return self._as("simple")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Texts to the left: a notebook puts every cell that says nothing to the right."""
        left = 'style="text-align: left;"'
        html = self._as("html")
        return html.replace("<td>", f"<td {left}>").replace("<th>", f"<th {left}>")

    def _as(self, form: str) -> str:
        """Digits as they are given ("0.50" stays "0.50"), columns of numbers to the right."""
        cells = self.cells()
        align = [
            "right" if all(map(_is_number, column)) else "left"
            for column in zip(*cells, strict=True)
        ]
        return str(tabulate(cells, self.columns, form, colalign=align, disable_numparse=True))


def _is_number(text: str) -> bool:
    try:
        float(text.replace("−", "-"))
    except ValueError:
        return False
    return True
