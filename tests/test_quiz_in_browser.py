"""A real browser: a question is answered by keyboard and mouse, with a kernel and without one."""

import os
from pathlib import Path

import jupyterlab_page
import nbformat
import pytest
from jupyterlab_page import MINUTES, run_all_cells, wait_for_stored
from nbformat import v4
from playwright.sync_api import expect

from normlab.record import open_record

FIRST = Path(__file__).parent.parent / "notebooks" / "00_start_here.ipynb"
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
ONE_HOT = 'from normlab import quiz\n\nquiz("one-hot")'

if jupyterlab_page.CHROMIUM is None and os.environ.get("CI") != "true":
    pytest.skip(jupyterlab_page.INSTALL, allow_module_level=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Where the learner's record is kept."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def open_notebook(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("lab")
    first = nbformat.read(FIRST, as_version=4)
    for cell in first.cells:  # the questions of sections with ★ are in sight
        cell.metadata.pop("jp-MarkdownHeadingCollapsed", None)
    nbformat.write(first, folder / FIRST.name)
    one = v4.new_notebook(cells=[v4.new_code_cell(ONE_HOT)], metadata={"kernelspec": KERNEL})
    nbformat.write(one, folder / "one.ipynb")
    with (
        pytest.MonkeyPatch.context() as patch,
        jupyterlab_page.chromium() as browser,
    ):
        patch.setenv("NORMLAB_DATA", str(data))
        with jupyterlab_page.jupyterlab([folder / FIRST.name, folder / "one.ipynb"], folder) as url:

            def open_(name):
                page = browser.new_page(viewport={"width": 1280, "height": 1000})
                jupyterlab_page.open_chapter(page, url, name)
                return page

            yield open_


def reveal(question):
    question.get_by_role("button", name="Reveal").click()


def test_a_stored_question_is_answered_by_keyboard_before_anything_is_run(open_notebook):
    page = open_notebook(FIRST.name)
    question = page.locator(".normlab-quiz", has_text="Multiply the input of layer norm by 3")
    wait_for_stored(question, page)
    first, second = question.get_by_role("radio").all()[:2]
    folds = page.locator(".jp-MarkdownOutput details")
    expect(folds.first).to_be_attached()
    assert page.locator(".jp-MarkdownOutput details[open]").count() == 0

    first.focus()
    first.press("ArrowDown")
    expect(second).to_be_checked()
    expect(second).to_be_focused()
    second.press("Enter")

    verdicts = question.locator("[aria-live]")
    expect(verdicts).to_contain_text("✗ (b) is not right.")
    expect(verdicts).to_contain_text("The mean of the row shifts by 7 too")
    expect(verdicts).to_contain_text("LN(x + 7): [[-1.069 -0.535  0.     1.604]]")
    expect(verdicts).to_contain_text("✓ The right answer is (c).")
    assert verdicts.inner_text().index("✗ (b)") < verdicts.inner_text().index("✓ The right")
    expect(question.get_by_role("radio", name="(b) it shifts by 7 ✗ your answer")).to_be_visible()
    expect(question.get_by_role("radio", name="(c) nothing ✓ right")).to_be_visible()
    expect(question.get_by_role("status")).to_contain_text("Not counted", timeout=MINUTES)
    opened = page.locator(".jp-MarkdownOutput details[open]")  # what stands behind this question
    expect(opened).to_have_count(1)
    assert folds.count() > 1
    page.close()


def test_before_the_choice_no_answer_is_in_the_page_and_reveal_asks_to_choose(open_notebook):
    page = open_notebook(FIRST.name)
    question = page.locator(".normlab-quiz", has_text="Multiply the input of layer norm by 3")
    expect(question).to_be_visible(timeout=MINUTES)
    reveal(question)
    expect(question.get_by_role("status")).to_have_text("Choose an answer first.")
    assert "✓" not in question.inner_text()
    assert "subtracted" not in question.text_content()
    page.close()


def test_an_answer_reaches_the_record_and_the_other_options_can_be_looked_at(open_notebook, data):
    page = open_notebook("one.ipynb")
    run_all_cells(page)
    question = page.locator(".normlab-quiz")
    group = question.get_by_role("group", name="What is the largest output of layer norm")
    third = group.get_by_role("radio", name="(c) 1.732")
    group.get_by_role("radio", name="(a) 1").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(third).to_be_focused()  # the keys did not reach JupyterLab, which would leave the cell
    expect(third).to_be_checked()
    page.keyboard.press("Enter")
    expect(question.locator("[aria-live]")).to_contain_text("✓ (c) is right.")
    others = question.locator("details")
    expect(others).to_have_count(3)
    others.nth(1).locator("summary").click()
    expect(others.nth(1)).to_contain_text("Layer norm divides by D.")
    expect(others.nth(1)).to_contain_text("F.layer_norm:    1.732")
    page.wait_for_timeout(4000)  # longer than the browser waits for Python
    expect(question.get_by_role("status")).to_have_text("")
    with open_record() as record:
        (answer,) = record.history().answers["one-hot"]
    assert (answer.given, answer.right) == ("c", True)
    page.close()
