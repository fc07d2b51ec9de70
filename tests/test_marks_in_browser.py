"""A real browser: claims are marked by mouse and keys, on a phone, in the dark, with a kernel."""

import jupyterlab_page
import pytest
from jupyterlab_page import MINUTES, run_all_cells
from marker_page import CONTRAST, SILENT, answer_as_python, claim, said
from playwright.sync_api import expect
from widget_page import PHONE

from normlab.claims import mark_seed_text, sentences, your_mark
from normlab.record import open_record

MARK_ONE = "from normlab.claims import your_mark\n\nyour_mark(7, 8)"
DAYS = ["2026-11-24", "2026-11-24"]

jupyterlab_page.skip_without_chromium()


def test_a_click_opens_five_words_and_each_mark_opens_the_next_claim(show_marker):
    page = show_marker(mark_seed_text())
    words = page.get_by_role("group")
    expect(words).to_have_count(0)
    expect(page.get_by_text("0 of 46", exact=True)).to_be_visible()
    expect(claim(page, 4)).to_contain_text("not marked yet")
    claim(page, 4).click()
    expect(claim(page, 4)).to_have_attribute("aria-expanded", "true")
    expect(words).to_have_attribute("aria-label", "Claim 4: your mark")
    names = ["holds", "holds if", "imprecise", "wrong", "don't know"]
    assert words.get_by_role("button").all_inner_texts() == [
        f"{key} {word}" for key, word in enumerate(names, 1)
    ]
    words.get_by_role("button", name="imprecise").click()
    assert said(page) == [[4, "imprecise"]]
    expect(page.get_by_text("1 of 46", exact=True)).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Claim 4: imprecise. 1 of 46 marked.")
    expect(claim(page, 4)).to_have_attribute("aria-expanded", "false")
    expect(claim(page, 4)).to_contain_text("imprecise")
    expect(words).to_have_attribute("aria-label", "Claim 5: your mark")
    expect(claim(page, 5)).to_be_focused()


def test_keys_alone_mark_the_text_and_marked_claims_are_passed_over(show_marker):
    page = show_marker(mark_seed_text())
    page.keyboard.press("Tab")
    expect(claim(page, 1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group")).to_have_attribute("aria-label", "Claim 1: your mark")
    page.keyboard.press("4")
    page.keyboard.press("Tab")  # into the words of claim 2
    expect(page.get_by_role("button", name="holds", exact=True)).to_be_focused()
    page.keyboard.press("5")
    claim(page, 1).focus()
    page.keyboard.press("1")  # changes the first; 2 has its mark, so 3 is next
    assert said(page) == [[1, "wrong"], [2, "don't know"], [1, "holds"]]
    expect(page.get_by_text("2 of 46", exact=True)).to_be_visible()
    expect(claim(page, 3)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("group")).to_have_count(0)
    expect(claim(page, 3)).to_be_focused()
    for key in ("6", "0", "a", "Control+1"):
        page.keyboard.press(key)
    assert len(said(page)) == 3


def test_a_claim_over_a_line_break_is_one_button(show_marker):
    page = show_marker(mark_seed_text())
    assert page.locator(".normlab-claim").count() == 47
    assert page.locator(".normlab-claim[tabindex='0']").count() == 46
    page.get_by_text("model.eval()switch needed").click()
    expect(page.get_by_role("group")).to_have_attribute("aria-label", "Claim 8: your mark")
    page.keyboard.press("4")
    assert said(page) == [[8, "wrong"]]
    assert page.locator(".normlab-said").count() == 2


def test_after_the_last_claim_the_words_close(show_marker):
    page = show_marker(your_mark(7, 9))
    expect(page.get_by_role("group")).to_have_attribute("aria-label", "Claim 7: your mark")
    page.get_by_role("button", name="wrong").click()
    page.keyboard.press("1")
    expect(page.get_by_role("group")).to_have_count(0)
    expect(page.get_by_text("2 of 2", exact=True)).to_be_visible()
    assert said(page) == [[7, "wrong"], [9, "holds"]]


def test_without_python_it_is_said_that_marks_are_not_kept(show_marker):
    page = show_marker(your_mark(7))
    page.get_by_role("button", name="wrong").click()
    expect(page.get_by_role("status")).to_have_text(SILENT, timeout=6000)


def test_an_answer_of_python_that_comes_late_takes_back_what_was_said_of_its_silence(show_marker):
    page = show_marker(your_mark(7, 8))
    for _ in range(2):
        page.get_by_role("button", name="wrong", exact=True).click()
    expect(page.get_by_role("status")).to_have_text(SILENT, timeout=6000)
    answer_as_python(page, marks={"7": ["wrong", "wrong", *DAYS]}, heard=1)
    expect(page.get_by_role("status")).to_have_text(SILENT)  # the second mark is on its way
    answer_as_python(page, marks={n: ["wrong", "wrong", *DAYS] for n in "78"}, heard=2)
    for told in (page.get_by_role("status"), page.locator(".normlab-status")):
        expect(told).to_have_text("Claim 8: wrong. 2 of 2 marked.")


def test_what_python_has_to_say_is_told_and_a_refused_mark_is_shown_no_more(show_marker):
    page = show_marker(your_mark(7, 8))
    page.get_by_role("button", name="wrong").click()
    expect(page.get_by_text("1 of 2", exact=True)).to_be_visible()
    answer_as_python(page, notice="Your mark could not be kept.", heard=1)
    expect(page.get_by_text("0 of 2", exact=True)).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Your mark could not be kept.")
    expect(claim(page, 7)).to_contain_text("not marked yet")


def test_an_answer_of_python_leaves_the_focus_in_the_words(show_marker):
    page = show_marker(your_mark(7, 8))
    page.get_by_role("button", name="wrong").click()
    word = page.get_by_role("button", name="imprecise")
    word.focus()
    answer_as_python(page, marks={"7": ["wrong", "wrong", *DAYS]}, heard=1)
    expect(word).to_be_focused()
    page.keyboard.press("Enter")
    assert said(page) == [[7, "wrong"], [8, "imprecise"]]


def test_what_was_said_before_is_shown_with_its_first_word(show_marker):
    before = your_mark(7)
    before.said = [[7, "holds"], [7, "wrong"]]
    page = show_marker(your_mark(7))
    expect(page.get_by_role("group")).to_have_count(0)
    expect(claim(page, 7)).to_contain_text("wrong")
    claim(page, 7).click()
    pressed = page.get_by_role("group").locator("[aria-pressed='true']")
    assert pressed.all_inner_texts() == ["4 wrong"]
    expect(page.get_by_text("you said: holds.")).to_be_visible()


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
@pytest.mark.parametrize("width", [804, PHONE])
def test_all_is_read_and_reached_at_any_width_and_in_the_dark(show_marker, width, light):
    page = show_marker(mark_seed_text(), width=width, light=light)
    claim(page, 20).click()
    page.keyboard.press("2")
    expect(claim(page, 21)).to_be_focused()
    expect(page.get_by_role("group")).to_have_attribute("aria-label", "Claim 21: your mark")
    expect(page.locator(".normlab-status")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    told = page.locator(".normlab-status").bounding_box()
    assert told["y"] + told["height"] <= 900  # in sight, though the text is longer than the page
    for button in page.get_by_role("group").get_by_role("button").all():
        box = button.bounding_box()
        assert box["height"] >= 30
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= told["y"]  # what was said hides no word
    texts = page.locator(
        ".normlab-claim, .normlab-tag:not(:empty), .normlab-words button, .normlab-status, "
        ".normlab-count, sup"
    )
    assert min(texts.evaluate_all(CONTRAST)) >= 4.5


def test_marks_reach_the_record_from_jupyterlab(browser, tmp_path_factory):
    folder, data = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("data")
    one = jupyterlab_page.notebook_of(MARK_ONE, folder / "one.ipynb")
    with jupyterlab_page.notebooks_in_jupyterlab(browser, [one], folder, data) as open_:
        page = open_(one.name)
        run_all_cells(page)
        seen = page.locator(".normlab-marker")
        expect(seen).to_contain_text(sentences()[7], timeout=MINUTES)
        claim(page, 7).focus()
        page.keyboard.press("3")  # reaches no shortcut of JupyterLab, such as "heading 3"
        page.keyboard.press("5")
        page.wait_for_timeout(4000)  # longer than the browser waits for Python
        expect(seen.get_by_role("status")).to_have_text("Claim 8: don't know. 2 of 2 marked.")
        expect(page.locator(".jp-Cell")).to_have_count(1)
        with open_record() as record:
            marks = record.history().marks
    assert {number: mark.word for number, (mark,) in marks.items()} == {
        7: "imprecise",
        8: "don't know",
    }
