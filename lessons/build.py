"""Build notebooks/ from lessons/: convert each py:percent text, run it, and keep its outputs.

    python lessons/build.py            build every chapter
    python lessons/build.py 01 03      build these

Two builds on one machine give the same bytes, apart from the outputs of cells tagged `timing`.
A chapter that raises, or that writes to stderr, is not written.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode, v4
from tqdm import tqdm

LESSONS = Path(__file__).parent
NOTEBOOKS = LESSONS.parent / "notebooks"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
QUIET = {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""No progress bars in stored outputs, and sums in one order: one thread."""


def lessons() -> list[Path]:
    return sorted(LESSONS.glob("[0-9][0-9]_*.py"))


def convert(lesson: Path) -> NotebookNode:
    """The notebook of a lesson, without outputs, with cell ids that follow from the text."""
    source: Any = jupytext.read(lesson, fmt="py:percent")
    seen: Counter[str] = Counter()
    for cell in source.cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:10]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        if "timing" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("nbval-ignore-output")
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    return v4.new_notebook(cells=source.cells, metadata=metadata)


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run all cells in `folder`; keep outputs and widget states, drop what differs by run."""
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        store_widget_state=True,
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # the kernel's log, not the cells' stderr
    )
    client.execute(env={**os.environ, **QUIET})
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise RuntimeError(f"a cell writes to stderr:\n{cell.source}\n\n{output.text}")


def to_json(notebook: NotebookNode) -> str:
    """The notebook as text, with widget ids that count up instead of random ones."""
    text = nbformat.writes(notebook)
    widgets = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for number, model_id in enumerate(widgets):
        text = text.replace(model_id, f"{number:032x}")
    nbformat.validate(nbformat.reads(text, as_version=4))
    return json.dumps(json.loads(text), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def build(lesson: Path, folder: Path = NOTEBOOKS) -> Path:
    """Build one lesson into `folder`, replacing the notebook only when all of it is there."""
    notebook = convert(lesson)
    execute(notebook, folder)
    target = folder / f"{lesson.stem}.ipynb"
    unfinished = target.with_suffix(".unfinished")
    unfinished.write_text(to_json(notebook), encoding="utf-8")
    unfinished.replace(target)
    return target


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("chapters", nargs="*", help="numbers, for instance 01 03; default: all")
    parser.add_argument("--out", type=Path, default=NOTEBOOKS, help="folder for the notebooks")
    chosen = parser.parse_args(arguments)
    found = [p for p in lessons() if not chosen.chapters or p.name[:2] in chosen.chapters]
    if not found:
        numbers = ", ".join(p.name[:2] for p in lessons())
        sys.exit(f"no lesson is numbered {' or '.join(chosen.chapters)}; there are: {numbers}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    for lesson in tqdm(found, "chapters", file=sys.stdout):
        start = time.perf_counter()
        target = build(lesson, chosen.out)
        tqdm.write(f"{target.name}: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
