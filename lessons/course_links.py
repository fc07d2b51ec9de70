"""What a text does not say itself, since `chapter.toml` says it: the table of chapters, and links.

In the markdown of a lesson `{{ table of chapters }}` and `{{ next chapter }}` stand for them. In
the README the table stands between two comments, and is written anew.
"""

import re
from pathlib import Path

from normlab.chapters import Chapter, chapters

LESSONS = Path(__file__).parent
README = LESSONS.parent / "README.md"
TABLE, NEXT = "{{ table of chapters }}", "{{ next chapter }}"
IN_README = re.compile(r"(<!-- chapters -->\n).*?(<!-- end of chapters -->)", re.DOTALL)


def link(chapter: Chapter, folder: str = "") -> str:
    """A link to the notebook of a chapter.

    Raises:
        ValueError: if there is no lesson of its number.

    >>> link(chapters()[1])
    '[01 · Layer norm](01_layer_norm.ipynb)'
    """
    found = sorted(LESSONS.glob(f"{chapter.number}_*.py"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ValueError(
            f"the lessons of chapter {chapter.number} ({chapter.name}/chapter.toml) are: {names}; "
            f"expected one, named {chapter.number}_….py."
        )
    return f"[{chapter.number} · {chapter.title}]({folder}{found[0].stem}.ipynb)"


def table(first: str = "00", folder: str = "") -> str:
    """The table of the chapters from a number on, with what each asks."""
    rows = [f"| {link(c, folder)} | {c.question} |" for c in chapters() if c.number >= first]
    return "\n".join(["| Chapter | The question |", "|---|---|", *rows])


def next_chapter(number: str) -> str:
    """The line at the end of a chapter; the last one leads back to the first."""
    first, *_ = chapters()
    follows = [chapter for chapter in chapters() if chapter.number > number]
    return f"Next: {link(follows[0])}" if follows else f"Back to the start: {link(first)}"


def filled(source: str, number: str) -> str:
    """The markdown of a cell of chapter `number`, with what its marks stand for."""
    return source.replace(TABLE, table("01")).replace(NEXT, next_chapter(number))


def readme_filled(text: str) -> str:
    """The README with the table of the chapters as it is now.

    Raises:
        ValueError: if it has not both comments.
    """
    new = table(folder="notebooks/")
    text, count = IN_README.subn(lambda found: f"{found[1]}{new}\n{found[2]}", text)
    if count != 1:
        raise ValueError(
            "README.md has no place for the table of chapters; expected one "
            "<!-- chapters --> … <!-- end of chapters -->."
        )
    return text
