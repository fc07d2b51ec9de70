"""JupyterLab in a real browser: what the browser tests and the browser benchmark share."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from normlab.study import lab

TOKEN = "on-this-machine-only"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
INSTALL = (
    "this needs Chromium: `apt-get install chromium` on Debian and Ubuntu, "
    "`brew install --cask chromium` on macOS"
)
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
# No sandbox, since tests also run as root in containers; the rest keeps the browser offline.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
# Cells outside the window stay in the page, so that all outputs can be looked at.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"checkForUpdates": False},
}
MINUTES = 60_000
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


@contextmanager
def jupyterlab(notebooks: Sequence[Path], folder: Path) -> Iterator[str]:
    """The URL of a server on copies of the notebooks, in `folder`, with settings of its own."""
    (folder / "notebooks").mkdir()
    copies = [shutil.copy(notebook, folder / "notebooks") for notebook in notebooks]
    for name, settings in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    url = f"http://127.0.0.1:{(port := _free_port())}"
    environment = lab.environment() | {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
    }
    trust = [sys.executable, "-m", "jupyter", "trust", *map(str, copies)]  # as `make lab` does
    subprocess.run(trust, env=environment, check=True)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder / 'notebooks'}"),
    ]
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        _wait_until_it_answers(f"{url}/api?token={TOKEN}", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def notebook_of(code: str, path: Path) -> Path:
    """Write a notebook of one cell, which was never run."""
    cells = [v4.new_code_cell(code)]
    nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}), path)
    return path


@contextmanager
def notebooks_in_jupyterlab(
    browser: Browser, notebooks: Sequence[Path], folder: Path, data: Path
) -> Iterator[Callable[[str], Page]]:
    """Opens copies of the notebooks by their names, with a learner's record in `data`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMLAB_DATA", str(data))
        with jupyterlab(notebooks, folder) as url:

            def open_(name: str) -> Page:
                page = browser.new_page(viewport={"width": 1280, "height": 1000})
                open_chapter(page, url, name)
                return page

            yield open_


def skip_without_chromium() -> None:
    """Skip the module that is being imported if there is no browser; in CI its tests fail."""
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip(INSTALL, allow_module_level=True)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    if CHROMIUM is None:
        raise FileNotFoundError(INSTALL)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def open_chapter(page: Page, url: str, name: str) -> None:
    """Show a notebook; then its kernel is idle and nothing was run."""
    page.goto(f"{url}/doc/tree/{name}?token={TOKEN}&reset")
    wait_for_idle(page)


def wait_for_idle(page: Page) -> None:
    status = page.locator("#jp-main-statusbar")
    expect(status).to_contain_text("Python 3 (ipykernel) | Idle", timeout=2 * MINUTES)


def wait_for_stored(widget: Locator, page: Page) -> None:
    """Wait until a stored explorer or question is shown, and load the page once more if it is not.

    Before it shows stored widgets, the notebook's widget manager asks the kernel for live ones,
    and says nothing when that question fails, as it does now and then on a busy machine
    (`restoreWidgets` in ipywidgets' python/jupyterlab_widgets/src/manager.ts).
    """
    try:
        expect(widget).to_be_visible(timeout=MINUTES / 2)
        expect(page.locator(".jp-Notebook")).not_to_contain_text("Error displaying widget")
    except AssertionError:
        page.reload()
        wait_for_idle(page)
        expect(widget).to_be_visible(timeout=MINUTES)


def run_all_cells(page: Page) -> None:
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    # A folded cell shows its first line in place of a prompt.
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll(
                '.jp-CodeCell .jp-InputPrompt:not(.jp-Placeholder-prompt)'
            )];
            const texts = prompts.map((prompt) => prompt.textContent.trim());
            return texts.length > 0 && texts.every((text) => /^\\[\\d+\\]:$/.test(text));
        }""",
        timeout=3 * MINUTES,
    )
    wait_for_idle(page)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            return urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text()}")
