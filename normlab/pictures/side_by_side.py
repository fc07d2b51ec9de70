"""Two frames of one scene side by side, each chosen by a control of its own."""

from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.image import imread, imsave

from normlab.pictures.explorer import Choice, Explorer, control_state
from normlab.pictures.scene import Scene


class SideBySide(Explorer):
    """An explorer with two pictures, and the rows in which their tables differ.

    One frame is drawn for each value, not for each pair: the browser puts two of them together.

    Args:
        title: the name of the explorer.
        scene: as of `Explorer`. All tables have the same rows, of two cells: a name and a value.
        argument: of `draw` and `describe`, which both controls set.
        left, right: the two controls, with the same values.
        same: the row that is shown where no other one differs.

    Raises:
        ValueError: if the controls have other values.

    >>> from normlab.pictures import Choice, Scene
    >>> from normlab.tools.table import Table
    >>> sides = SideBySide(
    ...     "Powers",
    ...     Scene(
    ...         compute=lambda: None,
    ...         draw=lambda data, ax, /, power: ax.set(xlim=(0, 1), ylim=(0, 1)),
    ...         describe=lambda data, /, power: (f"x^{power}.", Table(("", power), [("x", power)])),
    ...     ),
    ...     "power",
    ...     Choice("left", (1, 2, 3)),
    ...     Choice("right", (1, 2, 3), start=2),
    ... )
    >>> len(sides.frames), sides.sentence()
    (3, 'x^1. x^3.')
    """

    def __init__(
        self,
        title: str,
        scene: Scene,
        argument: str,
        left: Choice,
        right: Choice,
        same: tuple[str, str, str] = ("all", "the same", "the same"),
    ) -> None:
        if list(left.values) != list(right.values):
            raise ValueError(
                f"{left.label} has {len(left.values)} values and {right.label} has others, "
                f"{len(right.values)}; expected the same values in the same order for both."
            )
        super().__init__(title, scene, pages={argument: left})
        self.controls = [
            control_state(f"{argument}-{side}", control, "page")
            for side, control in (("left", left), ("right", right))
        ]
        self.position = [left.start, right.start]
        self.beside, self.same = True, list(same)

    def _index(self) -> int:
        return self._places.index((self.position[0],))

    def _distance(self, index: int) -> int:
        """How many steps lie between a frame and the nearer of those in sight."""
        (place,) = self._places[index]
        return min(abs(place - side) for side in self.position)

    def _sides(self) -> list[dict[str, Any]]:
        return [self._position(self._places.index((place,))) for place in self.position]

    def sentence(self) -> str:
        """What the two pictures show."""
        return " ".join(map(self._drawing.sentence, self._sides()))

    def stand_in(self) -> dict[str, str | bytes]:
        """Both pictures as one; `repr` has their sentences."""
        pictures = [imread(BytesIO(self._drawing.png(side))) for side in self._sides()]
        joined = BytesIO()
        imsave(joined, np.concatenate(pictures, axis=1))  # (h, w, 4) twice -> (h, 2w, 4)
        return {"image/png": joined.getvalue()}
