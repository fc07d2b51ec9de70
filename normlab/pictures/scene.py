"""What an explorer shows, and the frames of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from normlab.pictures.frames import Backgrounds, FramePainter, SharedLines
from normlab.pictures.style import styled
from normlab.tools.table import Table


@dataclass(frozen=True)
class Scene:
    """What an explorer shows.

    Args:
        compute: `compute(**settings)` returns the data of all frames.
        draw: `draw(data, axes, **position)` draws one frame on empty axes. Limits, ticks,
            scales and axis labels must be the same at every position.
        describe: `describe(data, **position)` returns one sentence on what the picture shows,
            and a Table of its numbers.
        columns: how many axes stand side by side; `axes` is an array of them if more than one.
        size: of the figure, in inches; by default axes are as wide as can be read on a phone.
        rows: of such columns, one below the other; `axes` has them row by row.
        rest: where every frame also shows the data of the others: `rest(data)` computes those, a
            piece at each step. What is drawn before the last step is drawn once more behind it.

    After a change of settings the frame in sight is drawn first. Where the data of all frames
    take long, let `compute` return an object that computes those of one position when it is
    asked, and keeps them, since `draw` and `describe` both ask:

    >>> import functools
    >>> class Stacks:
    ...     def __init__(self, seed):
    ...         self.at = functools.cache(lambda depth: [seed] * depth)
    >>> scene = Scene(
    ...     compute=Stacks,
    ...     draw=lambda data, ax, /, depth: ax.plot(data.at(depth)),
    ...     describe=lambda data, /, depth: (f"{depth} layers.", Table(("L",), [(depth,)])),
    ... )

    Axes whose limits, scales, ticks and labels are the same in all settings are laid out only
    once, which spares the first frame of a setting 100 to 400 ms.
    """

    compute: Callable[..., Any]
    draw: Callable[..., None]
    describe: Callable[..., tuple[str, Table]]
    columns: int = 1
    size: tuple[float, float] | None = None
    rows: int = 1
    rest: Callable[[Any], Iterable[Any]] | None = None

    @property
    def figure_size(self) -> tuple[float, float]:
        """In inches. On a phone axes side by side are put one below the other."""
        return self.size or (5.2 if self.columns == 1 else 3.7 * self.columns, 3.4 * self.rows)


class Drawing:
    """The frames of a scene at one choice of settings, to be drawn in any order."""

    def __init__(self, scene: Scene, data: Any, backgrounds: Backgrounds) -> None:
        self._scene, self._data = scene, data
        self._shared = SharedLines()
        with styled():
            self._painter = FramePainter(scene.columns, scene.figure_size, backgrounds, scene.rows)

    @property
    def background(self) -> str:
        """The picture of the axes, known when a frame is drawn."""
        return self._painter.background

    @property
    def shape(self) -> dict[str, Any]:
        """The size of the picture and its panels (left, top, width, height), in points."""
        return {"size": self._painter.size, "panels": self._painter.panels}

    @property
    def plots(self) -> list[dict[str, Any]]:
        """Where each axes stands in the picture, and which numbers its edges are."""
        return self._painter.plots

    @property
    def lines(self) -> list[str]:
        """The different lines of the pictures so far."""
        return self._shared.lines

    def rest(self) -> Iterable[Any]:
        """Steps behind which frames show all that they will show; none if they do at once."""
        return self._scene.rest(self._data) if self._scene.rest else ()

    def frame(self, position: dict[str, Any]) -> dict[str, Any]:
        """The frame at a position, as the browser takes it."""
        with styled():
            self._draw(position)
            runs = self._shared.add(self._painter.svg())
        sentence, table = self._scene.describe(self._data, **position)
        columns, rows = list(table.columns), table.cells()
        return {"runs": runs, "sentence": sentence, "columns": columns, "rows": rows}

    def sentence(self, position: dict[str, Any]) -> str:
        """What the picture at a position shows."""
        return self._scene.describe(self._data, **position)[0]

    def png(self, position: dict[str, Any]) -> bytes:
        """The picture at a position as one image, for where there is no widget."""
        with styled():
            self._draw(position)
            return self._painter.png()

    def _draw(self, position: dict[str, Any]) -> None:
        self._painter.clear()
        self._scene.draw(self._data, self._painter.axes, **position)
