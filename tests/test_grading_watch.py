"""`normlab grade --watch`: new files are graded when they are whole, and the page follows."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyterlab_page import chromium, skip_without_chromium
from playwright.sync_api import expect
from submissions import RIGHT, WRONG, grade, notebook
from test_grading_marks import diagnosis, marks

from normlab.grading import watch as module
from normlab.grading.collect import collect
from normlab.grading.outputs.overview import write_overview
from normlab.grading.outputs.tables import questions_of
from normlab.grading.watch import MOST_LOOKS, Changing, stamps, watch, without_moving

A, B = Path("class/ada.ipynb"), Path("class/bob.ipynb")
ONE, TWO, THREE = (1, 1, 1), (2, 2, 2), (3, 3, 3)


def test_a_file_is_graded_when_two_looks_see_the_same():
    changing = Changing()
    assert changing.look({}) is None
    assert changing.look({A: ONE}) is None
    assert changing.look({A: TWO}) is None
    assert changing.look({A: TWO}) == frozenset()
    assert changing.look({A: TWO}) is None
    assert changing.look({A: TWO, B: ONE}) is None
    assert changing.look({A: TWO, B: ONE}) == frozenset()
    assert changing.look({B: ONE}) == frozenset()  # a file that is gone is a change too


def test_a_file_that_is_written_for_ever_holds_up_nobody_else():
    changing = Changing()
    changing.look({A: ONE})
    looks = [changing.look({A: (i, 0, 0), B: ONE}) for i in range(2 * MOST_LOOKS)]
    assert looks.count(frozenset({A})) == 1
    assert len([look for look in looks if look is not None]) == 1
    last = (2 * MOST_LOOKS - 1, 0, 0)
    assert changing.look({A: last, B: ONE}) == frozenset()


def test_after_a_run_that_failed_all_is_looked_at_again():
    changing = Changing()
    changing.look({A: ONE})
    assert changing.look({A: ONE}) == frozenset()
    changing.forget()
    assert changing.look({A: ONE}) == frozenset()


def test_results_in_the_folder_are_no_change_and_links_are_not_followed(tmp_path, monkeypatch):
    (tmp_path / "ada").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "ada" / "01_layer_norm.ipynb").write_bytes(b"{}")
    (tmp_path / "results" / "overview.html").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path)
    given = tmp_path / "results" / "overrides.toml"
    monkeypatch.chdir(tmp_path)
    found = stamps(Path("."), tmp_path / "results", [given])
    assert set(found) == {Path("ada/01_layer_norm.ipynb")}
    given.write_text("")
    assert given in stamps(Path("."), tmp_path / "results", [given])


def test_what_is_still_being_written_is_left_out_and_named(tmp_path):
    for name in ("ada", "bob"):
        (tmp_path / "class" / name).mkdir(parents=True)
        (tmp_path / "class" / name / "01_layer_norm.ipynb").write_bytes(notebook(RIGHT))
    root = tmp_path / "class"
    found = without_moving(collect(root), root, [root / "ada" / "01_layer_norm.ipynb"])
    assert [s.student for s in found.submissions] == ["bob"]
    assert ("class/ada/01_layer_norm.ipynb", "it is still being written") in found.others
    whole = collect(root)
    assert without_moving(whole, root, []) is whole


def looks_until_ctrl_c(monkeypatch, looks):
    """No pauses, and Ctrl-C after some looks."""
    left = iter(range(looks))

    def sleep(seconds):
        if next(left, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(module.time, "sleep", sleep)


@pytest.mark.parametrize(
    "error", [ValueError("no metadata"), OSError("disk full"), EOFError("it ended")]
)
def test_a_run_that_fails_is_told_once_and_tried_again(tmp_path, monkeypatch, capsys, error):
    (tmp_path / "ada.ipynb").write_bytes(b"{}")
    runs = []

    def grade_once(moving):
        runs.append(moving)
        raise error

    looks_until_ctrl_c(monkeypatch, 8)
    assert watch(tmp_path, tmp_path / "out", None, grade_once) == 130
    assert len(runs) >= 3
    assert capsys.readouterr().err.count(str(error)) == 1


def test_ctrl_c_in_a_run_ends_the_watch(tmp_path, monkeypatch):
    (tmp_path / "ada.ipynb").write_bytes(b"{}")
    looks_until_ctrl_c(monkeypatch, 100)
    runs = SimpleNamespace(count=0)

    def interrupted(moving):
        runs.count += 1
        return 130

    assert watch(tmp_path, tmp_path / "out", None, interrupted) == 130
    assert runs.count == 1


def test_what_cannot_be_watched_is_refused(tmp_path, capsys):
    (tmp_path / "class.zip").write_bytes(b"")
    for root in (tmp_path / "class.zip", tmp_path / "none"):
        assert grade(root, tmp_path / "out", "--watch") == 2
        assert "--watch needs a folder" in capsys.readouterr().err
    (tmp_path / "class").mkdir()
    assert grade(tmp_path / "class", tmp_path / "out", "--watch", "--again") == 2
    assert "choose one" in capsys.readouterr().err


def until(true, what):
    end = time.monotonic() + 90
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.2)


@pytest.mark.skipif(sys.platform != "linux", reason="it sends the signals of Linux")
def test_a_live_class_is_graded_as_it_hands_in(tmp_path):
    root, out = tmp_path / "class", tmp_path / "out"
    root.mkdir()
    command = [sys.executable, "-m", "normlab", "grade", str(root), "--out", str(out), "--watch"]
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    gradebook = out / "gradebook.csv"

    def has(text):
        return gradebook.exists() and text in gradebook.read_text(encoding="utf-8")

    try:
        for name, source, row in (
            ("ada", RIGHT, "ada,4,4"),
            ("bob", WRONG, "bob,3,4"),
            ("bob", RIGHT, "bob,4,4"),
        ):
            (root / name).mkdir(exist_ok=True)
            (root / name / "01_layer_norm.ipynb").write_bytes(notebook(source))
            until(lambda row=row: has(row), row)
        (out / "overrides.toml").write_text("[bob]\nlayer_norm = {points = 1}")
        until(lambda: has("bob,1,4"), "the points by hand")
    finally:
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
    said = log.read_text(encoding="utf-8")
    assert "1 of 2 are graded already." in said
    assert "The watch has ended" in said
    assert "Traceback" not in said


# The page


def written(path, cls, **options):
    write_overview(path, lambda: iter(cls), questions_of(cls), str, [], **options)


def crowd(number):
    return [marks(f"student {i:03}", diagnosis(passed=True)) for i in range(number)]


def test_only_a_watched_page_has_a_script_and_allows_that_one_alone(tmp_path):
    written(tmp_path / "o.html", crowd(2), watched=True)
    page = (tmp_path / "o.html").read_text(encoding="utf-8")
    assert page.count("<script>") == 1
    assert "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-" in page
    written(tmp_path / "o.html", crowd(2))
    page = (tmp_path / "o.html").read_text(encoding="utf-8")
    assert "script" not in page
    assert "refresh" not in page


@pytest.fixture(scope="module")
def browser():
    skip_without_chromium()
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_200_students_with_long_names_are_readable(browser, tmp_path, width, scheme):
    cls = [*crowd(198), marks("W" * 200, diagnosis("eps-outside")), marks("ش" * 200)]
    written(tmp_path / "o.html", cls)
    viewport = {"width": width, "height": 800}
    page = browser.new_page(viewport=viewport, color_scheme=scheme)
    page.goto((tmp_path / "o.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator(".box").first
    name = box.locator("a").nth(198)
    name.scroll_into_view_if_needed()
    assert name.text_content() == "W" * 200
    assert name.bounding_box()["width"] < width / 2
    mark = box.locator("tbody tr").nth(198).locator("td").nth(1).bounding_box()
    assert mark["x"] + mark["width"] <= width  # beside the name, and on the screen
    head = box.locator("thead").bounding_box()
    assert head["y"] == pytest.approx(box.bounding_box()["y"], abs=2)  # it stays
    # what scrolls below the head and the first column does not shine through
    seen = "e => getComputedStyle(e).backgroundColor"
    for cell in (box.locator("thead th").first, box.locator("tbody th").first):
        assert "rgba" not in cell.evaluate(seen)
    page.close()


def test_the_page_of_a_live_class_loads_itself_again_and_stays_where_it_was(browser, tmp_path):
    path = tmp_path / "o.html"
    written(path, crowd(60), watched=True)
    page = browser.new_page(viewport={"width": 390, "height": 600})
    errors = []
    page.on("console", lambda message: errors.append(message.text))
    page.goto(path.as_uri())
    page.locator(".box").first.evaluate("box => box.scrollTo(0, 400)")
    page.locator("a").nth(20).focus()
    page.evaluate("scrollTo(0, 60)")
    top = page.locator(".box").first.evaluate("box => box.scrollTop")
    written(path, crowd(80), watched=True)
    expect(page.locator(".map tbody tr")).to_have_count(80, timeout=20_000)
    assert page.locator(".box").first.evaluate("box => box.scrollTop") == top
    assert page.evaluate("scrollY") == 60
    assert page.evaluate("document.activeElement.textContent") == "student 020"
    assert errors == []
    page.close()
