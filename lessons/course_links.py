"""What a text does not say itself, since `chapter.toml` says it: the table of chapters, and links.

In the markdown of a lesson `{{ table of chapters }}` and `{{ next chapter }}` stand for them,
`{{ ruling 12 }}` for the verdict on claim 12, as the ledger has it, `{{ claims }}` for their
number, and `{{ scan decoders }}` and `{{ zoo models }}` for what is counted of models (`counted.py`
of chapter 11 has the names). In the README the table, and the links to where the course can be read
without installing it, stand each between two comments, and are written anew.
"""

import re
from pathlib import Path

from published import addressed, links

from normlab.chapters import Chapter, chapters
from normlab.claims import sentences

LESSONS = Path(__file__).parent
README = LESSONS.parent / "README.md"
TABLE, NEXT = "{{ table of chapters }}", "{{ next chapter }}"
CLAIMS = "{{ claims }}"
RULING = re.compile(r"{{ ruling (\d+) }}")
COUNT = re.compile(r"{{ (scan|zoo) ([^}]+) }}")


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
    text = source.replace(TABLE, table("01")).replace(NEXT, next_chapter(number))
    if CLAIMS in text:
        text = text.replace(CLAIMS, str(len(sentences())))
    text = RULING.sub(lambda found: _ruling(int(found[1])), text)
    return COUNT.sub(lambda found: _counted(found[1], found[2]), text)


def _ruling(claim: int) -> str:
    from normlab.claims import find_claim  # loads torch

    return find_claim(claim).ruling


def _counted(source: str, name: str) -> str:
    from normlab.chapters.norms_in_the_wild.counted import counted  # loads torch

    return counted(source, name)


def readme_filled(text: str) -> str:
    """The README with the address, the links and the table of the chapters as they are now.

    Raises:
        ValueError: if it has not both comments of each.
    """
    text = _written(addressed(text), "links", links())
    return _written(text, "chapters", table(folder="notebooks/"))


def _written(text: str, name: str, new: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(
            f"README.md has no place for its {name}; expected one <!-- {name} --> … {end}."
        )
    before, rest = text.split(begin)
    return f"{before}{begin}{new}\n{end}{rest.split(end)[1]}"
