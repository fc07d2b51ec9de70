"""The course's site, built once in a run of tests, and served as a plain static server would."""

import contextlib
import functools
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

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


class QuietHandler(SimpleHTTPRequestHandler):
    extensions_map: ClassVar[dict[str, str]] = {  # not what the machine's own tables say
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Site]:
    """Serve a folder on a free port of this machine."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(folder, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def built_once(shared: Path) -> Path:
    """The site in a folder that all processes of a run share; the first to ask builds it.

    Where Pyodide cannot be had, Python does not run in its pages.

    Raises:
        RuntimeError: with what the build said, if it failed.
    """
    site, done_before = shared / "site", shared / "site.done"
    with FileLock(shared / "site.lock"):
        if not done_before.exists():
            command = [sys.executable, "-m", "docs.site.build", "--out", str(site)]
            done = _run(command)
            if done.returncode and "Pyodide" in done.stderr:
                warnings.warn(f"Python is not in the site's pages: {done.stderr}", stacklevel=2)
                done = _run([*command, "--without-python"])
            if done.returncode:
                raise RuntimeError(f"the site is not built:\n{done.stdout}\n{done.stderr}")
            done_before.touch()
    return site


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
