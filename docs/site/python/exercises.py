"""A placeholder until the pages of the exercises are there."""

from pathlib import Path

from docs.site.links import ROOT


def write_exercises(folder: Path) -> None:
    """Write a page for each exercise."""
    (folder / "exercises").mkdir(parents=True, exist_ok=True)
    for path in sorted((ROOT / "exercises").glob("*.ipynb")):
        (folder / "exercises" / f"{path.stem}.md").write_text(f"# {path.stem}\n\nAn exercise.\n")
