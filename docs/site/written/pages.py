"""A placeholder until the written pages are there."""

from pathlib import Path

INDEX = """# normlab

```{toctree}
:caption: Chapters
:glob:

chapters/*
glossary
```
"""


def write_pages(folder: Path) -> None:
    """Write a first page with a table of contents."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.md").write_text(
        INDEX + "\n```{toctree}\n:caption: Exercises\n:glob:\n\nexercises/*\n```\n\n"
        "```{toctree}\n:hidden:\n\nprogress\n```\n"
    )
    (folder / "progress.md").write_text("# Your progress\n\nIt is kept in this browser.\n")
