"""Stored widgets as the site's own runtime takes them.

A stored widget carries its script and its styles with it, so a notebook has them many times. Here
each is a file of the site; of the state only what the script reads is left. A small state stands in
the page, a large one is a file that the page asks for.
"""

import ast
from html import escape
from typing import Any

from nbformat import NotebookNode

from docs.site.assets import Assets, compact

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
LARGE = 12_000
"""Characters of a state above which it is a file of its own."""
OF_JUPYTER = {"layout", "tabbable", "tooltip"}


class UnknownWidget(ValueError):
    """A widget that the site's runtime cannot show."""


def states_of(notebook: NotebookNode) -> dict[str, Any]:
    """The states of the widgets that a notebook stores, by the id of their model."""
    stored = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    return {model: entry["state"] for model, entry in stored.items()}


def widget_html(state: dict[str, Any], call: str, said: str, up: str, assets: Assets) -> str:
    """The place of a widget in a page.

    Args:
        state: as the notebook stores it.
        call: the Python that makes the widget, with its imports.
        said: what stands there until the widget is shown, and where there is no JavaScript.
        up: the path from the page to the top of the site, such as "../".
        assets: where files are kept.

    Raises:
        UnknownWidget: if the state has no script.
    """
    if "_esm" not in state:
        raise UnknownWidget(
            f"the widget of {call!r} is {state.get('_model_name')}, expected one with a script "
            "(anywidget)."
        )
    kept = {k: v for k, v in state.items() if not k.startswith("_") and k not in OF_JUPYTER}
    named = {
        "module": assets.put_text("modules", state["_esm"], "js"),
        "styles": assets.put_text("modules", state["_css"], "css"),
        "call": call,
    }
    text = compact(kept)
    inside = ""
    if len(text) > LARGE:
        named["state"] = assets.put_text("states", text, "json")
    else:
        safe = text.replace("</", "<\\/")
        inside = f'<script type="application/json">{safe}</script>'
    data = "".join(f' data-{key}="{escape(value)}"' for key, value in named.items())
    words = f'<p class="normlab-until">{escape(said)}</p>'
    return f'<div class="normlab-widget" data-top="{up}"{data}>{inside}{words}</div>'


def call_of(source: str, earlier: str) -> str:
    """The last expression of a cell, with the imports that its function needs.

    Args:
        source: the code of the cell.
        earlier: the code of all cells before it.

    >>> call_of("quiz('one-hot')", "import numpy as np\\nfrom normlab import check, quiz")
    "from normlab import quiz\\nquiz('one-hot')"
    """
    last = ast.parse(source).body[-1]
    used = {node.id for node in ast.walk(last) if isinstance(node, ast.Name)}
    imports = {}
    for node in ast.parse(f"{earlier}\n{source}").body:
        if isinstance(node, ast.ImportFrom):
            for name in node.names:
                imports[name.asname or name.name] = f"from {node.module} import {name.name}"
    needed = [line for name, line in imports.items() if name in used]
    return "\n".join([*needed, ast.unparse(last)])
