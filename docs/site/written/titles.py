"""How the pages of the site are called, taken from where each is written."""

from pathlib import Path

import nbformat

from docs.site.links import ROOT

NOTEBOOKS = {"chapters": ROOT / "notebooks", "exercises": ROOT / "exercises"}
"""Folder of the site -> the notebooks that its pages are made from."""
WRITTEN = {
    "index": "The course",
    "claims": "The claims",
    "zoo": "The zoo of models",
    "teaching": "Teaching with normlab",
    "progress": "Your progress",
    "api/index": "API reference",
}
"""Pages that no notebook holds -> their titles."""


def notebook_of(page: str) -> Path | None:
    """The notebook that a page of the site is made from, None if it is made from data.

    >>> notebook_of("exercises/03_rms_norm").name
    '03_rms_norm.ipynb'
    """
    folder, _, name = page.rpartition("/")
    if page == "glossary":
        return NOTEBOOKS["chapters"] / "glossary.ipynb"
    return NOTEBOOKS[folder] / f"{name}.ipynb" if folder in NOTEBOOKS else None


def page_title(page: str) -> str:
    """The title of a page.

    Args:
        page: where it stands in the site, without a suffix.

    Raises:
        ValueError: if the site has no such page.

    >>> page_title("chapters/04_rms_norm")
    '04 · RMSNorm: what it drops, what it costs, who uses it'
    """
    path = notebook_of(page)
    if path is None and page in WRITTEN:
        return WRITTEN[page]
    if path is None or not path.exists():
        raise ValueError(
            f"the site has no page {page!r}; expected glossary, {', '.join(WRITTEN)}, "
            "chapters/NN_name or exercises/NN_name."
        )
    first = nbformat.read(path, as_version=4).cells[0].source
    return str(first.splitlines()[0].removeprefix("# "))
