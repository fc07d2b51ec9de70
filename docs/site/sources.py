"""The sources that Sphinx makes pages of: each notebook as it is built, turned into a page.

Nothing is computed here. Links lead to the site's pages, outputs are HTML of our own, and what is
for JupyterLab alone is left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from docs.site.assets import Assets
from docs.site.links import GLOSSARY, ROOT, page_of, relinked
from docs.site.outputs import site_output
from docs.site.widget_states import call_of, states_of
from docs.site.written.errata import errata

RECORD = re.compile(r"^(print\()?(my_progress|review|diagnose)\(", re.MULTILINE)
"""Calls whose stored output is about the machine of whoever built the notebook."""
QUESTION = re.compile(r"^(quiz|your_mark|your_bet|mark_seed_text)\(.*\)$")
"""Last lines of cells that ask: on a page the question stands without its code."""
KEPT_HERE = (
    '<p class="normlab-note">On this site what you answered is kept in this browser: see '
    '<a class="reference internal" href="{up}progress.html">your progress</a>.</p>'
)
TAKE = (
    '<p class="normlab-note">Predict first, then open an output: what the cells print is stored '
    'in this page. To run them on your machine, <a href="{up}_static/notebooks/{name}" download>'
    "download this notebook</a>, which has no outputs yet.</p>"
)


def write_notebooks(folder: Path, assets: Assets) -> list[Path]:
    """Write the page of every chapter and of the glossary.

    Args:
        folder: of Sphinx's sources.
        assets: where files are kept.

    Returns:
        The notebooks that became pages.
    """
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for notebook in notebooks:
        write_notebook(notebook, folder, assets)
    return notebooks


def write_notebook(notebook: Path, folder: Path, assets: Assets) -> None:
    """Write the page of one notebook, and keep the notebook itself to be downloaded."""
    file = notebook.relative_to(ROOT)
    target = folder / f"{page_of(file)}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    stored = nbformat.read(notebook, as_version=4)
    assets.put_as(f"notebooks/{notebook.name}", nbformat.writes(without_outputs(stored)))
    nbformat.write(page(stored, file, assets), target)


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A copy of a notebook as it is before it was run, a fiftieth of the size."""
    metadata = {key: value for key, value in notebook.metadata.items() if key != "widgets"}
    cells = [
        {**cell, "outputs": [], "execution_count": None} if cell.cell_type == "code" else cell
        for cell in notebook.cells
    ]
    return nbformat.from_dict({**notebook, "cells": cells, "metadata": metadata})


def page(notebook: NotebookNode, file: Path, assets: Assets) -> NotebookNode:
    """A notebook as the site shows it; `file` is where it stands in the repository."""
    up = "../" if "/" in page_of(file) else ""
    states = states_of(notebook)
    cells = list(_cells(notebook.cells, file, up, states, assets))
    if file.stem != GLOSSARY:
        cells[0].source = _with_note(cells[0].source, TAKE.format(up=up, name=file.name))
    cells.append(v4.new_markdown_cell(errata(page_of(file)), id="errata"))
    metadata = {k: v for k, v in notebook.metadata.items() if k != "widgets"}
    return v4.new_notebook(cells=cells, metadata=metadata)


def _cells(
    cells: list[NotebookNode], file: Path, up: str, states: dict[str, Any], assets: Assets
) -> Iterator[NotebookNode]:
    earlier = ""
    for cell in cells:
        if "colab" in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            cell.source = relinked(cell.source, file)
        elif cell.cell_type == "code" and RECORD.search(cell.source):
            cell = v4.new_markdown_cell(KEPT_HERE.format(up=up), id=cell.id)
        elif cell.cell_type == "code":
            _show_outputs(cell, earlier, up, states, assets)
            earlier += f"\n{cell.source}"
        yield cell


def _show_outputs(
    cell: NotebookNode, earlier: str, up: str, states: dict[str, Any], assets: Assets
) -> None:
    """Turn the outputs of a code cell; its id becomes a class of its place in the page."""
    call = call_of(cell.source, earlier)
    cell.outputs = [site_output(out, states, call, up, assets) for out in cell.outputs]
    asks = bool(QUESTION.match(cell.source.splitlines()[-1]))
    tags = ["remove-input"] if asks else []
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), *tags, f"cell-id-{cell.id}"]


def _with_note(source: str, note: str) -> str:
    """The first cell of a chapter with a note under its title.

    >>> _with_note("# Title\\n\\nText.", "<p>note</p>")
    '# Title\\n\\n<p>note</p>\\n\\nText.'
    """
    title, _, rest = source.partition("\n")
    if not title.startswith("# "):
        raise ValueError(f"a chapter begins with {title!r}; expected its title, '# …'.")
    return f"{title}\n\n{note}\n\n{rest.lstrip()}"
