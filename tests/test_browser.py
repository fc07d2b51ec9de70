"""A real browser: JupyterLab opens a chapter, runs it, and an explorer is moved by keyboard."""

import re
from pathlib import Path

import jupyterlab_page
import nbformat
import pytest
from jupyterlab_page import MINUTES, run_all_cells, wait_for_stored
from nbformat import v4
from playwright.sync_api import Page, expect
from submissions import ONE_PASS
from told import fresh_copy, told_in

from normlab.study import copies

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
RUN_CHAPTER = "01_layer_norm.ipynb"
SLOW = """
import time
from normlab.tools.table import Table
from normlab.pictures import Choice, Explorer, Scene, Slider


def draw(name, ax, /, depth):
    time.sleep(0 if name == "first" else 0.2)
    ax.plot([0, depth])
    ax.set(xlim=(0, 1), ylim=(0, 9))


Explorer(
    "Slow",
    Scene(str, draw, lambda name, /, depth: (f"{name}, depth {depth}", Table((), ()))),
    pages={"depth": Slider("depth", range(1, 10))},
    settings={"object": Choice("name", ("first", "second", "third"))},
)
"""

jupyterlab_page.skip_without_chromium()


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    slow = v4.new_notebook(cells=[v4.new_code_cell(SLOW)], metadata={"kernelspec": KERNEL})
    nbformat.write(slow, folder / "slow.ipynb")
    nbformat.write(wrongly_solved_exercise(), folder / "wrong.ipynb")
    (folder / "copies").mkdir()
    for notebook in NOTEBOOKS:
        copies.write(fresh_copy(notebook), folder / "copies" / notebook.name)
    opened = [*folder.glob("copies/*"), folder / "slow.ipynb", folder / "wrong.ipynb"]
    with jupyterlab_page.jupyterlab(opened, folder) as url:
        yield url


def wrongly_solved_exercise():
    """Exercise 01 with one mistake in it, and a cell that asks for a hint."""
    notebook = nbformat.read(ROOT / "solutions" / "01_layer_norm.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("(centered**2).mean(axis=-1, keepdims=True)", ONE_PASS)
    notebook.cells.append(v4.new_code_cell("hint(layer_norm)"))
    return notebook


@pytest.fixture
def open_chapter(browser, jupyterlab):
    """Opens a notebook in JupyterLab; then its kernel is idle and nothing was run."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})

    def open_(name):
        jupyterlab_page.open_chapter(page, jupyterlab, name)
        return page

    yield open_
    page.close()


def moving_layer(explorer):
    return explorer.locator(".normlab-panel > svg[role=img]").first


def shown(explorer):
    """A hash of the picture, its alternative text, and the sentence below it."""
    expect(explorer).to_have_attribute("aria-busy", "false")
    picture = moving_layer(explorer)
    sentence = explorer.locator(".normlab-sentence").inner_text()
    drawn = re.sub(r' aria-label="[^"]*"', "", picture.evaluate("(svg) => svg.outerHTML"))
    return hash(drawn), picture.get_attribute("aria-label"), sentence


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
    size = moving_layer(explorer).bounding_box()
    assert size["width"] > 200
    assert size["height"] > 100


def answer_of(setting, explorer):
    """Choose another value of a setting, wait for Python's answer, and return what is shown."""
    answered = explorer.get_attribute("data-answered") or "0"
    if options := setting.locator("option").all():
        setting.select_option(index=(int(setting.input_value()) + 1) % len(options))
    else:
        segments = setting.locator("label").all()
        chosen = [label.locator("input").is_checked() for label in segments].index(True)
        segments[(chosen + 1) % len(segments)].click()
    expect(explorer).to_have_attribute("data-answered", str(int(answered) + 1), timeout=MINUTES)
    expect(explorer.locator("progress")).to_be_hidden(timeout=MINUTES)
    assert explorer.locator(".normlab-status").inner_text() == ""
    return shown(explorer)


def assert_no_output_holds_an_error(page: Page):
    for kind in ("error", "stderr"):
        outputs = page.locator(f'[data-mime-type="application/vnd.jupyter.{kind}"]')
        assert outputs.all_inner_texts() == []
    assert "Error displaying widget" not in page.locator(".jp-Notebook").inner_text()


def unfold(chapter):
    """Open the sections that have a star."""
    folded = chapter.locator(".jp-showHiddenCellsButton")
    while folded.count():
        folded.first.click()


def stores_an_explorer(name):
    cells = fresh_copy(ROOT / "notebooks" / name)["cells"]
    return any("explore_" in cell["source"] and cell.get("outputs") for cell in cells)


@pytest.mark.parametrize("name", [notebook.name for notebook in NOTEBOOKS])
def test_a_fresh_copy_tells_no_answer_and_its_explorer_moves_before_anything_is_run(
    name, open_chapter
):
    chapter = open_chapter(name)
    expect(chapter.locator(".jp-Notebook")).to_contain_text(f"{name[:2]} · ", timeout=MINUTES)
    unfold(chapter)
    in_sight = ".normlab-explorer" if stores_an_explorer(name) else ".normlab-quiz"
    explorer = chapter.locator(in_sight).first
    wait_for_stored(explorer, chapter)
    assert told_in(chapter.locator(".jp-Notebook").inner_text(), name[:2]) == []
    if not stores_an_explorer(name):  # each would answer a question
        return
    explorer.scroll_into_view_if_needed()
    slider = explorer.locator("input[type=range]").first
    at_the_end = slider.input_value() == slider.get_attribute("max")
    assert_moved_by("ArrowLeft" if at_the_end else "ArrowRight", explorer)
    assert_no_output_holds_an_error(chapter)


def test_a_token_is_moved_by_keys_before_anything_is_run(open_chapter):
    chapter = open_chapter(RUN_CHAPTER)
    token = chapter.locator(".normlab-token")
    wait_for_stored(token, chapter)
    bar = token.get_by_role("slider", name="x, feature 0", exact=True)
    bar.focus()
    bar.press("PageUp")
    expect(token.locator(".normlab-sentence")).to_contain_text("x has mean 1.25")
    expect(bar).to_be_focused()
    expect(bar).to_have_attribute("aria-valuetext", "3")
    assert_no_output_holds_an_error(chapter)


def test_a_chapter_runs_and_every_explorer_moves_and_answers_its_settings(open_chapter):
    chapter = open_chapter(RUN_CHAPTER)
    run_all_cells(chapter)
    assert_no_output_holds_an_error(chapter)
    unfold(chapter)
    explorers = chapter.locator(".normlab-explorer")
    assert explorers.count() >= 2
    for i in range(explorers.count()):
        assert_moved_by("ArrowRight", explorers.nth(i))
        assert_moved_by("ArrowLeft", explorers.nth(i))
    for i in range(explorers.count()):
        press(explorers.nth(i), "End")  # at the first step of some, no setting shows yet
        for setting in explorers.nth(i).locator("[data-role=setting]").all():
            assert shown(explorers.nth(i)) != answer_of(setting, explorers.nth(i))
    assert_no_output_holds_an_error(chapter)


def test_while_frames_are_filled_in_a_turned_page_waits_for_its_own_and_shows_no_other(
    open_chapter,
):
    page = open_chapter("slow.ipynb")
    run_all_cells(page)
    explorer = page.locator(".normlab-explorer")
    slider = explorer.locator("input[type=range]")
    sentence = explorer.locator(".normlab-sentence")

    explorer.get_by_text("second", exact=True).click()
    expect(sentence).to_have_text("second, depth 1")
    slider.press("End")
    expect(explorer).to_have_attribute("aria-busy", "true")
    label = moving_layer(explorer).get_attribute("aria-label")
    assert label == sentence.inner_text() == "second, depth 1"
    expect(sentence).to_have_text("second, depth 9")
    expect(explorer.locator("progress")).to_be_visible()  # others are still to come

    explorer.get_by_text("third", exact=True).click()
    for _ in range(6):
        slider.press("ArrowLeft")
    expect(slider).to_have_value("2")
    expect(sentence).to_have_text("third, depth 3")
    expect(explorer.locator("progress")).to_be_hidden(timeout=MINUTES)
    slider.press("Home")
    for depth in range(1, 10):
        expect(sentence).to_have_text(f"third, depth {depth}")
        slider.press("ArrowRight")
    assert_no_output_holds_an_error(page)


def test_a_wrong_answer_gets_a_table_with_the_name_of_the_mistake_and_the_learner_a_hint(
    open_chapter,
):
    page = open_chapter("wrong.ipynb")
    run_all_cells(page)
    tables = page.locator(".jp-OutputArea table")
    table = tables.filter(has_text="the formula is right").first
    for text in ("◐ the formula is right", "digits are lost far from 0", "got", "expected"):
        expect(table).to_contain_text(text)
    assert "hint 1 of 3 on precision" in tables.last.inner_text()
    assert_no_output_holds_an_error(page)
