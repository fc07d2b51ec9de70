"""How fast does a page of the site come alive, in a real browser without a window?

    .venv/bin/python -m benchmarks.site              every chapter, the least of three loads
    .venv/bin/python -m benchmarks.site 01 06        these
    .venv/bin/python -m benchmarks.site --loads 10

Loads each page of dist/site (`make site`) from a plain static server on this machine, with an empty
cache and a new browser context each time. The seconds are the browser's own, from the start of the
navigation: until the page is loaded, and until all widgets in sight are ready; with how many there
are, and what came over the wire.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from docs.site.server import served
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table
from tests.jupyterlab_page import chromium
from tests.site_pages import Site, pages_of

SITE = Path(__file__).parent.parent / "dist" / "site"
MEASURE = """() => {
    const [page] = performance.getEntriesByType("navigation");
    const files = performance.getEntriesByType("resource");
    return {
        loaded: page.loadEventEnd / 1000,
        ready: Number(document.documentElement.dataset.widgets) / 1000,
        widgets: document.querySelectorAll('.normlab-widget[data-mounted="yes"]').length,
        megabytes: [page, ...files].reduce((sum, { transferSize }) => sum + transferSize, 0) / 1e6,
    };
}"""


def load(browser: Browser, site: Site, path: str) -> dict[str, Any]:
    """Load a page once, with nothing in the cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{site.url}/{path}", wait_until="load")
    page.wait_for_selector("html[data-widgets]", state="attached")
    measured: dict[str, Any] = page.evaluate(MEASURE)
    context.close()
    return measured


def measure(site: Site, paths: list[str], loads: int) -> Table:
    """The fastest of some loads of each page."""
    rows = []
    with chromium() as browser:
        for path in progress_bar(paths, "pages"):
            best = min((load(browser, site, path) for _ in range(loads)), key=lambda m: m["ready"])
            numbers = [f"{best[key]:.2f}" for key in ("loaded", "ready", "megabytes")]
            rows.append([path.removesuffix(".html"), *numbers, str(best["widgets"])])
    return Table(["page", "loaded (s)", "widgets ready (s)", "MB", "widgets"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("chapters", nargs="*", help="such as 01; default: all pages")
    parser.add_argument("--loads", type=int, default=3, help="of each page (default: 3)")
    chosen = parser.parse_args()
    if not SITE.exists():
        sys.exit(f"{SITE} is not there; build it: make site")
    wanted = tuple(f"chapters/{number}" for number in chosen.chapters) or ("",)
    paths = [path for path in pages_of(SITE) if path.startswith(wanted)]
    with served(SITE) as url:
        print(measure(Site(SITE, url), paths, chosen.loads))
    print(f"load average of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
