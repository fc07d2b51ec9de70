"""The outputs of a notebook's cells as HTML of our own: pictures with their words, tables that
scroll, widgets that the site's runtime brings to life.
"""

import base64
import struct
from html import escape
from typing import Any

from nbformat import NotebookNode

from docs.site.assets import Assets
from docs.site.widget_states import VIEW, widget_html

NO_WORDS = "<Figure size"


class PictureWithoutWords(ValueError):
    """A picture of which the notebook does not say what it shows."""


def picture_html(output: NotebookNode, up: str, assets: Assets) -> str:
    """A picture as a file, with its size and what it shows in words.

    Raises:
        PictureWithoutWords: if the notebook has no words for it.
    """
    png = base64.b64decode(output.data["image/png"])
    words = words_of(output)
    if not words or words.startswith(NO_WORDS):
        raise PictureWithoutWords(
            f"a picture has no words ({output.data.get('text/plain')!r}): expected `alt` in its "
            "metadata. Build the notebook again: make lessons."
        )
    width, height = struct.unpack(">II", png[16:24])
    path = assets.put("figures", png, "png")
    image = (
        f'<img src="{up}_static/{path}" width="{width}" height="{height}" loading="lazy" '
        f'decoding="async" alt="{escape(words)}">'
    )
    return f'<div class="normlab-figure normlab-scroll">{image}</div>'


def words_of(output: NotebookNode) -> str:
    """What a picture shows: its `alt`, else the text that stands for the object."""
    metadata = output.get("metadata", {})
    alt = metadata.get("image/png", metadata).get("alt")
    return str(alt or output.data.get("text/plain", "")).strip()


def site_output(
    output: NotebookNode, states: dict[str, Any], call: str, up: str, assets: Assets
) -> NotebookNode:
    """An output as the site shows it.

    Args:
        output: as the notebook stores it.
        states: of the notebook's widgets, by model.
        call: the Python that makes what is shown.
        up: the path from the page to the top of the site, such as "../".
        assets: where files are kept.
    """
    data = output.get("data", {})
    if VIEW in data:
        said = until_shown(data["text/plain"])
        html = widget_html(states[data[VIEW]["model_id"]], call, said, up, assets)
    elif "image/png" in data:
        html = picture_html(output, up, assets)
    elif "text/html" in data:
        html = f'<div class="normlab-scroll">{data["text/html"]}</div>'
    else:
        return output
    shown = {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}}
    return NotebookNode(NotebookNode(shown))


def until_shown(text: str) -> str:
    """What stands for a widget, without its last line, which tells how to run it in JupyterLab.

    >>> until_shown("What is it?\\nThe answer: run this cell in JupyterLab.")
    'What is it?'
    """
    lines = [line for line in text.splitlines() if not line.startswith("The answer:")]
    return "\n".join(lines).strip()
