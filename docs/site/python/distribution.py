"""A placeholder until Python for the pages is there."""

from pathlib import Path


def copy_to(folder: Path) -> None:
    """Make the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.js").write_text("")
