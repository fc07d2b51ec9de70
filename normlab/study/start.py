"""`normlab start`: a copy of the exercises to work in, which no update ever touches."""

import shutil
from pathlib import Path

from normlab.tools.whole_files import written_whole

COURSE = Path(__file__).parents[2]
IN_COURSE = (COURSE / "exercises" / "01_layer_norm.ipynb").exists()
"""Whether this runs in the course's own folder, and not as an installed package."""
EXERCISES = COURSE / ("exercises" if IN_COURSE else "normlab/exercise_notebooks")
WORK = (COURSE if IN_COURSE else Path.cwd()) / "work"


def start_command(folder: Path = WORK) -> int:
    """Copy every exercise that `folder` does not hold yet, and say what was done."""
    copied, kept = copy_exercises(folder)
    print(f"{len(copied)} exercises copied to {folder}" + _kept(kept))
    return 0


def copy_exercises(folder: Path, source: Path = EXERCISES) -> tuple[list[Path], list[Path]]:
    """(copied, kept): the notebooks that were new in `folder`, and those that stayed as they are.

    Raises:
        FileNotFoundError: if there are no exercises to copy.
    """
    notebooks = sorted(source.glob("*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(f"{source} holds no exercises; expected notebooks (.ipynb).")
    folder.mkdir(parents=True, exist_ok=True)
    copied: list[Path] = []
    kept: list[Path] = []
    for notebook in notebooks:
        target = folder / notebook.name
        (kept if target.exists() else copied).append(target)
        if not target.exists():
            with written_whole(target) as unfinished:
                shutil.copyfile(notebook, unfinished)
    return copied, kept


def _kept(kept: list[Path]) -> str:
    if not kept:
        return "."
    return (
        f"; {len(kept)} that were there stayed as they are. To begin one anew, delete or rename "
        "your copy and run `normlab start` again."
    )
