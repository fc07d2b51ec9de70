"""The one mechanism behind every explorer: Python draws all frames, the browser turns pages.

A frame is a picture (SVG), one sentence that says what it shows, and a small table. All frames
of the current settings are sent once, so a slider answers without Python, also on a static
page. Only a change of settings calls Python again. It answers with the frame in sight, and
fills in the others behind it, until all are there or a newer change comes.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import traitlets

from normlab.pictures.frames import Backgrounds
from normlab.pictures.scene import Drawing, Scene
from normlab.pictures.stored_widget import StoredWidget
from normlab.tools.progress_bar import progress_bar

HERE = Path(__file__).parent
HEAD_START, BREATH = 0.1, 0.005
"""Seconds of rest after the frame in sight, and after each other one. In the first a learner
who is still dragging sends the next change; in the others the kernel reads its messages."""


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


class Explorer(
    StoredWidget,
    scripts=(HERE / "controls.js", HERE / "explorer.js"),
    styles=(HERE / "explorer.css",),
):
    """A picture with controls.

    Args:
        title: the name of the explorer, shown above it.
        scene: what is computed, drawn and described.
        pages: controls by the name of the argument of `draw` and `describe` that they set.
            One frame is drawn for each combination; moving them needs no Python.
        settings: controls by the name of the argument of `compute` that they set. Changing
            one computes and draws anew, the frame in sight first.
        formula: what is shown, as a row of terms; a term that stands for something in the picture
            is a pair with its colour: `["y = ", ("γ", GREEN), " x̂"]`.
    """

    title = traitlets.Unicode().tag(sync=True)
    formula: Any = traitlets.List().tag(sync=True)
    controls: Any = traitlets.List().tag(sync=True)
    background = traitlets.Unicode().tag(sync=True)
    shape = traitlets.Dict().tag(sync=True)
    plots: Any = traitlets.List().tag(sync=True)
    lines: Any = traitlets.List().tag(sync=True)
    frames: Any = traitlets.List().tag(sync=True)
    # no echo: it would turn the page back to where it was when the browser sent it
    position: Any = traitlets.List().tag(sync=True, echo_update=False)
    request = traitlets.Dict().tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)
    progress = traitlets.Float(1.0).tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    beside = traitlets.Bool(False).tag(sync=True)
    same: Any = traitlets.List().tag(sync=True)

    def __init__(
        self,
        title: str,
        scene: Scene,
        pages: Mapping[str, Control],
        settings: Mapping[str, Control] | None = None,
        formula: Sequence[str | tuple[str, str]] = (),
    ) -> None:
        self._scene, self._pages, self._settings = scene, pages, settings or {}
        self._places = list(itertools.product(*(range(len(c.values)) for c in pages.values())))
        self._backgrounds: Backgrounds = {}
        self.position = [control.start for control in pages.values()]
        self.request = {"id": 0, "settings": {n: c.start for n, c in self._settings.items()}}
        self._filling = self._fill(self.request)
        # drawn before the widget opens, so that its first state holds every frame
        drawn = filter(None, self._filling)  # 0.0 is progress without a finished frame
        deque(progress_bar(drawn, title, total=len(self._places)), maxlen=0)
        super().__init__(
            title=title,
            formula=[[term, ""] if isinstance(term, str) else list(term) for term in formula],
            controls=[control_state(n, c, "page") for n, c in pages.items()]
            + [control_state(n, c, "setting") for n, c in self._settings.items()],
        )

    @traitlets.observe("request")
    def _on_request(self, change: traitlets.Bunch) -> None:
        """Answer the browser, which sends one request at a time and only the newest."""
        if change.new["id"] != self.answered:
            self.progress, self.problem = 0.0, ""
            self._filling = self._fill(change.new)
            self._go_on(self._filling, HEAD_START)

    def _go_on(self, filling: Iterator[float], rest: float) -> None:
        """Draw the next frame; go on after a rest where a loop runs, at once where none does."""
        if filling is not self._filling:
            return  # a newer request came
        loop = _running_loop()
        try:
            for self.progress in filling:
                if loop:
                    loop.call_later(rest, self._go_on, filling, BREATH)
                    return
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error}"
            self.progress, self.answered = 1.0, self.request["id"]
            raise

    def _fill(self, request: dict[str, Any]) -> Iterator[float]:
        """Draw and send one frame at each step, the one nearest to the position; yield progress.

        Frames that show the data of others come first without, and again when those are there.
        """
        chosen = request["settings"].items()
        values = {name: self._settings[name].values[index] for name, index in chosen}
        drawing = Drawing(self._scene, self._scene.compute(**values), self._backgrounds)
        first, drafts = self._index(), False
        self._answer(request["id"], drawing, first)
        for _ in drawing.rest():
            drafts = True
            yield 0.0
            if self.frames[self._index()] is None:
                self._add(drawing, self._index())
        missing = [index for index in range(len(self._places)) if drafts or index != first]
        while missing:
            yield 1 - len(missing) / len(self._places)
            index = min(missing, key=self._distance)
            missing.remove(index)
            self._add(drawing, index)
        yield 1.0

    def _answer(self, request_id: int, drawing: Drawing, index: int) -> None:
        """Replace all frames by the first of a new setting."""
        frame = drawing.frame(self._position(index))
        self._drawing = drawing
        with self.hold_sync():
            self.background, self.lines = drawing.background, drawing.lines
            self.shape, self.plots = drawing.shape, drawing.plots
            self.frames = [frame if i == index else None for i in range(len(self._places))]
            self.answered = request_id

    def _add(self, drawing: Drawing, index: int) -> None:
        """Put a frame to the others, here and in the browser, without sending those again."""
        frame, first = drawing.frame(self._position(index)), len(self.lines)
        lines = drawing.lines[first:]
        self.lines.extend(lines)
        self.frames[index] = frame
        self.send({"index": index, "frame": frame, "first": first, "lines": lines})

    def _index(self) -> int:
        """Where the current position stands in `frames`, whose last control varies fastest."""
        return self._places.index(tuple(self.position))

    def _distance(self, index: int) -> int:
        """How many steps of the controls lie between a frame and the current position."""
        return sum(abs(a - b) for a, b in zip(self._places[index], self.position, strict=True))

    def _position(self, index: int) -> dict[str, Any]:
        """What the controls of the pages are set to in a frame."""
        pages = zip(self._pages.items(), self._places[index], strict=True)
        return {name: control.values[place] for (name, control), place in pages}

    def sentence(self) -> str:
        """What the current picture shows, in one sentence."""
        return self._drawing.sentence(self._position(self._index()))

    def __repr__(self) -> str:
        return f"{self.title}: {self.sentence()}"

    def stand_in(self) -> dict[str, str | bytes]:
        """The current picture; `repr` has its sentence."""
        return {"image/png": self._drawing.png(self._position(self._index()))}


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def control_state(name: str, control: Control, role: str) -> dict[str, Any]:
    return {
        "name": name,
        "role": role,
        "kind": control.kind,
        "label": control.label,
        "values": [control.show(value) for value in control.values],
    }
