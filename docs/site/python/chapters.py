"""Which cells of the chapters run in a page, as `runs.json` has it, for `chapter.js`."""

import ast
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from docs.site.links import ROOT
from docs.site.sources import RECORD

RUNS = Path(__file__).with_name("runs.json")
NOTEBOOKS = ROOT / "notebooks"
REMAKE = "python -m docs.site.python.runs"


def code_cells(notebook: Path) -> list[tuple[str, str]]:
    """(id, source) of every code cell of a chapter that stands on its page."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [(c["id"], "".join(c["source"])) for c in cells if c["cell_type"] == "code"]
    return [(cell, text) for cell, text in code if cell != "colab" and not RECORD.search(text)]


def sha256(source: str) -> str:
    """The first digits of a source's hash, which are enough to see that it has changed."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def chapters() -> list[Path]:
    """The notebooks of the chapters."""
    return sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


@cache
def stored_runs() -> Mapping[str, Any]:
    """Chapter -> cell -> what came of it when it was last run in a page."""
    runs: Mapping[str, Any] = json.loads(RUNS.read_text(encoding="utf-8"))["chapters"]
    return runs


def changed_cells() -> list[str]:
    """The cells, as "chapter: cell", that were not run in a page as they are now."""
    return [
        f"{path.stem}: {cell}"
        for path in chapters()
        for cell, source in code_cells(path)
        if _stored(path.stem, cell, source) is None
    ]


def cells_in_page(notebook: Path) -> list[dict[str, Any]]:
    """What `chapter.js` knows of a chapter: of each cell its source, whether it runs to its end,
    whether cells that do need what it leaves, and whether Python answers its explorer."""
    cells = []
    used: set[str] = set()
    for cell, source in reversed(code_cells(notebook)):
        stored = _stored(notebook.stem, cell, source) or {}
        found = {name: stored.get(name, False) for name in ("runs", "answers")}
        needed = bool(names_left(source) & used)
        cells.append({"id": cell, "source": source, "needed": needed, **found})
        if found["runs"] or needed:
            used |= names_used(source)
    return cells[::-1]


def names_left(source: str) -> set[str]:
    """The names that a cell may leave to those below it.

    >>> sorted(names_left("import numpy as np\\ny = x + 1"))
    ['np', 'y']
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def names_used(source: str) -> set[str]:
    """The names that a cell reads.

    >>> sorted(names_used("import numpy as np\\ny = np.sqrt(x)"))
    ['np', 'x']
    """
    nodes = ast.walk(ast.parse(source))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _stored(chapter: str, cell: str, source: str) -> Mapping[str, Any] | None:
    """What came of a cell, if it was run as it is now."""
    stored: Mapping[str, Any] | None = stored_runs().get(chapter, {}).get(cell)
    return stored if stored and stored["sha256"] == sha256(source) else None
