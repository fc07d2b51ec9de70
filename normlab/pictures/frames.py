"""From data to frames: the axes are drawn once, and for each frame only what moves in them.

Ticks, labels and grids are most of the time and of the size of a matplotlib picture, so an
explorer of forty frames takes about a second this way instead of five. The browser, too,
turns a page in a third of the time when only the upper of two layers changes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from math import isclose
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from normlab.pictures.svg import POINTS, Panel, name_artists, panels, plot_of, to_svg

_TITLES: Any = ("left", "center", "right")

Look = tuple[Any, ...]
"""What the picture of axes without their content depends on, to be compared."""
Backgrounds = dict[tuple[Look, ...], tuple[str, list[Bbox], list[Panel]]]
"""By the look of the axes: their picture, where in the figure each stands, and the panels."""


class FramePainter:
    """One figure that is painted again and again on axes that stand still.

    A picture has two layers: `background`, the axes, known after the first `svg()`; and over
    it what `svg()` returns. `axes` is what to draw on: one Axes, or an array of them, row
    by row, if there are more. With the background are known `panels`, the part of the picture that
    each axes fills with its labels, and `plots`, which numbers stand where; all in points.

    Painters that share `backgrounds` lay out and paint axes of one look only once, which is
    most of the time of a first frame.
    """

    def __init__(
        self,
        columns: int,
        size: tuple[float, float],
        backgrounds: Backgrounds | None = None,
        rows: int = 1,
    ) -> None:
        self.figure = Figure(figsize=size, layout="constrained")
        grid: Any = self.figure.subplots(rows, columns, squeeze=False)
        self.axes: Any = grid.ravel() if grid.size > 1 else grid[0, 0]  # (rows, columns) -> (n,)
        self._columns = columns
        self.background = ""
        self.size = (size[0] * POINTS, size[1] * POINTS)
        self.panels: list[Panel] = []
        self.plots: list[dict[str, Any]] = []
        self._backgrounds = {} if backgrounds is None else backgrounds
        self._bare = [set(ax.get_children()) for ax in self.figure.axes]
        self._frozen: list[Look] = []

    def clear(self) -> None:
        """Leave nothing of what was drawn in the axes; limits, ticks and labels stay."""
        for ax, bare in zip(self.figure.axes, self._bare, strict=True):
            for artist in [a for a in ax.get_children() if a not in bare]:
                artist.remove()
            ax.containers.clear()  # bars leave theirs behind, and with it a legend entry
            ax.set_prop_cycle(None)  # colours begin anew
            for place in _TITLES:
                ax.set_title("", loc=place)

    def svg(self) -> str:
        """The moving layer as it is now: what is in the axes, and their titles.

        Raises:
            ValueError: if limits, scales or labels differ from those of the first call.
        """
        axes_now = [_what_stands_still(ax) for ax in self.figure.axes]
        if not self._frozen:
            self._frozen = axes_now
            self._settle()
        if not all(map(_alike, axes_now, self._frozen)):
            raise ValueError(
                f"the axes moved between frames, from {self._frozen} to {axes_now}; "
                "set the same limits, scales and labels in every frame."
            )
        for ax in self.figure.axes:
            name_artists(ax)
        with _hidden_axes(self.figure):
            return to_svg(self.figure)

    def png(self) -> bytes:
        """The whole picture as it is now."""
        buffer = BytesIO()
        self.figure.savefig(buffer, format="png", dpi=90, metadata={"Software": None})
        return buffer.getvalue()

    def _settle(self) -> None:
        """Lay the axes out and paint the background, or take both from axes of the same look."""
        looks = tuple(_look(ax) for ax in self.figure.axes)
        if looks not in self._backgrounds:
            layout: Any = self.figure.get_layout_engine()
            layout.execute(self.figure)
            places = [ax.get_position(original=True) for ax in self.figure.axes]
            self.figure.set_layout_engine("none")
            self._backgrounds[looks] = (
                self._paint_background(),
                places,
                panels(self.figure, self._columns),
            )
        self.figure.set_layout_engine("none")
        self.background, places, self.panels = self._backgrounds[looks]
        for ax, place in zip(self.figure.axes, places, strict=True):
            ax.set_position(place)
        self.plots = [plot_of(ax, self.figure) for ax in self.figure.axes if ax.axison]

    def _paint_background(self) -> str:
        artists = [
            artist
            for ax, bare in zip(self.figure.axes, self._bare, strict=True)
            for artist in ax.get_children()
            if artist not in bare or isinstance(artist, Text)  # bare texts are the titles
        ]
        for artist in artists:
            artist.set_visible(False)
        background = to_svg(self.figure)
        for artist in artists:
            artist.set_visible(True)
        return background


def _what_stands_still(ax: Axes) -> Look:
    scales, labels = (ax.get_xscale(), ax.get_yscale()), (ax.get_xlabel(), ax.get_ylabel())
    return (*ax.get_xlim(), *ax.get_ylim(), *scales, *labels)


def _alike(one: Look, other: Look) -> bool:
    """Equal but for the last digits of limits: matplotlib's own log scales do not repeat them."""
    return all(
        isclose(a, b, rel_tol=1e-9) if isinstance(a, float) else a == b
        for a, b in zip(one, other, strict=True)
    )


def _look(ax: Axes) -> Look:
    """What stands still, and all else that makes another background or another layout."""
    titles = [ax.get_title(place) for place in _TITLES]
    rows = [len(title.splitlines()) for title in titles]
    spines = [spine.get_visible() for spine in ax.spines.values()]
    ticks = _tick_look(ax.xaxis), _tick_look(ax.yaxis)
    return (*_what_stands_still(ax), *rows, *spines, *ticks, ax.axison, ax.get_aspect())


def _tick_look(axis: Axis) -> Look:
    """Places, labels and style of the ticks, without making the ticks, which is slow."""
    major, minor = axis.get_majorticklocs(), axis.get_minorticklocs()
    return (
        *(*major, *axis.get_major_formatter().format_ticks(list(major))),
        *(*minor, *axis.get_minor_formatter().format_ticks(list(minor))),
        str(axis.get_tick_params("major")),
        str(axis.get_tick_params("minor")),
    )


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


class SharedLines:
    """Texts that have most lines in common, one after the other; each line is kept once.

    >>> shared = SharedLines()
    >>> shared.add("a\\nb\\nc"), shared.add("a\\nb\\nd")
    ('0-2', '0-1 3-3')
    >>> shared.lines
    ['a', 'b', 'c', 'd']
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    @property
    def lines(self) -> list[str]:
        """Each different line once."""
        return list(self._places)

    def add(self, text: str) -> str:
        """The text as runs `first-last` of places in `lines`, which grows as needed."""
        known = self._places
        return " ".join(_runs([known.setdefault(line, len(known)) for line in text.split("\n")]))


def _runs(places: Sequence[int]) -> Iterator[str]:
    first = 0
    for i in range(1, len(places) + 1):
        if i == len(places) or places[i] != places[i - 1] + 1:
            yield f"{places[first]}-{places[i - 1]}"
            first = i
