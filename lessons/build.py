"""Build notebooks/ and solutions/ from lessons/: convert each py:percent text, run it, and keep
its outputs; and exercises/ from solutions/: take the answers out.

    python lessons/build.py                      build everything
    python lessons/build.py 01 exercises/03      build these

Tables of chapters and links to the next one come from the `chapter.toml` of each (`course_links`),
the table in the README too; links to where the course is published, from `published`.

Two builds on one machine give the same bytes, apart from the outputs of cells tagged `timing`.
A text that raises, or that writes to stderr, leaves the old notebook.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import jupytext
import minutes
import nbformat
from answers import hide_answers
from course_links import README, filled, readme_filled
from nbclient import NotebookClient
from nbformat import NotebookNode, v4
from published import addressed, colab_cell
from release import add_nbgrader_metadata, has_answers, mark_open_answers, released
from tqdm import tqdm

from normlab.tools.whole_files import written_whole

LESSONS = Path(__file__).parent
ROOT = LESSONS.parent
GUIDE = ROOT / "CONTRIBUTING.md"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
QUIET = {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""No progress bars in stored outputs, and sums in one order: one thread."""
FIGURES = (
    "--IPKernelApp.exec_lines="
    "from normlab.pictures.stored_figures import tell_figures; tell_figures(); del tell_figures"
)
"""Pictures are stored with what they show in words."""


def lessons() -> list[Path]:
    return sorted(LESSONS.glob("[0-9][0-9]_*.py"))


def all_texts() -> list[Path]:
    """Chapters, the glossary, and exercises."""
    return [*lessons(), LESSONS / "glossary.py", *exercise_lessons()]


def exercise_lessons() -> list[Path]:
    return sorted((LESSONS / "exercises").glob("[0-9][0-9]_*.py"))


def convert(lesson: Path) -> NotebookNode:
    """The notebook of a lesson, without outputs, with cell ids that follow from the text."""
    source: Any = jupytext.read(lesson, fmt="py:percent")
    seen: Counter[str] = Counter()
    for cell in source.cells:
        if cell.cell_type == "markdown":
            cell.source = filled(cell.source, lesson.name[:2])
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:10]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        if "timing" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("nbval-ignore-output")
    hide_answers(source)
    title = source.cells[0]
    title.source = title.source.replace(minutes.MARK, minutes.table(minutes.sections(source.cells)))
    source.cells.insert(1, colab_cell())  # behind the title
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
        extra_arguments=["--log-level=ERROR", FIGURES],  # the kernel's log, not the cells' stderr
    )
    with tempfile.TemporaryDirectory() as record:  # not into the author's own
        client.execute(env={**os.environ, **QUIET, "NORMLAB_DATA": record})
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


def build(lesson: Path, folder: Path) -> Path:
    """Build one text into `folder`, replacing the notebook only when all of it is there."""
    notebook = convert(lesson)
    execute(notebook, folder)
    return write(notebook, folder / f"{lesson.stem}.ipynb")


def build_exercise(lesson: Path, solutions: Path, exercises: Path) -> list[Path]:
    """Build the solved notebook, and from it the one that is handed out.

    Open challenges have no solution: they are run as they stand, and handed out.
    """
    notebook = convert(lesson)
    name = f"{lesson.stem}.ipynb"
    if not has_answers(notebook):
        mark_open_answers(notebook)
        execute(notebook, exercises)
        return [write(released(notebook), exercises / name)]
    add_nbgrader_metadata(notebook)
    execute(notebook, solutions)
    return [write(notebook, solutions / name), write(released(notebook), exercises / name)]


def write(notebook: NotebookNode, target: Path) -> Path:
    with written_whole(target) as unfinished:
        unfinished.write_text(to_json(notebook), encoding="utf-8")
    return target


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument(
        "texts", nargs="*", help="for instance 01 exercises/03 or exercises; default: all"
    )
    parser.add_argument("--out", type=Path, default=ROOT, help="folder of notebooks/ and so on")
    chosen = parser.parse_args(arguments)
    names = {str(path.relative_to(LESSONS)): path for path in all_texts()}
    wanted = tuple(chosen.texts) or ("",)
    found = [path for name, path in names.items() if name.startswith(wanted)]
    if not found:
        sys.exit(f"no text is named {' or '.join(chosen.texts)}; there are: {', '.join(names)}")
    folders = [chosen.out / name for name in ("notebooks", "solutions", "exercises")]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    README.write_text(readme_filled(README.read_text(encoding="utf-8")), encoding="utf-8")
    GUIDE.write_text(addressed(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
    for path in tqdm(found, "notebooks", file=sys.stdout):
        start = time.perf_counter()
        if path.parent == LESSONS:
            build(path, folders[0])
        else:
            build_exercise(path, *folders[1:])
        tqdm.write(f"{path.relative_to(LESSONS)}: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
