"""The first page of the site: what the course is, ways into it, its chapters and exercises."""

import re

from course_links import table
from PIL import Image
from published import BINDER, COLAB

from docs.site.links import ROOT

README = ROOT / "README.md"
MOVING = ROOT / "docs" / "depth.webp"
STILL = ROOT / "docs" / "depth.png"
SHOWN = re.compile(r"!\[([^\]]+)\]\(docs/depth\.webp\)")
PICTURE = """\
<a href="chapters/06_gradient_flow.html"><picture>
<source srcset="_static/course/depth.png" media="(prefers-reduced-motion: reduce)">
<img src="_static/course/depth.webp" width="720" height="{height}" style="height: auto"
alt="{alt}">
</picture></a>
"""
CONTENTS = {
    "Chapters": ("chapters/*", "glossary"),
    "Exercises": ("exercises/*",),
    "The course in tables": ("claims", "zoo"),
    "For you": ("progress", "teaching", "api/index"),
}
"""What stands in the menu of every page, by its captions."""


def first_page() -> str:
    """The page as markdown; what the README says too is taken from there."""
    readme = README.read_text(encoding="utf-8")
    commands = _part(readme, r"^## Start\n.*?(```\n.*?```)")
    parts = [
        "# Normalization in transformers",
        _part(readme, r"\A# normlab\n\n(.*?)\n\n"),
        PICTURE.format(alt=_part(readme, SHOWN.pattern), height=_height()),
        "## Three ways in",
        WAYS.format(commands=_indented(commands), binder=BINDER, colab=COLAB),
        "## Chapters",
        _to_pages(table(folder="chapters/")),
        _part(readme, r"^(\*\*Mark before you believe\.\*\*.*?)\n\n"),
        _part(readme, r"^(\*\*Predict before you see\.\*\*.*?)\n\n"),
        "## Exercises",
        _to_pages(_part(readme, r"^## Exercises\n\n(\|.*?)\n\n")),
        *map(_contents, CONTENTS),
    ]
    return "\n\n".join(parts) + "\n"


WAYS = """\
1. **Here, with nothing installed.** Read a chapter, answer its questions, move its explorers, and
   write its exercise in the page: Python runs there too, and names the mistake if you make one.
   Begin with [00 · Start here](chapters/00_start_here). What you do is kept in this browser,
   and [can be taken along](progress).
2. **On your machine**, where everything runs, training included:

{commands}

3. **In somebody else's cloud:** [Binder]({binder}) opens JupyterLab, and
   [Google Colab]({colab}00_start_here.ipynb) the first notebook."""


def _part(text: str, pattern: str) -> str:
    """What the group of a pattern finds in the README.

    Raises:
        ValueError: if it is not there.
    """
    found = re.search(pattern, text, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"README.md has no part like {pattern!r}, which the first page shows.")
    return found[1]


def _to_pages(rows: str) -> str:
    """A table whose links lead to pages, whatever those are made from."""
    return rows.replace(".ipynb)", ")")


def _height() -> int:
    """Of the picture where it is 720 px wide, so that it keeps its place."""
    with Image.open(STILL) as picture:
        width, height = picture.size
    return round(720 * height / width)


def _contents(caption: str) -> str:
    pages = "\n".join(CONTENTS[caption])
    return f"```{{toctree}}\n:caption: {caption}\n:hidden:\n:glob:\n\n{pages}\n```"


def _indented(text: str) -> str:
    return "\n".join(f"   {line}".rstrip() for line in text.splitlines())
