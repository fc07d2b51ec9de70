"""Build the course as a site: chapters, exercises, claims, zoo, API, and Python in the page.

    python -m docs.site.build                     into dist/site
    python -m docs.site.build --without-python    without Python in the page, where Pyodide cannot
                                                  be had

The notebooks must be built (`make lessons`); nothing of them is run. Warnings of Sphinx are errors.
"""

import argparse
import io
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.console import nocolor
from tqdm import tqdm

from docs.site.assets import Assets
from docs.site.links import ROOT
from docs.site.python.distribution import copy_to
from docs.site.python.exercises import write_exercises
from docs.site.python.pyodide import NoPyodide, pyodide_files
from docs.site.sources import write_notebooks
from docs.site.written.pages import write_pages

HERE = Path(__file__).parent
SITE = ROOT / "dist" / "site"
WITHOUT = "--without-python"
KNOWN_WARNINGS: dict[str, str] = {}
"""Parts of Sphinx's warnings that are no errors here, and the reason of each."""


class SiteFailed(RuntimeError):
    """A site that could not be built."""


def build(site: Path = SITE, python: bool = True) -> None:
    """Build the site.

    Args:
        site: the folder that it is built into; what Sphinx needs stands beside it.
        python: whether Python runs in the pages of the site.

    Raises:
        SiteFailed: if Sphinx warns.
        NoPyodide: if Pyodide's files are needed, and cannot be had.
    """
    sources = site.with_name(f"{site.name}-source")
    shutil.rmtree(sources, ignore_errors=True)
    assets = Assets(sources / "_static")
    steps: dict[str, Callable[[], object]] = {"Pyodide": pyodide_files} if python else {}
    steps |= {
        "the written pages": lambda: write_pages(sources),
        "the exercises": lambda: write_exercises(sources),
        "the chapters": lambda: write_notebooks(sources, assets),
        "all pages": lambda: make_pages(sources, site, python),
    }
    if python:
        steps["Python in the pages"] = lambda: copy_to(site / "_static" / "python")
    for step in (progress := tqdm(steps, "site", file=sys.stdout)):
        progress.set_postfix_str(step)
        steps[step]()


def make_pages(sources: Path, site: Path, python: bool) -> None:
    """Let Sphinx make pages of the sources.

    Raises:
        SiteFailed: if it warns of anything that is not known.
    """
    shutil.rmtree(site, ignore_errors=True)
    warnings = io.StringIO()
    nocolor()
    scripts = ["course/site.js", "course/progress.js", *(["python/page.js"] if python else [])]
    sphinx = Sphinx(
        str(sources),
        str(HERE),
        str(site),
        str(site.with_name(f"{site.name}-doctrees")),
        "html",
        confoverrides={
            "html_static_path": [str(sources / "_static")],
            "html_js_files": [(script, {"type": "module"}) for script in scripts],
        },
        status=None,
        warning=warnings,
        freshenv=True,
        parallel=2,
    )
    sphinx.build(force_all=True)
    for needless in (*site.rglob("*.map"), *site.glob("_static/*macros.html")):
        needless.unlink()  # a ninth of the site, for the theme's makers
    unknown = [line for line in warnings.getvalue().splitlines() if _is_unknown(line)]
    if unknown or sphinx.statuscode:
        raise SiteFailed("Sphinx warns, and the site is not right:\n" + "\n".join(unknown))


def _is_unknown(line: str) -> bool:
    return bool(line.strip()) and not any(known in line for known in KNOWN_WARNINGS)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=SITE, help="folder of the site")
    parser.add_argument(WITHOUT, action="store_true", help="no Python in the pages")
    chosen = parser.parse_args(arguments)
    start = time.perf_counter()
    site = chosen.out.resolve()
    try:
        build(site, python=not chosen.without_python)
    except NoPyodide as failed:
        sys.exit(f'The site is not built. {failed} Or leave it out: make site ARGS="{WITHOUT}"')
    except (RuntimeError, OSError, ValueError) as failed:
        sys.exit(f"The site is not built. {failed}")
    files = [path for path in site.rglob("*") if path.is_file()]
    pages = sum(path.suffix == ".html" for path in files)
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{pages} pages, {size:.1f} MB, {time.perf_counter() - start:.0f} s: {site}")
    print(f"Look at it: python -m http.server --directory {site}, then http://localhost:8000")


if __name__ == "__main__":
    main()
