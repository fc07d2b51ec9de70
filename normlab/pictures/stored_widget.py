"""What every widget of the course is: a box that works before it was run, and its stand-in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget

HERE = Path(__file__).parent


class StoredWidget(anywidget.AnyWidget):
    """A widget whose whole state is stored with the notebook.

    The styles of all widgets on a page are one: a rule stands under the root of its own widget,
    `.normlab-box.normlab-…`, and what they share in `box.css`.

    Args of a subclass:
        scripts: its JavaScript, the last part with `export default { render }`; behind
            `element.js`, which all share.
        styles: its CSS; behind `box.css`.
    """

    def __init_subclass__(
        cls, scripts: Sequence[Path] = (), styles: Sequence[Path] = (), **kwargs: Any
    ) -> None:
        if scripts:  # none where traitlets makes a class of its own for one object
            cls._esm = _joined(HERE / "element.js", *scripts)
            cls._css = _joined(HERE / "box.css", *styles)
        super().__init_subclass__(**kwargs)

    def stand_in(self) -> dict[str, str | bytes]:
        """What is shown where there is no widget (GitHub, paper), by MIME type."""
        return {}

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle or ({}, {})
        return {**data, "text/plain": repr(self), **self.stand_in()}, metadata


def _joined(*parts: Path) -> str:
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)
