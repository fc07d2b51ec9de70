"""A learner's copy of a notebook: what is in it, and how it learns of a newer one.

Each cell of a copy says which cell of the course it is, and which text that had, so that a later
update knows what the learner has changed. Jupyter keeps such metadata when it saves.
"""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

from normlab.tools.whole_files import written_whole

Notebook = dict[str, Any]
Cell = dict[str, Any]
OURS = "normlab"
ANSWER = "answer"


def read(path: Path) -> Notebook:
    """A notebook of format 4.

    Raises:
        ValueError: names the file, if it is none.
    """
    try:
        notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no notebook: {error}.") from None
    if not (_described(notebook) and isinstance(notebook.get("cells"), list)):
        raise ValueError(f"{path} is no notebook of format 4.")
    if not all(map(_is_cell, notebook["cells"])):
        raise ValueError(f"{path} has a cell that is none.")
    return notebook


def _described(part: Any) -> bool:
    """Whether a notebook or a cell has metadata, and ours among them, if at all, as we write it."""
    metadata = part.get("metadata") if isinstance(part, dict) else None
    return isinstance(metadata, dict) and isinstance(metadata.get(OURS, {}), dict)


def _is_cell(cell: Any) -> bool:
    if not (_described(cell) and isinstance(cell.get("cell_type"), str)):
        return False
    source = cell.get("source")
    return isinstance(source, str) or (
        isinstance(source, list) and all(isinstance(line, str) for line in source)
    )


def write(notebook: Notebook, path: Path) -> None:
    """Write it whole, and tell Jupyter that its outputs can be trusted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    trust(text)


def trust(text: str) -> None:
    """Without a signature JupyterLab shows no stored explorers."""
    try:
        import nbformat
        from nbformat.sign import NotebookNotary
    except ModuleNotFoundError:  # the NumPy part alone: there is no JupyterLab either
        return
    NotebookNotary().sign(nbformat.reads(text, as_version=4))


def source_of(cell: Cell) -> str:
    """The text of a cell, which the format may keep as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def prepared(notebook: Notebook, links: tuple[str, str]) -> Notebook:
    """The copy of one of the course's notebooks.

    Answers to predictions have no output yet, and links begin as they must where the copy stands.
    """
    made = copy.deepcopy(notebook)
    for cell in made["cells"]:
        if cell["cell_type"] == "code" and ANSWER in cell["metadata"].get("tags", []):
            cell["outputs"], cell["execution_count"] = [], None
        text = source_of(cell)
        if cell["cell_type"] == "markdown":
            text = text.replace(f"]({links[0]}", f"]({links[1]}")
        cell["source"] = text
        cell["metadata"][OURS] = {"id": cell["id"], "source": digest(text)}
    made["metadata"][OURS] = {"version": version_of(notebook)}
    return made


def version_of(notebook: Notebook) -> str:
    """Changes with every text and every stored output of the course's notebook."""
    return digest(json.dumps(notebook, sort_keys=True))


def made_from(notebook: Notebook) -> str:
    """The version that a copy was made from; "" if it is no copy of ours."""
    return str(notebook["metadata"].get(OURS, {}).get("version", ""))


def ours(cell: Cell) -> str:
    """The id of the course's cell that this is, "" for one that the learner added.

    A cell that was copied or split off keeps the metadata, but has an id of its own; formats
    before 4.5 have no ids.
    """
    known = str(cell["metadata"].get(OURS, {}).get("id", ""))
    own = cell.get("id")
    return known if own == known or not isinstance(own, str) else ""


def changed(cell: Cell) -> bool:
    """Whether the learner has changed the text of one of our cells."""
    return bool(cell["metadata"][OURS].get("source") != digest(source_of(cell)))


def is_answer(cell: Cell) -> bool:
    """Whether this is where an exercise's answer is written."""
    return bool(cell["metadata"].get("nbgrader", {}).get("solution"))


def shows_widget(cell: Cell) -> bool:
    """Whether a stored output is an explorer or a quiz, whose state is the notebook's."""
    view = "application/vnd.jupyter.widget-view+json"
    return any(view in output.get("data", {}) for output in cell.get("outputs", []))
