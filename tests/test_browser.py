"""A real browser: JupyterLab opens a chapter, runs it, and an explorer is moved by keyboard."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parent.parent
TOKEN = "for-the-tests"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
INSTALL = (
    "browser tests need Chromium: `apt-get install chromium` on Debian and Ubuntu, "
    "`brew install --cask chromium` on macOS"
)
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
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
CHAPTERS = sorted(p.name for p in (ROOT / "notebooks").glob("*.ipynb"))
RUN_CHAPTER = "01_layer_norm.ipynb"
MINUTES = 60_000


CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
if CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip(INSTALL, allow_module_level=True)


@pytest.fixture(scope="session")
def chromium():
    assert CHROMIUM, INSTALL
    return CHROMIUM


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_it_answers(url, process, log):
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            return urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"JupyterLab does not answer:\n{log.read_text()}")


@pytest.fixture(scope="session")
def jupyterlab(chromium, tmp_path_factory):
    """The URL of a server on a copy of the notebooks, with settings of its own."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    for name, settings in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
    }
    stored = sorted((folder / "notebooks").glob("*.ipynb"))
    trust = [sys.executable, "-m", "jupyter", "trust", *map(str, stored)]  # as `make lab` does
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
        wait_until_it_answers(f"{url}/api?token={TOKEN}", process, log)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def browser(chromium):
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def open_chapter(browser, jupyterlab):
    """Opens a chapter in JupyterLab; then its kernel is idle and nothing was run."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})

    def open_(name):
        page.goto(f"{jupyterlab}/doc/tree/{name}?token={TOKEN}&reset")
        wait_for_idle(page)
        return page

    yield open_
    page.close()


def wait_for_idle(page: Page):
    status = page.locator("#jp-main-statusbar")
    expect(status).to_contain_text("Python 3 (ipykernel) | Idle", timeout=2 * MINUTES)


def run_all_cells(page: Page):
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
            const texts = prompts.map((prompt) => prompt.textContent.trim());
            return texts.length > 0 && texts.every((text) => /^\\[\\d+\\]:$/.test(text));
        }""",
        timeout=3 * MINUTES,
    )
    wait_for_idle(page)


def shown(explorer):
    """A hash of the picture, its alternative text, and the sentence below it."""
    picture = explorer.locator("img")
    sentence = explorer.locator(".normlab-sentence").inner_text()
    return hash(picture.get_attribute("src")), picture.get_attribute("alt"), sentence


def press(explorer, key):
    slider = explorer.locator("input[type=range]").first
    slider.focus()
    value = slider.input_value()
    slider.press(key)
    expect(slider).not_to_have_value(value)


def assert_moved_by(key, explorer):
    before = shown(explorer)
    press(explorer, key)
    after = shown(explorer)
    assert all(new != old for new, old in zip(after, before, strict=True))
    assert after[1] == after[2]
    size = explorer.locator("img").evaluate(
        "async (image) => { await image.decode(); return image.naturalWidth * image.naturalHeight }"
    )
    assert size > 0


def answer_of(setting, explorer):
    """Choose another value of a setting, wait for Python's answer, and return what is shown."""
    answered = explorer.get_attribute("data-answered") or "0"
    count = setting.locator("option").count()
    setting.select_option(index=(int(setting.input_value()) + 1) % count)
    expect(explorer).to_have_attribute("data-answered", str(int(answered) + 1), timeout=MINUTES)
    expect(explorer).to_have_attribute("aria-busy", "false")
    assert explorer.locator(".normlab-status").inner_text() == ""
    return shown(explorer)


def assert_no_output_holds_an_error(page: Page):
    for kind in ("error", "stderr"):
        outputs = page.locator(f'[data-mime-type="application/vnd.jupyter.{kind}"]')
        assert outputs.all_inner_texts() == []
    assert "Error displaying widget" not in page.locator(".jp-Notebook").inner_text()


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_stored_explorer_moves_before_anything_is_run(name, open_chapter):
    chapter = open_chapter(name)
    explorer = chapter.locator(".normlab-explorer").first
    expect(explorer).to_be_visible(timeout=MINUTES)
    explorer.scroll_into_view_if_needed()
    assert_moved_by("ArrowRight", explorer)
    assert_no_output_holds_an_error(chapter)


def test_a_chapter_runs_and_every_explorer_moves_and_answers_its_settings(open_chapter):
    chapter = open_chapter(RUN_CHAPTER)
    run_all_cells(chapter)
    assert_no_output_holds_an_error(chapter)
    explorers = chapter.locator(".normlab-explorer")
    assert explorers.count() >= 2
    for i in range(explorers.count()):
        assert_moved_by("ArrowRight", explorers.nth(i))
        assert_moved_by("ArrowLeft", explorers.nth(i))
    for i in range(explorers.count()):
        press(explorers.nth(i), "End")  # at the first step of some, no setting shows yet
        for setting in explorers.nth(i).locator("select[data-role=setting]").all():
            assert shown(explorers.nth(i)) != answer_of(setting, explorers.nth(i))
    assert_no_output_holds_an_error(chapter)
