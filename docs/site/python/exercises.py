"""The exercise pages: what is handed out, with an editor in place of each code cell.

A page is readable without JavaScript. `exercise.js` makes an editor of each `div.normlab-cell`; the
notebook as it is handed out stands in the page, so that the learner can take it along.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, read, v4, write

from docs.site.links import REPOSITORY, ROOT, relinked
from docs.site.written.errata import errata

EXERCISES = ROOT / "exercises"
HUB = REPOSITORY.removeprefix("https://github.com/")
COLAB = f"https://colab.research.google.com/github/{HUB}/blob/main/exercises/"
CALL = re.compile(r"(check|use|attempt|my_attempts|time_kernel)\((.*)\)")
NEEDS = """
import sys

for library in ("torch", "triton"):
    sys.modules[library] = None  # to import it raises ModuleNotFoundError
from normlab.exercises import all_exercises

for exercise in all_exercises():
    for function in exercise.functions:
        try:
            exercise.question(function)
            print(function, "")
        except ModuleNotFoundError as error:
            print(function, error.name)
"""
PYTORCH = "PyTorch"
LIBRARIES = {"": "", "torch": PYTORCH, "triton": "Triton"}
"""What is not in a page, by the name of its module."""


@dataclass(frozen=True)
class Block:
    """What becomes of a code cell.

    Args:
        kind: "answer" or "example".
        function: what an answer defines, "" for an example.
        needs: the library that it needs and a page does not have, "" for none.
    """

    kind: str
    function: str = ""
    needs: str = ""


def write_exercises(folder: Path) -> None:
    """Write a page for each exercise into `folder`/exercises, as a notebook of markdown."""
    pages = folder / "exercises"
    pages.mkdir(parents=True, exist_ok=True)
    for path in sorted(EXERCISES.glob("*.ipynb")):
        write(page_of_exercise(path), pages / path.name)


def page_of_exercise(path: Path) -> NotebookNode:
    """The page of a notebook that is handed out."""
    notebook = read(path, as_version=4)
    cells, blocks = [], {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cells.append(relinked(cell.source, Path("exercises") / path.name))
        elif (block := block_of(cell)) is not None:
            blocks[cell.id] = block
            cells.append(_cell_html(cell, block))
            if block.needs:
                named = f"`{block.function}` needs" if block.function else "These lines need"
                cells.append(f"{named} {block.needs}: {_elsewhere(path.name)}")
        elif use := CALL.fullmatch(cell.source):
            cells.append(_call_text(use[1], cell.source, path.name))
    cells.insert(1, _head(path, blocks))
    cells += [errata(f"exercises/{path.stem}"), _embedded(path, notebook, blocks)]
    page = v4.new_notebook(metadata=notebook.metadata)
    page.cells = [v4.new_markdown_cell(text) for text in filter(None, cells)]
    return page


def block_of(cell: NotebookNode) -> Block | None:
    """What becomes of a code cell; None where it has no editor: `check` is a button."""
    if cell.id == "colab" or CALL.fullmatch(cell.source):
        return None
    if cell.id.startswith("answer-"):
        function = cell.id.removeprefix("answer-")
        return Block("answer", function, needs().get(function, PYTORCH))  # a challenge trains
    return Block("example", needs=PYTORCH if re.search(r"\b(torch|nn)\.", cell.source) else "")


@cache
def needs() -> Mapping[str, str]:
    """Function of an exercise -> the library without which it cannot be judged, "" for none."""
    done = subprocess.run(
        [sys.executable, "-c", NEEDS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pairs = (line.split(" ") for line in done.stdout.splitlines())
    return {function: LIBRARIES[library] for function, library in pairs}


def _cell_html(cell: NotebookNode, block: Block) -> str:
    attributes = {"cell": cell.id, "kind": block.kind, "function": block.function}
    marks = "".join(f' data-{name}="{value}"' for name, value in attributes.items())
    torch = " data-torch" if block.needs else ""
    return (
        f'```{{raw}} html\n<div class="normlab-cell"{marks}{torch}>\n```\n'
        f"```python\n{cell.source}\n```\n"
        "```{raw} html\n</div>\n```"
    )


def _call_text(call: str, source: str, name: str) -> str:
    """What stands for a cell that needs more than a page has; nothing for `check`."""
    if call == "check":
        return ""
    said = {
        "use": "After ✓ this draws with your code. It needs PyTorch",
        "attempt": "This trains your recipe for about a minute. It needs PyTorch",
        "my_attempts": "This lists your attempts. It needs PyTorch",
        "time_kernel": "After ✓ this times your kernel. It needs Triton, and a GPU",
    }[call]
    return f"```python\n{source}\n```\n\n{said}: {_elsewhere(name)}"


def _elsewhere(name: str) -> str:
    return (
        f"take the notebook along and run it on your machine, or [open it in Colab]({COLAB}{name})."
    )


def _head(path: Path, blocks: Mapping[str, Block]) -> str:
    """What a learner should know before the first question."""
    answers = [block for block in blocks.values() if block.kind == "answer"]
    there = [block for block in answers if not block.needs]
    away = [f"`{block.function}`" for block in answers if block.needs]
    parts = []
    if there:
        parts.append(
            "You can solve this here: below each answer, **Check** stands for the cell `check(…)` "
            "and **Hint** for `hint(…)`. The first of them starts Python in this page, which "
            "fetches 18 MB. What you write is kept in this browser."
        )
    if away:
        libraries = dict.fromkeys(block.needs for block in answers if block.needs)
        which = "All questions" if not there else " and ".join(away)
        need = "need" if not there or len(away) > 1 else "needs"
        parts.append(
            f"{which} {need} {' and '.join(libraries)}, which does not run in a page: "
            f"{_elsewhere(path.name)}"
        )
    return ":::{note}\n" + "\n\n".join(parts) + "\n:::"


def _embedded(path: Path, notebook: NotebookNode, blocks: Mapping[str, Block]) -> str:
    """The notebook as it is handed out, for `exercise.js`."""
    data: dict[str, Any] = {
        "name": path.stem,
        "colab": f"{COLAB}{path.name}",
        "notebook": json.loads(path.read_text(encoding="utf-8")),
        "functions": {
            cell: block.function for cell, block in blocks.items() if block.kind == "answer"
        },
    }
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    script = f'<script type="application/json" id="normlab-exercise">{text}</script>'
    return f"```{{raw}} html\n{script}\n```"
