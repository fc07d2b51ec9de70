"""Python in the pages of the site, in a real browser: the exercises, and Run in the chapters."""

import importlib
import inspect
import json
import re
from pathlib import Path

import jupyterlab_page
import pytest
from exercise_page import ANY, NO_TIME, ExercisePage
from installed import HERE
from playwright.sync_api import expect
from submissions import grade
from test_exercises import IN_NUMPY

from docs.site.python.pyodide import NoPyodide, pyodide_files
from normlab.exercises import find_exercise
from normlab.study.files import answer_in, check_file

jupyterlab_page.skip_without_chromium()

ROOT = Path(__file__).parent.parent
AXE = ROOT / "docs" / "site" / "vendor" / "axe" / "axe.min.js"
WRONG_OF_EACH, WRONG_IN_MUSEUM = 4, 1
WRONG = """def layer_norm(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(x.var(axis=-1, keepdims=True, ddof=1) + eps) + beta
"""
NAMED = "(unbiased-variance)"
RIGHT = """def layer_norm(x, gamma, beta, eps=1e-5):
    for given in (gamma, beta):
        if given.shape != x.shape[-1:]:
            raise ValueError(f"got {given.shape}; expected {x.shape[-1:]}")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    centered = wide - wide.mean(axis=-1, keepdims=True)
    variance = (centered**2).mean(axis=-1, keepdims=True)
    return (gamma * centered / np.sqrt(variance + eps) + beta).astype(x.dtype)
"""
BROKEN = "def layer_norm(x, gamma, beta, eps=1e-5):\n    return x +* 1\n"
ENDLESS = "def layer_norm(x, gamma, beta, eps=1e-5):\n    while True:\n        pass\n"
STOPPED_AT_ONCE = """async (input) => {
    const { end } = await import(new URL("../_static/python/python.js", location).href);
    input.click();
    setTimeout(() => end("Ended by you."));
}"""
FULL = "() => { Storage.prototype.setItem = () => { throw new DOMException('', 'Full'); }; }"
FINDINGS = """async () => {
    const { violations } = await axe.run({ include: ".normlab-cell, .normlab-take, .normlab-bar" });
    return violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
        .map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html.slice(0, 200)).join(" | ")}`);
}"""


@pytest.fixture(scope="module", autouse=True)
def pyodide_is_there():
    try:
        pyodide_files()
    except NoPyodide as error:
        pytest.skip(f"PYTHON IN THE PAGE IS NOT TESTED. {error}")


@pytest.fixture
def open_page(browser, site):
    """Opens pages, and closes them whatever happens: a loop in one would slow all others."""
    opened = []

    def open_(name, **page):
        opened.append(ExercisePage(browser, site, name, **page))
        return opened[-1]

    yield open_
    for page in opened:
        page.close()


@pytest.fixture(scope="module")
def first(browser, site):
    """The page of the first exercise."""
    opened = ExercisePage(browser, site, "exercises/01_layer_norm")
    yield opened
    opened.close()


def answered(function, source, folder="exercises"):
    """(name, notebook): a notebook up to an answer, which is `source` if there is one."""
    name = find_exercise(function).name
    path = ROOT / folder / f"{name}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    at = next(i for i, c in enumerate(notebook["cells"]) if c["id"] == f"answer-{function}")
    if source is not None:
        notebook["cells"][at]["source"] = source
    del notebook["cells"][at + 1 :]
    return f"{name}.ipynb", notebook


def wrong_answers():
    """(function, source) of some wrong answers to every NumPy question that has any."""
    for exercise, functions in HERE.items():
        module = importlib.import_module(f"wrong_answers.{exercise[3:]}")
        whole = inspect.getsource(module)
        for function in functions if exercise != "04_residual_placement" else ():
            most = WRONG_IN_MUSEUM if exercise == "08_bug_museum" else WRONG_OF_EACH
            numpy = [a for a, _ in module.WRONG.get(function, ()) if not uses_torch(a)]
            for wrong in numpy[:most] if function in IN_NUMPY else ():
                yield function, f"{whole}\n\n{function} = {wrong.__name__}\n"


def uses_torch(answer):
    return bool(re.search(r"\b(torch|nn|F)\.", inspect.getsource(answer)))


def test_every_numpy_question_is_diagnosed_word_for_word_as_in_the_terminal(first, tmp_path):
    right = [(function, answered(function, None, "solutions")) for function in IN_NUMPY]
    wrong = [(function, answered(function, source)) for function, source in wrong_answers()]
    assert len(right) == 35
    assert len(wrong) >= 40
    differences = []
    for number, (function, (name, notebook)) in enumerate([*right, *wrong]):
        path = tmp_path / name
        path.write_text(json.dumps(notebook), encoding="utf-8")
        diagnosis, note = answer_in(path, function)
        found = first.diagnosis(name, notebook, function)
        if (found["text"], found["note"]) != (str(diagnosis), note):
            differences.append(
                f"{diagnosis}\n{note}\n-- in the page --\n{found['text']}\n{found['note']}"
            )
        assert diagnosis.passed == (number < len(right)), diagnosis
    assert not differences, f"{len(differences)}:\n\n" + "\n\n".join(differences)


def test_what_stands_in_the_page_is_the_diagnosis(first, tmp_path):
    first.write("layer_norm", WRONG)
    rows = first.check("layer_norm")
    path = tmp_path / "01_layer_norm.ipynb"
    path.write_text(json.dumps(answered("layer_norm", WRONG)[1]), encoding="utf-8")
    diagnosis, _ = answer_in(path, "layer_norm")
    *others, (label, _) = diagnosis.rows()
    assert rows == [*([*row] for row in others), [label, "the button Hint gives the next hint"]]
    assert NAMED in str(rows)
    first.press("layer_norm", "Hint")
    expect(first.said("layer_norm")).to_contain_text("hint 1 of 3 on the formula", **NO_TIME)
    first.press("layer_norm", "Hint")
    expect(first.said("layer_norm")).to_contain_text("hint 2 of 3 on the formula", **NO_TIME)
    first.press("layer_norm", "Hint")
    expect(first.said("layer_norm")).to_contain_text("hint 3 of 3 on the formula", **NO_TIME)
    first.press("layer_norm", "Hint")
    expect(first.said("layer_norm")).to_contain_text("There is no further hint", **NO_TIME)
    first.check("layer_norm")
    assert first.said("layer_norm").get_by_role("table").count() == 1 + 3


def test_run_runs_the_cells_above_first_and_shows_what_is_printed(first):
    example = "7040413773"
    first.press(example, "Run")
    expect(first.said(example)).to_contain_text("300² in float16:             inf", **NO_TIME)
    first.write(example, "np.array([1.5, 2])")
    first.press(example, "Run")
    expect(first.said(example)).to_have_text("array([1.5, 2. ])", **NO_TIME)
    first.write(example, "print('one')\n1 / 0")
    first.press(example, "Run")
    expect(first.said(example)).to_contain_text("ZeroDivisionError: division by zero", **NO_TIME)
    expect(first.said(example).locator("pre").first).to_have_text("one\n")
    first.write(example, "input('a number: ')")
    first.press(example, "Run")
    expect(first.said(example)).to_contain_text("EOFError: nobody is there to answer", **NO_TIME)
    first.write(example, "import os\nos._exit(0)")
    first.press(example, "Run")
    said = "Python was ended by the code that ran. Python starts anew: what other cells have left"
    expect(first.said(example)).to_contain_text(said, **NO_TIME)
    first.write(example, "1 + 1")
    first.press(example, "Run")
    expect(first.said(example)).to_have_text("2", **NO_TIME)


def test_an_endless_loop_is_stopped_by_hand_and_the_page_goes_on(first):
    first.write("layer_norm", RIGHT)
    first.check("layer_norm")
    said, old = first.said("layer_norm"), first.said("layer_norm").locator(".normlab-old")
    expect(old).to_have_count(0)
    first.write("layer_norm", ENDLESS)
    expect(old).to_contain_text("Of your answer before the last change.")
    first.press("layer_norm", "Check")
    expect(old).to_contain_text("Of the check before")
    expect(first.answer("layer_norm")).not_to_have_attribute("data-passed", ANY)
    first.press("layer_norm", "Check")
    first.page.get_by_role("button", name="Stop").click(**NO_TIME)
    expect(said.get_by_text("Ended by you. Python starts anew")).to_have_count(1)
    expect(said.get_by_text("✓")).to_have_count(0)
    first.write("layer_norm", WRONG)
    assert NAMED in str(first.check("layer_norm"))
    expect(said.get_by_text("Ended by you")).to_have_count(0)
    first.write("layer_norm", BROKEN)
    place = "SyntaxError: invalid syntax (line 2 of your layer_norm: `return x +* 1`)"
    assert place in str(first.check("layer_norm"))
    first.press("layer_norm", "Run")
    expect(said).to_contain_text('File "your layer_norm", line 2', **NO_TIME)


def test_watch_checks_again_after_a_pause_in_typing(first):
    first.answer("layer_norm").get_by_label("Watch").check()
    first.write("layer_norm", WRONG)
    expect(first.said("layer_norm")).to_contain_text(NAMED, **NO_TIME)
    first.write("layer_norm", RIGHT)
    expect(first.said("layer_norm")).to_contain_text("✓ right, 4 of 4 points", **NO_TIME)
    first.answer("layer_norm").get_by_label("Watch").uncheck()


def test_a_page_with_a_diagnosis_is_readable_in_each_theme_and_width(first):
    first.write("layer_norm", WRONG)
    first.check("layer_norm")
    first.press("7040413773", "Run")
    expect(first.said("7040413773").locator("pre").first).to_be_visible(**NO_TIME)
    first.page.add_script_tag(path=str(AXE))
    for theme in ("light", "dark"):
        first.page.emulate_media(color_scheme=theme)
        first.page.wait_for_function("t => document.documentElement.dataset.theme === t", arg=theme)
        for width in (1280, 390):
            first.page.set_viewport_size({"width": width, "height": 900})
            assert first.page.evaluate(FINDINGS) == []
            assert first.page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0
    first.page.emulate_media(color_scheme="light")
    first.page.set_viewport_size({"width": 1280, "height": 900})


def test_an_endless_loop_ends_by_itself(open_page):
    page = open_page("exercises/01_layer_norm")
    assert page.check("layer_norm")[0] == ["layer_norm", "○ not attempted, 0 of 4 points"]
    page.page.clock.install()
    page.write("layer_norm", ENDLESS)
    page.press("layer_norm", "Check")
    expect(page.page.get_by_role("status")).to_have_text("Python is running", **NO_TIME)
    page.page.clock.fast_forward(31_000)
    said = "Ended after 30 seconds: is there a loop that never stops? Python starts anew"
    expect(page.said("layer_norm")).to_contain_text(said)


def test_a_page_whose_python_does_not_start_says_so(open_page):
    page = open_page("exercises/01_layer_norm")
    held = []
    page.page.route("**/pyodide.asm.wasm", lambda route: held.append(route))
    page.press("layer_norm", "Check")
    bar = page.page.locator(".normlab-bar")
    expect(bar).to_contain_text("Starting Python…", **NO_TIME)
    expect(bar.get_by_role("progressbar")).not_to_have_attribute("value", re.compile(""))
    held[0].abort()
    said = page.said("layer_norm")
    expect(said).to_contain_text("Python stops: pyodide.asm.wasm cannot be fetched", **NO_TIME)
    page.page.unroute("**/pyodide.asm.wasm")
    assert page.check("layer_norm")[0] == ["layer_norm", "○ not attempted, 0 of 4 points"]


def test_answers_are_there_again_after_a_reload_and_can_be_thrown_away(first):
    first.write("layer_norm", "# mine\n")
    first.page.reload()
    first.ready()
    text = first.answer("layer_norm").locator(".cm-content")
    expect(text).to_contain_text("# mine")
    first.page.once("dialog", lambda dialog: dialog.dismiss())
    first.press("layer_norm", "Start over")
    expect(text).to_contain_text("# mine")
    first.page.once("dialog", lambda dialog: dialog.accept())
    first.press("layer_norm", "Start over")
    expect(text).to_contain_text("raise NotImplementedError")
    assert (
        first.page.evaluate("Object.keys(localStorage).filter((k) => k.includes('answer:'))") == []
    )


def test_what_two_tabs_write_is_told_and_none_of_it_lost(first):
    first.write("layer_norm", "# one")
    with first.page.expect_popup() as opened:
        first.page.evaluate("void window.open(location.href)")
    other = opened.value
    there = other.locator("[data-function='layer_norm']")
    expect(there.locator(".cm-content")).to_contain_text("# one")
    first.write("layer_norm", "# two")
    expect(there).to_contain_text("layer_norm was changed in another tab")
    there.get_by_role("button", name="Take over the other").click()
    expect(there.locator(".cm-content")).to_contain_text("# two")
    there.locator(".cm-content").click()
    other.keyboard.insert_text("# three ")
    here = first.answer("layer_norm")
    expect(here).to_contain_text("layer_norm was changed in another tab")
    first.write("layer_norm", "# four")
    kept = first.page.evaluate("JSON.parse(localStorage['normlab:earlier']).map((a) => a.source)")
    assert [text for text in kept if "three" in text]
    assert {"# one", "# two"} <= {*kept}
    here.get_by_role("button", name="Take over the other").click()
    expect(here.locator(".cm-content")).to_contain_text("# three")
    other.close()


def test_the_editor_is_left_by_escape_and_tab(first):
    first.answer("layer_norm").locator(".cm-content").click()
    focused = "document.activeElement.className + document.activeElement.textContent"
    first.page.keyboard.press("Tab")
    assert "cm-content" in first.page.evaluate(focused), "Tab indents"
    first.page.keyboard.press("Escape")
    first.page.keyboard.press("Tab")
    assert first.page.evaluate("document.activeElement.textContent") == "Run"
    first.page.keyboard.press("Tab")
    assert first.page.evaluate("document.activeElement.textContent") == "Check"
    first.answer("7040413773").locator(".cm-content").click()
    first.page.keyboard.press("Tab")
    assert first.page.evaluate("document.activeElement.textContent") == "Run"


def test_a_torch_question_says_what_to_do_and_keeps_what_is_written(open_page, tmp_path):
    page = open_page("exercises/03_rms_norm")
    module = page.answer("RMSNorm")
    assert module.get_by_role("button").all_inner_texts() == ["Start over"]
    text = page.page.get_by_text("RMSNorm needs PyTorch: take the notebook along")
    assert text.count() == 1
    colab = "https://colab.research.google.com/github/normlab/normlab/blob/main/exercises/"
    link = text.get_by_role("link", name="open it in Colab").get_attribute("href")
    assert link == f"{colab}03_rms_norm.ipynb"
    page.write("RMSNorm", "class RMSNorm: pass")
    notebook = json.loads(page.take_along(tmp_path / "03_rms_norm.ipynb").read_text("utf-8"))
    assert "class RMSNorm: pass" in [cell["source"] for cell in notebook["cells"]]
    page.page.evaluate(FULL)
    page.write("RMSNorm", "class RMSNorm: ...")
    alert = page.page.get_by_role("alert")
    expect(alert).to_contain_text("This browser keeps nothing of what you do here (Full)")
    with page.page.expect_download() as download:
        alert.get_by_role("button", name="Export").click()
    (kept,) = json.loads(download.value.path().read_text("utf-8"))["answers"]
    assert kept["source"] == "class RMSNorm: ..."
    assert not page.wrong


def test_from_a_chapter_to_full_points_with_the_network_cut(open_page, tmp_path):
    page = open_page("chapters/01_layer_norm")
    drag_the_token(page.page)
    page.page.get_by_role("link", name=re.compile("exercise 01", re.I)).first.click()
    page.ready()
    page.write("layer_norm", WRONG)
    assert "✗ not yet, 0 of 4 points" in str(page.check("layer_norm"))
    page.write("layer_norm", RIGHT)
    assert page.check("layer_norm") == [["layer_norm", "✓ right, 4 of 4 points"]]
    path = page.take_along(tmp_path / "01_layer_norm.ipynb")
    assert [str(d) for d in check_file(path)] == ["layer_norm  ✓ right, 4 of 4 points"]
    assert "nbgrader" in path.read_text(encoding="utf-8")
    (tmp_path / "class" / "ada").mkdir(parents=True)
    path.rename(tmp_path / "class" / "ada" / path.name)
    assert grade(tmp_path / "class", tmp_path / "results") == 0
    assert ",4" in (tmp_path / "results" / "gradebook.csv").read_text(encoding="utf-8")
    solved = page.page.evaluate(
        "async () => (await import(new URL('../_static/course/progress.js', location).href))"
        ".readRecord().results['01_layer_norm:layer_norm'].points"
    )
    assert solved == 4
    assert not page.wrong


def drag_the_token(page):
    token = page.locator(".normlab-token").first
    token.scroll_into_view_if_needed()
    before = token.inner_text()
    bar = token.locator("[role=slider]").first
    box = bar.locator(".normlab-column").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5, steps=4)
    page.mouse.up()
    expect(token).not_to_have_text(before)


@pytest.fixture(scope="module")
def chapter(browser, site):
    opened = ExercisePage(browser, site, "chapters/01_layer_norm")
    opened.page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    yield opened
    opened.close()


def cell_of(chapter, identity):
    return chapter.page.locator(f".cell[class*='tag_cell-id-{identity}']")


def test_run_in_a_chapter_runs_what_it_needs_and_replaces_the_stored_output(chapter):
    cell = cell_of(chapter, "741b2fecb0")  # uses layer_norm, which a cell far above imports
    assert cell.locator(".cell_output").count() == 1
    cell.get_by_role("button", name="Run", exact=True).click()
    printed = cell.locator(".normlab-shown pre")
    expect(printed).to_contain_text("half + 3, half − 3   token means 0.00", **NO_TIME)
    expect(cell.locator(".cell_output")).to_have_count(0)


def test_a_picture_is_drawn_in_the_page(chapter):
    cell = cell_of(chapter, "fe1cd6d6f9")
    cell.get_by_role("button", name="Run", exact=True).click()
    picture = cell.locator(".normlab-shown img")
    expect(picture).to_have_count(1, **NO_TIME)
    assert "Panel 1: no norm" in picture.get_attribute("alt")
    assert picture.evaluate("(image) => image.naturalWidth") > 500


def test_a_cell_that_needs_torch_has_no_run(chapter):
    cell = cell_of(chapter, "54631896ba")  # imports torch
    assert cell.count() == 1
    assert cell.locator(".normlab-run").count() == 0


def test_a_setting_of_an_explorer_is_answered_by_python(chapter):
    explorer = cell_of(chapter, "7d454025b8").locator(".normlab-explorer")
    sentence = explorer.locator(".normlab-sentence")
    expect(sentence).to_contain_text("token")
    explorer.get_by_text("images (B, C, P)").click()
    expect(sentence).to_contain_text("image b=0: 24 numbers share one mean", **NO_TIME)
    expect(explorer.locator("progress")).to_be_hidden(**NO_TIME)
    expect(explorer.locator(".normlab-status")).to_be_empty()
    explorer.get_by_text("text (B, T, D)").click()
    expect(sentence).to_contain_text("token", **NO_TIME)
    expect(explorer.locator("progress")).to_be_hidden(**NO_TIME)
    images = explorer.get_by_label("images (B, C, P)")
    images.evaluate(STOPPED_AT_ONCE)
    expect(explorer.locator(".normlab-status")).to_contain_text("Ended by you.")
    expect(explorer.get_by_label("text (B, T, D)")).to_be_checked()
    expect(sentence).to_contain_text("token")
    images.check(force=True)
    expect(sentence).to_contain_text("image b=0: 24 numbers share one mean", **NO_TIME)
    assert not chapter.wrong
