"""The teacher's guide: docs/teaching.md, with its links and pictures as the site needs them."""

from pathlib import Path

from docs.site.links import ROOT, relinked

GUIDE = Path("docs/teaching.md")
OVERVIEW = ROOT / "docs" / "overview.png"


def teaching_page() -> str:
    """The page as markdown.

    Raises:
        DeadLink: if the guide links to a file that is not in the repository.
    """
    text = (ROOT / GUIDE).read_text(encoding="utf-8")
    before, picture, after = text.partition(f"]({OVERVIEW.name})")
    if not picture:
        raise ValueError(f"{GUIDE} shows no {OVERVIEW.name}; expected the picture of a class.")
    shown = f"](_static/course/{OVERVIEW.name})"
    return f"{relinked(before, GUIDE)}{shown}{relinked(after, GUIDE)}"
