"""Where the course is published, and the links and the cell that follow from it.

The address stands once, as `Repository` in pyproject.toml.
"""

import re
import tomllib
from pathlib import Path

from nbformat import NotebookNode, v4

ROOT = Path(__file__).parent.parent
REPOSITORY: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "urls"
]["Repository"]
"""Such as "https://github.com/OWNER/NAME"."""
OWNER, NAME = REPOSITORY.split("/")[-2:]
SITE = f"https://{OWNER}.github.io/{NAME}/"
BINDER = f"https://mybinder.org/v2/gh/{OWNER}/{NAME}/main?urlpath=lab/tree/work/00_start_here.ipynb"
COLAB = f"https://colab.research.google.com/github/{OWNER}/{NAME}/blob/main/notebooks/"
IN_COLAB = f"""\
# @title In Google Colab run this cell first. Elsewhere it does nothing.
import sys

if "google.colab" in sys.modules:
    from google.colab import output

    get_ipython().run_line_magic("pip", "install --quiet git+{REPOSITORY}")
    output.enable_custom_widget_manager()"""
"""Colab has PyTorch, so the NumPy part of normlab is all that is missing."""


def addressed(text: str) -> str:
    """A text whose `git clone` and `git+` name this repository."""
    known = re.compile(r"(git clone |git\+)https://github\.com/[\w.-]+/[\w-]+")
    return known.sub(lambda found: f"{found[1]}{REPOSITORY}", text)


def links() -> str:
    """The line at the top of the README."""
    return (
        f"Without installing: [the site]({SITE}) · [Binder]({BINDER}) · "
        f"[Google Colab]({COLAB}00_start_here.ipynb)"
    )


def colab_cell() -> NotebookNode:
    """The one cell that fetches something, and in Colab alone; folded elsewhere."""
    metadata = {"tags": ["colab"], "cellView": "form", "jupyter": {"source_hidden": True}}
    cell = v4.new_code_cell(IN_COLAB, metadata=metadata)
    cell.id = "colab"
    return cell
