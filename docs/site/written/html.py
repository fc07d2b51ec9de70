"""HTML in a page's markdown."""

import re
from html import escape
from pathlib import Path

from docs.site.links import ROOT

ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def raw(html: str) -> str:
    """HTML as a block of markdown."""
    return f"```{{raw}} html\n{html}\n```"


def page_script(name: str) -> str:
    """The script of a page at the top of the site."""
    return f'<script type="module" src="_static/course/{name}.js"></script>'


def sourced(text: str) -> str:
    """A source as HTML, whose papers on arXiv are links.

    >>> sourced("Ba et al. 2016, arXiv:1607.06450")
    'Ba et al. 2016, <a href="https://arxiv.org/abs/1607.06450">arXiv:1607.06450</a>'
    """
    return ARXIV.sub(r'<a href="https://arxiv.org/abs/\1">\g<0></a>', escape(text))


def chapter_page(number: str) -> str:
    """The address of a chapter, from the top of the site.

    >>> chapter_page("04")
    'chapters/04_rms_norm.html'

    Raises:
        ValueError: if no notebook has the number.
    """
    found = [Path(path).stem for path in (ROOT / "notebooks").glob(f"{number}_*.ipynb")]
    if len(found) != 1:
        raise ValueError(f"chapter {number} has {len(found)} notebooks; expected one.")
    return f"chapters/{found[0]}.html"
