"""Links between notebooks, as they are on the site.

A notebook links to another by its file. On the site chapters stand in `chapters/`, exercises in
`exercises/`, the glossary at the top; what else is in the repository is linked there.
"""

import posixpath
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY: str = PROJECT["urls"]["Repository"]
DESCRIPTION: str = PROJECT["description"]
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
FOLDERS = {"notebooks": "chapters", "exercises": "exercises", "solutions": "exercises"}
GLOSSARY = "glossary"


class DeadLink(ValueError):
    """A link to a file that is not in the repository."""


def page_of(file: Path) -> str:
    """The page of the site, without its ending, that a notebook of the repository becomes.

    >>> page_of(Path("notebooks/01_layer_norm.ipynb"))
    'chapters/01_layer_norm'
    >>> page_of(Path("notebooks/glossary.ipynb"))
    'glossary'
    """
    folder, stem = file.parent.name, file.stem
    return stem if stem == GLOSSARY else f"{FOLDERS[folder]}/{stem}"


def relinked(text: str, file: Path) -> str:
    """A markdown text of a file of the repository, with its links as the site needs them.

    Args:
        text: with links to other files of the repository.
        file: where it stands, relative to the repository.

    Raises:
        DeadLink: if a file that is linked is not there.

    >>> relinked("[next](02_backward_and_geometry.ipynb)", Path("notebooks/01_layer_norm.ipynb"))
    '[next](02_backward_and_geometry)'
    >>> relinked("[to do](../exercises/01_layer_norm.ipynb#task)", Path("notebooks/glossary.ipynb"))
    '[to do](exercises/01_layer_norm.ipynb#task)'
    """
    return LINK.sub(lambda found: f"{found[1]}{site_link(found[2], file)}{found[3]}", text)


def site_link(target: str, file: Path) -> str:
    """Where a link of a file of the repository leads to on the site; see `relinked`."""
    if re.match(r"[a-z+]+:|#", target):
        return target
    path, mark, fragment = target.partition("#")
    linked = Path(posixpath.normpath((file.parent / path).as_posix()))
    if not (ROOT / linked).exists():
        raise DeadLink(f"{file} links to {target}, which is not in the repository; mend the link.")
    if linked.suffix != ".ipynb":
        kind = "tree" if (ROOT / linked).is_dir() else "blob"
        return f"{REPOSITORY}/{kind}/main/{linked.as_posix()}{mark}{fragment}"
    here = posixpath.dirname(page_of(file)) or "."
    page = posixpath.relpath(page_of(linked), here)
    return f"{page}.ipynb{mark}{fragment}" if mark else page
