"""What several files of tests share."""

import pytest

from normlab.grading.paper import LEVELS
from normlab.grading.workers import Workshop


@pytest.fixture(scope="module")
def workshop():
    """Workers under every level of confinement that there is."""
    made = Workshop(LEVELS)
    yield made
    made.close()


@pytest.fixture(scope="module")  # two modules may not hold a browser at once
def browser():
    """A browser without a window."""
    from jupyterlab_page import chromium  # needs playwright, which few tests do

    with chromium() as running:
        yield running


@pytest.fixture
def show_marker(browser, tmp_path, monkeypatch):
    """Shows a marker of claims on a page without a kernel."""
    from marker_page import within_reach
    from widget_page import open_page

    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path))
    pages = []

    def open_(marker, **how):
        pages.append(open_page(browser, {"it": within_reach(marker)}, **how))
        return pages[-1]

    yield open_
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The course's site, built and served: its `folder`, its `url` and its `pages()`.

    Where Pyodide cannot be had it is without Python, and the tests of that are skipped.
    """
    from site_pages import Site, built_once

    from docs.site.python.pyodide import NoPyodide, pyodide_files
    from docs.site.server import served

    options = []
    try:
        pyodide_files()
    except NoPyodide:
        options = ["--without-python"]
    own = tmp_path_factory.getbasetemp()
    folder = built_once(own if worker_id == "master" else own.parent, *options)
    with served(folder) as url:
        yield Site(folder, url)
