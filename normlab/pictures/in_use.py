"""What a learner's own answers make: a picture, and a sentence or two on what it shows."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

from normlab.pictures.frames import FramePainter
from normlab.pictures.style import styled


@dataclass(frozen=True)
class Picture:
    """A picture with its caption; where there are no pictures, the caption alone."""

    png: bytes
    caption: str

    def __repr__(self) -> str:
        return self.caption

    def _ipython_display_(self) -> None:
        """Two outputs, so that the caption stands below the picture wherever it is shown."""
        from IPython import display  # takes 0.3 s

        show: Any = display.display
        show({"image/png": self.png, "text/plain": "a picture"}, raw=True)
        show({"text/html": f"<p>{escape(self.caption)}</p>", "text/plain": self.caption}, raw=True)


@dataclass(frozen=True)
class Use:
    """What a chapter makes of a learner's answers.

    Args:
        compute: `compute(*answers)` runs them, and returns the data of the picture.
        draw: `draw(data, axes)`; `axes` is an array if there is more than one.
        describe: `describe(data)` says what is seen, with numbers, and where the chapter has it.
        columns: how many axes stand side by side.
        size: of the figure, in inches.

    >>> def draw(y, ax):
    ...     ax.plot([0, y])
    >>> Use(lambda f: f(2), draw, "It ends at {}.".format).picture(lambda x: x + 1)
    It ends at 3.
    """

    compute: Callable[..., Any]
    draw: Callable[..., Any]
    describe: Callable[[Any], str]
    columns: int = 1
    size: tuple[float, float] = (7.0, 3.4)

    def picture(self, *answers: Callable[..., Any]) -> Picture:
        """Run the answers, and draw what they made."""
        data = self.compute(*answers)
        with styled():
            painter = FramePainter(self.columns, self.size)
            self.draw(data, painter.axes)
            return Picture(painter.png(), self.describe(data))
