"""What is folded on a page: sections marked ★, and outputs that come after a prediction.

An extension of Sphinx.
"""

from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

STAR = "★"
OPEN = '<details class="normlab-fold"><summary>'


class FoldStarredSections(SphinxPostTransform):
    """A section whose title ends with ★ is a fold, whose summary is the title.

    Tables of contents, search and fragments see a section as all others.
    """

    default_priority = 200
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        for section in list(self.document.findall(nodes.section)):
            title, rest = section.children[0], section.children[1:]
            if title.astext().rstrip().endswith(STAR):
                section.children = []
                section.extend([_raw(OPEN), title, _raw("</summary>"), *rest, _raw("</details>")])


def _raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def open_output(translator: Any, node: HideCodeCellNode) -> None:
    """The fold of an output. MyST-NB's own has an aria-label that differs from what is seen."""
    summary = '<summary><span class="normlab-shut">Show the output</span>'
    summary += '<span class="normlab-opened">Hide the output</span></summary>'
    translator.body.append(f'<details class="normlab-output">{summary}')


def close_output(translator: Any, node: HideCodeCellNode) -> None:
    translator.body.append("</details>")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(HideCodeCellNode, override=True, html=(open_output, close_output))
    app.add_post_transform(FoldStarredSections)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
