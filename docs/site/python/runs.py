"""Run every code cell of every chapter in a page, and store which run there.

    python -m docs.site.python.runs           all chapters, in some minutes
    python -m docs.site.python.runs 01 04     these

The page is opened in Chromium. `runs.json` keeps for each cell a hash of its source, whether it
runs to its end without PyTorch, and whether Python in a page answers the settings of its explorer.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from tqdm import tqdm

from docs.site.python.chapters import REMAKE, RUNS, chapters, code_cells, sha256, stored_runs
from docs.site.python.distribution import copy_to
from docs.site.python.pyodide import pins
from docs.site.server import served
from docs.site.widget_states import call_of

SECONDS = 180
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
RUN = """async ([method, args, seconds]) => {
    const { call } = await import("/_static/python/python.js");
    const shown = [];
    const show = (message) => shown.push(message);
    try {
        return { result: await call(method, args, { show, seconds }), shown };
    } catch (error) {
        return { failed: error.message, shown };
    }
}"""


def runs_of(page: Page, notebook: Path) -> dict[str, Any]:
    """What comes of each code cell of a chapter, run from top to bottom in a new Python."""
    page.goto("/")
    runs, earlier = {}, ""
    for cell, source in tqdm(code_cells(notebook), notebook.stem, leave=False):
        runs[cell] = _run(page, f"{notebook.name}, {cell}", source, earlier)
        earlier += f"\n{source}"
    return runs


def _run(page: Page, name: str, source: str, earlier: str) -> dict[str, Any]:
    start = time.perf_counter()
    done = page.evaluate(RUN, ["run", [name, source], SECONDS])
    seconds = time.perf_counter() - start
    result = done.get("result", {"ok": False, "without": []})
    runs = result["ok"] and not result["without"]
    entry = {
        "sha256": sha256(source),
        "runs": runs,
        "answers": runs and _answers(page, name, source, earlier, done["shown"]),
        "seconds": round(seconds, 1),
    }
    return entry if runs else {**entry, "why": _why(done)}


def _answers(page: Page, name: str, source: str, earlier: str, shown: list[Any]) -> bool:
    """Whether the explorer that a cell shows can be made by its call alone, and has settings."""
    if not any("settings" in m for m in shown):
        return False
    made = page.evaluate(RUN, ["answer", [name, call_of(source, earlier)], SECONDS])
    return bool(made.get("result", {}).get("ok"))


def _why(done: dict[str, Any]) -> str:
    """The last line of what went wrong."""
    if done.get("failed"):
        return str(done["failed"]).splitlines()[-1]
    errors = [message["text"] for message in done["shown"] if message["kind"] == "error"]
    return errors[-1].splitlines()[-1] if errors else "it uses what is not there"


@contextmanager
def blank_site() -> Iterator[str]:
    """The address of a page with nothing but Python in it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "index.html").write_text("<!doctype html><title>Python</title>")
        copy_to(folder / "_static" / "python")
        with served(folder) as url:
            yield url


def _write(runs: dict[str, Any]) -> None:
    made = {"command": REMAKE, "pyodide": pins()["version"], "chapters": dict(sorted(runs.items()))}
    RUNS.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("numbers", nargs="*", help="such as 01; default: all")
    wanted = tuple(parser.parse_args().numbers) or ("",)
    stored = dict(stored_runs())
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with blank_site() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_context(base_url=url).new_page()
        for notebook in chapters():
            if notebook.stem.startswith(wanted):
                stored[notebook.stem] = runs_of(page, notebook)
                _write(stored)
        browser.close()


if __name__ == "__main__":
    main()
