"""From data to frames: the axes are drawn once, and each frame only what moves in them.

Ticks, labels and grids are most of the time and of the size of a matplotlib picture, so an
explorer of forty frames takes about a second this way instead of five.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text

_FIGURE_GROUP = '<g id="figure_1">'


class FramePainter:
    """One figure that is painted again and again on axes that stand still.

    `axes` is what to draw on: one Axes, or an array of them if `columns` > 1.
    """

    def __init__(self, columns: int, size: tuple[float, float]) -> None:
        self.figure = Figure(figsize=size, layout="constrained")
        self.axes: Any = self.figure.subplots(1, columns)
        self._bare = [set(ax.get_children()) for ax in self.figure.axes]
        self._background = ""
        self._frozen: list[tuple[Any, ...]] = []

    def clear(self) -> None:
        """Remove everything that was drawn in the axes; limits, ticks and labels stay."""
        for ax, bare in zip(self.figure.axes, self._bare, strict=True):
            for artist in [a for a in ax.get_children() if a not in bare]:
                artist.remove()
            ax.containers.clear()  # bars leave theirs behind, and with it a legend entry

    def svg(self) -> str:
        """The picture as it is now: the axes as at the first call, and what is in them.

        Raises:
            ValueError: if limits, scales or labels differ from those of the first call.
        """
        axes_now = [_what_stands_still(ax) for ax in self.figure.axes]
        if not self._background:
            self.figure.draw_without_rendering()  # lay out once
            self.figure.set_layout_engine("none")
            self._frozen, self._background = axes_now, self._paint_background()
        if axes_now != self._frozen:
            raise ValueError(
                f"the axes moved between frames, from {self._frozen} to {axes_now}; "
                "set the same limits, scales and labels in every frame."
            )
        with _hidden_axes(self.figure):
            moving = _to_svg(self.figure)
        end = self._background.rindex("</svg>")
        return self._background[:end] + moving[moving.index(_FIGURE_GROUP) :]

    def png(self) -> bytes:
        """The whole picture as it is now."""
        buffer = BytesIO()
        self.figure.savefig(buffer, format="png", dpi=90, metadata={"Software": None})
        return buffer.getvalue()

    def _paint_background(self) -> str:
        artists = [
            artist
            for ax, bare in zip(self.figure.axes, self._bare, strict=True)
            for artist in ax.get_children()
            if artist not in bare or isinstance(artist, Text)  # bare texts are the titles
        ]
        for artist in artists:
            artist.set_visible(False)
        background = _to_svg(self.figure)
        for artist in artists:
            artist.set_visible(True)
        return background


def _what_stands_still(ax: Axes) -> tuple[Any, ...]:
    scales, labels = (ax.get_xscale(), ax.get_yscale()), (ax.get_xlabel(), ax.get_ylabel())
    return (*ax.get_xlim(), *ax.get_ylim(), *scales, *labels)


@contextmanager
def _hidden_axes(figure: Figure) -> Iterator[None]:
    """Without the figure's white ground, and without ticks, spines and labels."""
    shown = [ax.axison for ax in figure.axes]
    figure.patch.set_visible(False)
    for ax in figure.axes:
        ax.set_axis_off()
    yield
    figure.patch.set_visible(True)
    for ax, on in zip(figure.axes, shown, strict=True):
        ax.axison = on


def _to_svg(figure: Figure) -> str:
    # savefig would draw twice, once only to lay out
    buffer = BytesIO()
    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    return buffer.getvalue().decode()


def share_lines(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Each different line once, and each text as runs `first-last` of places in that list.

    >>> share_lines(["a\\nb\\nc", "a\\nb\\nd"])
    (['a', 'b', 'c', 'd'], ['0-2', '0-1 3-3'])
    """
    index: dict[str, int] = {}
    places = [[index.setdefault(line, len(index)) for line in t.split("\n")] for t in texts]
    return list(index), [" ".join(_runs(p)) for p in places]


def _runs(places: Sequence[int]) -> Iterator[str]:
    first = 0
    for i in range(1, len(places) + 1):
        if i == len(places) or places[i] != places[i - 1] + 1:
            yield f"{places[first]}-{places[i - 1]}"
            first = i
