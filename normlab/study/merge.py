"""A newer chapter or exercise, with what the learner wrote into the older one."""

import re
import uuid
from collections import defaultdict
from dataclasses import dataclass

from normlab.study.copies import (
    OURS,
    Cell,
    Notebook,
    changed,
    digest,
    is_answer,
    ours,
    shows_widget,
    source_of,
)

KERNEL = ("kernelspec", "language_info")
"""What of a notebook's metadata is the learner's choice."""


@dataclass(frozen=True)
class Merged:
    """What an update makes of a copy.

    Attributes:
        notebook: the new one, with the learner's answers, notes and cells.
        carried: how many of the learner's changes are in it.
        left: how many are in the old file alone: code that the course has changed too.
    """

    notebook: Notebook
    carried: int
    left: int


def merge(new: Notebook, mine: Notebook) -> Merged:
    """The new copy, with what the learner has changed or added in the old one.

    - An answer stays the learner's, whatever is new around it.
    - A cell that only the learner has changed stays his. Where the course has changed it too, the
      course's is taken: a text of the learner's follows it, his code is in the old file.
    - A cell that the learner added stays behind the cell that it stood behind.
    - Outputs stay where the code is the same, but explorers and quizzes come anew.

    Args:
        new: a prepared copy of the course's new notebook.
        mine: the learner's notebook, made from an older one.
    """
    mine = _with_answers(new, mine)
    mine_of = {ours(cell): cell for cell in reversed(mine["cells"]) if ours(cell)}
    added = _added(mine, {cell["id"] for cell in new["cells"]})
    cells, left = list(added[""]), 0
    for fresh in new["cells"]:
        known = mine_of.get(fresh["id"])
        if known is None or not changed(known):
            cells.append(_with_outputs(fresh, known))
        elif is_answer(fresh) or known["metadata"][OURS].get("source") == digest(source_of(fresh)):
            cells.append({**known, "id": fresh["id"], "metadata": fresh["metadata"]})
        elif known["cell_type"] == "markdown":
            cells += [fresh, _as_added(known)]
        else:
            cells.append(fresh)
            left += 1
        cells += added[fresh["id"]]
    hers = [cell for cell in cells if not ours(cell) or changed(cell)]
    kernel = {name: mine["metadata"][name] for name in KERNEL if name in mine["metadata"]}
    metadata = {**new["metadata"], **kernel}
    return Merged({**new, "cells": cells, "metadata": metadata}, len(hers), left)


def _with_answers(new: Notebook, mine: Notebook) -> Notebook:
    """The learner's notebook, where a cell of his own that stands for a deleted answer is it.

    Without this the empty answer would come back behind his, and define the function again.
    """
    there = set(map(ours, mine["cells"]))
    cells = list(mine["cells"])
    for fresh in (cell for cell in new["cells"] if is_answer(cell) and cell["id"] not in there):
        name = re.escape(fresh["id"].removeprefix("answer-"))
        defines = re.compile(rf"^(?:def|class) {name}\b", re.MULTILINE)
        for number, cell in enumerate(cells):
            if not ours(cell) and cell["cell_type"] == "code" and defines.search(source_of(cell)):
                metadata = {**fresh["metadata"], OURS: {"id": fresh["id"]}}
                cells[number] = {**cell, "id": fresh["id"], "metadata": metadata}
                break
    return {**mine, "cells": cells}


def _added(mine: Notebook, there: set[str]) -> dict[str, list[Cell]]:
    """The learner's own cells, by the cell of the course that they stand behind; "" for the top.

    A cell that he changed and that the course no longer has is one of them, and so is the second
    of two with the same id.
    """
    added: dict[str, list[Cell]] = defaultdict(list)
    behind = ""
    seen: set[str] = set()
    for cell in mine["cells"]:
        name = ours(cell)
        if name in there - seen:
            behind = name
            seen.add(name)
        elif not name or changed(cell):
            added[behind].append(_as_added(cell))
    return added


def _as_added(cell: Cell) -> Cell:
    """The same cell as one of the learner's own, with an id that no other cell has."""
    metadata = {name: value for name, value in cell["metadata"].items() if name != OURS}
    metadata.pop("nbgrader", None)  # two cells with one mark would be one too many
    return {**cell, "id": uuid.uuid4().hex[:8], "metadata": metadata}


def _with_outputs(fresh: Cell, known: Cell | None) -> Cell:
    """The course's cell; with what the learner's run of the same code has printed."""
    if known is None or source_of(known) != source_of(fresh) or "outputs" not in known:
        return fresh
    if shows_widget(fresh) or not known["outputs"]:
        return fresh
    return {**fresh, "outputs": known["outputs"], "execution_count": known["execution_count"]}
