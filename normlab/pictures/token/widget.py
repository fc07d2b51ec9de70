"""The widget of a token that can be grabbed: what it is given by Python, and nothing it computes.

Its arithmetic is JavaScript (`arithmetic.js`), so that it answers without a kernel, also on a
published page; a test compares it with `normlab.norms`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from normlab.pictures.style import BLUE, GREY, NORM_COLORS, ORANGE, PINK, RED, SKY
from normlab.tools.table import Table

HERE = Path(__file__).parent
PARTS = (
    *("arithmetic", "bars", "marks", "trace", "camera", "gradient", "space"),
    *("grid", "angle", "token"),
)
SCRIPTS = (HERE.parent / "controls.js", *(HERE / f"{part}.js" for part in PARTS))
STYLES = (HERE.parent / "explorer.css", HERE / "token.css")

TOKEN = (2.0, -1.0, 3.0, 0.0, 1.0, -2.0, 4.0, -3.0)
"""The token of the whole course: its first three features in space, its first four elsewhere."""
GAIN = (1.0, 0.5, 2.0, 1.0, 1.5, 0.1, -1.0, 0.7)
SHIFT = (0.0, 1.0, -1.0, 0.5, 0.0, 2.0, 0.0, -0.5)
"""γ and β as they may be after training, a number for each feature."""

COLORS = {
    **{norm: NORM_COLORS[norm] for norm in ("LayerNorm", "RMSNorm")},
    **{"x": PINK, "centred": SKY, "mean": ORANGE, "gain": RED, "shift": GREY},
    **{"plane": SKY, "circle": ORANGE, "sphere": GREY, "random": GREY, "related": RED},
    **{"upstream": "currentColor", "lost1": ORANGE, "lostX": RED, "dx": BLUE},
    **{"stored": BLUE, "error": RED},
}


class GrabbedToken(anywidget.AnyWidget):
    """A token whose features are dragged, and what becomes of it, live in the browser.

    Args:
        title: the name of the widget, shown above it.
        view: "trace", "space", "grid" or "angle".
        start: the state that it opens with and comes back to: "x" and what its view lets
            a learner set besides.
        table: the numbers of the first picture, for where there is no widget.
        formula: as for `Explorer`.
    """

    _esm = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    _css = "\n".join(path.read_text(encoding="utf-8") for path in STYLES)

    title = traitlets.Unicode().tag(sync=True)
    view = traitlets.Unicode().tag(sync=True)
    formula: Any = traitlets.List().tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)
    start = traitlets.Dict().tag(sync=True)
    # what the learner changed; no echo, which would turn a token back while it is dragged
    now = traitlets.Dict().tag(sync=True, echo_update=False)

    def __init__(
        self,
        title: str,
        view: str,
        start: Mapping[str, Any],
        table: Table,
        formula: Sequence[str | tuple[str, str]] = (),
    ) -> None:
        self._table = table
        super().__init__(
            title=title,
            view=view,
            start={"x": list(TOKEN), "features": 4, "eps": 1e-5, **start},
            colors=COLORS,
            formula=[[term, ""] if isinstance(term, str) else list(term) for term in formula],
        )

    def __repr__(self) -> str:
        return f"{self.title}\n\n{self._table}"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget; where there is none (GitHub, paper), the numbers of its first picture."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle or ({}, {})
        return {**data, "text/plain": repr(self), "text/html": self._table._repr_html_()}, metadata
