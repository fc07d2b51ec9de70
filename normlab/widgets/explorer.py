"""The one mechanism behind every explorer: Python draws all frames, the browser turns pages.

A frame is a picture (SVG), one sentence that says what it shows, and a small table. The frames
of the current settings are drawn in one go and sent once, so a slider answers without Python,
also on a static page. Only a change of settings calls Python again.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import matplotlib as mpl
import traitlets

from normlab.figures.style import STYLE
from normlab.progress import progress
from normlab.table import Table
from normlab.widgets.frames import FramePainter, share_lines


@dataclass(frozen=True)
class Control:
    """What a learner can set: one of `values`, each shown as `show(value)`."""

    label: str
    values: Sequence[Any]
    show: Callable[[Any], str] = str
    start: int = 0
    kind: ClassVar[str]


class Slider(Control):
    """A control with ordered values, moved by mouse or arrow keys."""

    kind = "slider"


class Choice(Control):
    """A control with named values, chosen from a menu."""

    kind = "choice"


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
        size: of the figure, in inches.
    """

    compute: Callable[..., Any]
    draw: Callable[..., None]
    describe: Callable[..., tuple[str, Table]]
    columns: int = 1
    size: tuple[float, float] = (7.0, 3.4)


class Explorer(anywidget.AnyWidget):
    """A picture with controls.

    Args:
        title: the name of the explorer, shown above it.
        scene: what is computed, drawn and described.
        pages: controls by the name of the argument of `draw` and `describe` that they set.
            One frame is drawn for each combination; moving them needs no Python.
        settings: controls by the name of the argument of `compute` that they set. Changing
            one computes and draws all frames anew.
    """

    _esm = Path(__file__).parent / "explorer.js"
    _css = Path(__file__).parent / "explorer.css"

    title = traitlets.Unicode().tag(sync=True)
    controls: Any = traitlets.List().tag(sync=True)
    lines: Any = traitlets.List().tag(sync=True)
    frames: Any = traitlets.List().tag(sync=True)
    position: Any = traitlets.List().tag(sync=True)
    request = traitlets.Dict().tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)
    progress = traitlets.Float(1.0).tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        title: str,
        scene: Scene,
        pages: Mapping[str, Control],
        settings: Mapping[str, Control] | None = None,
    ) -> None:
        self._scene, self._pages, self._settings = scene, pages, settings or {}
        starts = {name: control.start for name, control in self._settings.items()}
        super().__init__(
            title=title,
            controls=[_control_state(n, c, "page") for n, c in pages.items()]
            + [_control_state(n, c, "setting") for n, c in self._settings.items()],
            position=[control.start for control in pages.values()],
            request={"id": 0, "settings": starts},
        )
        self._show(progress(self._draw_frames(starts), title, total=self._frame_count()))

    @traitlets.observe("request")
    def _on_request(self, change: traitlets.Bunch) -> None:
        """Answer the browser, which sends one request at a time and only the newest."""
        if change.new["id"] == self.answered:
            return
        self.progress, self.problem = 0.0, ""
        try:
            self._show(self._draw_frames(change.new["settings"]))
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error}"
            raise
        finally:
            self.progress, self.answered = 1.0, change.new["id"]

    def _show(self, frames: Iterable["_Frame"]) -> None:
        drawn = list(frames)
        self._first_png = drawn[self._frame_index()].png
        lines, runs = share_lines([frame.svg for frame in drawn])
        with self.hold_sync():
            self.lines = lines
            self.frames = [
                {
                    "runs": text,
                    "sentence": frame.sentence,
                    "columns": list(frame.table.columns),
                    "rows": frame.table.cells(),
                }
                for text, frame in zip(runs, drawn, strict=True)
            ]

    def _draw_frames(self, chosen: Mapping[str, int]) -> Iterator["_Frame"]:
        """Every frame of the chosen settings, drawn on one figure."""
        scene = self._scene
        values = {name: self._settings[name].values[index] for name, index in chosen.items()}
        data = scene.compute(**values)
        with mpl.rc_context(STYLE):
            painter = FramePainter(scene.columns, scene.size)
            for index, place in enumerate(itertools.product(*self._page_values())):
                position = dict(zip(self._pages, place, strict=True))
                painter.clear()
                scene.draw(data, painter.axes, **position)
                svg = painter.svg()
                png = painter.png() if index == self._frame_index() else b""
                yield _Frame(svg, png, *scene.describe(data, **position))
                self.progress = (index + 1) / self._frame_count()

    def _page_values(self) -> list[Sequence[Any]]:
        return [control.values for control in self._pages.values()]

    def _frame_count(self) -> int:
        return math.prod(len(values) for values in self._page_values())

    def _frame_index(self) -> int:
        """Where the current position stands in `frames`, whose last control varies fastest."""
        index = 0
        for place, values in zip(self.position, self._page_values(), strict=True):
            index = index * len(values) + place
        return index

    def sentence(self) -> str:
        """What the current picture shows, in one sentence."""
        return str(self.frames[self._frame_index()]["sentence"])

    def __repr__(self) -> str:
        return f"{self.title}: {self.sentence()}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget; where there is none (GitHub, paper), the current picture and sentence."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle or ({}, {})
        return {**data, "text/plain": repr(self), "image/png": self._first_png}, metadata


@dataclass(frozen=True)
class _Frame:
    svg: str
    png: bytes
    sentence: str
    table: Table


def _control_state(name: str, control: Control, role: str) -> dict[str, Any]:
    return {
        "name": name,
        "role": role,
        "kind": control.kind,
        "label": control.label,
        "values": [control.show(value) for value in control.values],
    }
