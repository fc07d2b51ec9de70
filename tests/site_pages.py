"""The course's site, built once in a run of tests."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Site:
    """A built site.

    Args:
        folder: where its files are.
        url: where they are served, without a slash at its end.
    """

    folder: Path
    url: str

    @property
    def python(self) -> bool:
        """Whether Python runs in its pages."""
        return (self.folder / "_static" / "python" / "page.js").exists()

    def pages(self) -> list[str]:
        """The paths of all pages, such as "chapters/01_layer_norm.html"."""
        return pages_of(self.folder)


def pages_of(folder: Path) -> list[str]:
    made_by_sphinx = {"search.html", "genindex.html", "py-modindex.html"}
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.html")]
    return sorted(name for name in names if name not in made_by_sphinx and "_static" not in name)


def built_once(shared: Path, *options: str) -> Path:
    """The site in a folder that all processes of a run share; the first to ask builds it.

    Args:
        shared: the folder in which it is made.
        options: of the command that builds it.

    Raises:
        RuntimeError: with what the build said, if it failed.
    """
    site, done_before = shared / "site", shared / "site.done"
    with FileLock(shared / "site.lock"):
        if not done_before.exists():
            command = [sys.executable, "-m", "docs.site.build", "--out", str(site), *options]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"the site is not built:\n{done.stdout}\n{done.stderr}")
            done_before.touch()
    return site
