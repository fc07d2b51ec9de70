"""A real browser: a question is answered by keyboard and mouse, with a kernel and without one."""

from pathlib import Path

import jupyterlab_page
import nbformat
import pytest
from jupyterlab_page import MINUTES, run_all_cells, wait_for_stored
from marker_page import answer_as_python, within_reach
from playwright.sync_api import expect
from widget_page import open_page

from normlab import quiz
from normlab.record import open_record
from normlab.study.quiz.answers import digits

KINDS = Path(__file__).parent.parent / "normlab" / "study" / "quiz" / "kinds.js"
FIRST = Path(__file__).parent.parent / "notebooks" / "00_start_here.ipynb"
ONE_HOT = 'from normlab import quiz\n\nquiz("one-hot")'

jupyterlab_page.skip_without_chromium()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Where the learner's record is kept."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def open_notebook(browser, tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("lab")
    first = nbformat.read(FIRST, as_version=4)
    for cell in first.cells:  # the questions of sections with ★ are in sight
        cell.metadata.pop("jp-MarkdownHeadingCollapsed", None)
    nbformat.write(first, folder / FIRST.name)
    one = jupyterlab_page.notebook_of(ONE_HOT, folder / "one.ipynb")
    notebooks = [folder / FIRST.name, one]
    with jupyterlab_page.notebooks_in_jupyterlab(browser, notebooks, folder, data) as open_:
        yield open_


def reveal(question):
    question.get_by_role("button", name="Reveal").click()


def test_an_answer_of_python_that_comes_late_takes_back_what_was_said_of_its_silence(browser):
    page = open_page(browser, {"it": within_reach(quiz("one-hot"))})
    page.get_by_role("radio").first.check()
    reveal(page)
    expect(page.get_by_role("status")).to_contain_text("Not counted: Python", timeout=6000)
    answer_as_python(page, notice="", recorded=1)
    expect(page.get_by_role("status")).to_have_text("")
    page.get_by_role("radio").last.check()
    reveal(page)
    answer_as_python(page, notice="A new record is started.", recorded=2)
    expect(page.get_by_role("status")).to_have_text("A new record is started.")
    page.close()


def test_python_and_the_browser_write_the_same_numbers(browser):
    table = [
        (0.0, "0"), (-0.0, "0"), (3.0, "3"), (-16777216.0, "-16777216"),
        (1e15, "1000000000000000"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
        (0.25, "0.25"), (0.123456, "0.123"), (-1.732, "-1.73"), (12345678.5, "12300000"),
        (1.125, "1.13"), (-2.625, "-2.63"), (999.96, "1000"),  # a half is rounded away from 0
        (1.5e-5, "0.000015"), (1e-6, "0.000001"), (1.2345e-7, "1.23e-7"), (1e-100, "1e-100"),
    ]  # fmt: skip
    values, shown = map(list, zip(*table, strict=True))
    page = browser.new_page()
    page.add_script_tag(path=KINDS)
    assert page.evaluate("(values) => values.map(digits)", values) == shown
    assert list(map(digits, values)) == shown
    page.close()


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
