"""The widget of a token that can be grabbed: what it is given by Python, and nothing it computes.

Its arithmetic is JavaScript (`arithmetic.js`), so that it answers without a kernel, also on a
published page; a test compares it with `normlab.norms`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import traitlets

from normlab.pictures.stored_widget import StoredWidget
from normlab.tools.table import Table

HERE = Path(__file__).parent
PARTS = (
    HERE.parent / "controls.js",
    *(HERE / f"{part}.js" for part in ("arithmetic", "bars", "marks", "token")),
)

TOKEN = (2.0, -1.0, 3.0, 0.0, 1.0, -2.0, 4.0, -3.0)
"""The token of the whole course: its first three features in space, its first four elsewhere."""


class GrabbedToken(StoredWidget):
    """A token whose features are dragged, and what becomes of it, live in the browser.

    What is shown of it is its view: JavaScript of a chapter, which a subclass names.

    Args of a subclass:
        view: the scripts, one of which has `makeView`; `token.js` says what that takes and returns.

    Args:
        title: the name of the widget, shown above it.
        start: the state that it opens with and comes back to: what its view lets a learner
            set, besides "x", "features" and "eps", which have a start of their own.
        colors: what the view draws with, by the name of what each stands for.
        table: the numbers of the first picture, for where there is no widget.
        formula: as for `Explorer`.

    >>> from normlab.chapters.rms_norm import grab_token_of_two_norms
    >>> print(grab_token_of_two_norms())
    One token, two norms
    <BLANKLINE>
                 feature 0    feature 1    feature 2    feature 3
    ---------  -----------  -----------  -----------  -----------
    x                2.000       -1.000        3.000        0.000
    LayerNorm        0.632       -1.265        1.265       -0.632
    RMSNorm          1.069       -0.535        1.604        0.000
    """

    def __init_subclass__(cls, view: Sequence[Path] = (), **kwargs: Any) -> None:
        scripts = (*PARTS, *view) if view else ()
        super().__init_subclass__(scripts=scripts, styles=(HERE / "token.css",), **kwargs)

    title = traitlets.Unicode().tag(sync=True)
    formula: Any = traitlets.List().tag(sync=True)
    colors = traitlets.Dict().tag(sync=True)
    start = traitlets.Dict().tag(sync=True)
    # what the learner changed; no echo, which would turn a token back while it is dragged
    now = traitlets.Dict().tag(sync=True, echo_update=False)

    def __init__(
        self,
        title: str,
        start: Mapping[str, Any],
        colors: Mapping[str, str],
        table: Table,
        formula: Sequence[str | tuple[str, str]] = (),
    ) -> None:
        self._table = table
        super().__init__(
            title=title,
            start={"x": list(TOKEN), "features": 4, "eps": 1e-5, **start},
            colors=dict(colors),
            formula=[[term, ""] if isinstance(term, str) else list(term) for term in formula],
        )

    def __repr__(self) -> str:
        return f"{self.title}\n\n{self._table}"

    def stand_in(self) -> dict[str, str | bytes]:
        """The numbers of its first picture."""
        return {"text/html": self._table._repr_html_()}
