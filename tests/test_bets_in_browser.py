"""A real browser: bets are made by mouse and keys, on a phone, in the dark, with a kernel."""

import re

import jupyterlab_page
import pytest
from jupyterlab_page import MINUTES, run_all_cells
from marker_page import CONTRAST, SILENT, answer_as_python, claim, said
from playwright.sync_api import expect
from widget_page import PHONE

from normlab.claims import sentences, your_bet, your_mark
from normlab.record import LEVELS, open_record

BET_ON_TWO = "from normlab.claims import your_bet\n\nyour_bet(7, 8)"
KEYS = dict(zip(LEVELS, "67890", strict=True))
DAY = "2026-11-24"

jupyterlab_page.skip_without_chromium()


def word_group(page, number):
    return page.get_by_role("group", name=f"Claim {number}: your mark")


def level_group(page, number):
    return page.get_by_role("group", name=f"Claim {number}: how sure are you?")


def test_a_word_asks_how_sure_one_is_and_the_level_goes_to_the_next_claim(show_marker):
    page = show_marker(your_bet(7, 8, 9))
    expect(word_group(page, 7)).to_be_visible()
    expect(level_group(page, 7)).to_have_count(0)  # there is nothing to be sure of
    word_group(page, 7).get_by_role("button", name="imprecise").click()
    assert said(page) == [[7, "imprecise"]]  # kept at once
    expect(page.get_by_role("status")).to_have_text("Claim 7: imprecise. How sure are you?")
    levels = level_group(page, 7).get_by_role("button")
    assert levels.all_inner_texts() == [f"{KEYS[percent]} {percent} %" for percent in LEVELS]
    for percent, button in zip(LEVELS, levels.all(), strict=True):
        expect(button).to_have_accessible_name(f"{percent} %")
        expect(button).to_have_attribute("aria-keyshortcuts", KEYS[percent])
    expect(claim(page, 7)).to_contain_text("no bet yet")
    expect(page.get_by_text("0 of 3", exact=True)).to_be_visible()
    levels.nth(2).click()
    assert said(page) == [[7, "imprecise"], [7, "imprecise", 75]]
    expect(page.get_by_role("status")).to_have_text("Claim 7: imprecise, 75 %. 1 of 3 with a bet.")
    expect(claim(page, 7).locator(".normlab-tag")).to_have_text("imprecise, 75 %")
    expect(page.get_by_text("1 of 3", exact=True)).to_be_visible()
    expect(claim(page, 8)).to_be_focused()
    expect(word_group(page, 8)).to_be_visible()
    expect(level_group(page, 8)).to_have_count(0)


def test_keys_alone_make_bets_and_a_level_without_a_word_does_nothing(show_marker):
    page = show_marker(your_bet(7, 8, 9))
    claim(page, 7).focus()
    page.keyboard.press("8")
    assert said(page) == []
    for key in "40":
        page.keyboard.press(key)
    expect(claim(page, 8)).to_be_focused()
    page.keyboard.press("5")  # nothing to be sure of: the next claim opens
    expect(claim(page, 9)).to_be_focused()
    page.keyboard.press("1")
    expect(claim(page, 9)).to_be_focused()
    page.keyboard.press("Control+8")
    page.keyboard.press("8")
    assert said(page) == [
        [7, "wrong"],
        [7, "wrong", 99],
        [8, "don't know"],
        [9, "holds"],
        [9, "holds", 75],
    ]
    expect(page.get_by_role("group")).to_have_count(0)  # who does not know is not asked again now
    expect(claim(page, 9)).to_be_focused()
    expect(page.get_by_text("2 of 3", exact=True)).to_be_visible()


def test_with_tab_and_enter_the_level_is_reached_from_the_word(show_marker):
    page = show_marker(your_bet(7, 8))
    word_group(page, 7).get_by_role("button", name="wrong").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="wrong", exact=True)).to_be_focused()
    for _ in range(3):  # past "don't know" and 25 %
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="50 %")).to_be_focused()
    page.keyboard.press("Enter")
    assert said(page)[-1] == [7, "wrong", 50]
    expect(claim(page, 8)).to_be_focused()


def test_a_digit_on_a_closed_claim_opens_it_and_asks(show_marker):
    page = show_marker(your_bet(7, 8))
    claim(page, 8).focus()
    page.keyboard.press("2")
    expect(level_group(page, 8)).to_be_visible()
    expect(claim(page, 8)).to_be_focused()
    page.keyboard.press("9")
    assert said(page) == [[8, "holds if"], [8, "holds if", 90]]
    expect(claim(page, 7)).to_be_focused()


def test_what_was_said_in_an_earlier_chapter_can_be_bet_on_at_once(show_marker):
    your_mark(7, 8).said = [[7, "holds"], [8, "don't know"]]
    page = show_marker(your_bet(7, 8))
    expect(page.get_by_text("0 of 2", exact=True)).to_be_visible()
    level_group(page, 7).get_by_role("button", name="99 %").click()
    assert said(page) == [[7, "holds", 99]]
    expect(claim(page, 8)).to_be_focused()
    expect(word_group(page, 8)).to_be_visible()
    expect(level_group(page, 8)).to_have_count(0)


def test_the_first_bet_counts_and_the_next_one_is_told_so(show_marker):
    your_bet(7).said = [[7, "imprecise"], [7, "imprecise", 75]]
    page = show_marker(your_bet(7, 8))
    expect(word_group(page, 8)).to_be_visible()  # 7 has its bet
    claim(page, 7).click()
    expect(page.get_by_text("first bet")).to_have_count(0)
    pressed = page.locator(".normlab-words [aria-pressed='true']")
    assert pressed.all_inner_texts() == ["3 imprecise", "8 75 %"]
    page.keyboard.press("4")
    expect(page.locator(".normlab-before")).to_contain_text(
        "Your first bet counts: imprecise, 75 %."
    )
    assert pressed.all_inner_texts() == ["4 wrong"]
    page.keyboard.press("9")
    expect(page.get_by_role("status")).to_have_text(
        "Claim 7: wrong, 90 %. Your first bet counts: imprecise, 75 %. 1 of 2 with a bet."
    )
    expect(claim(page, 7).locator(".normlab-tag")).to_have_text("wrong, 90 %")
    claim(page, 7).click()
    expect(page.locator(".normlab-before")).to_contain_text(
        "Your first bet counts: imprecise, 75 %."
    )


def test_without_python_it_is_said_and_a_late_answer_takes_it_back(show_marker):
    page = show_marker(your_bet(7, 8))
    claim(page, 7).focus()
    for key in "38":
        page.keyboard.press(key)
    expect(page.get_by_role("status")).to_have_text(SILENT, timeout=6000)
    mark, bet = ["imprecise", "imprecise", DAY, DAY], ["imprecise", 75, DAY]
    answer_as_python(page, marks={"7": mark}, bets={"7": [bet, bet]}, heard=2)
    expect(page.get_by_role("status")).to_have_text("Claim 7: imprecise, 75 %. 1 of 2 with a bet.")


def test_a_refused_bet_is_shown_no_more(show_marker):
    page = show_marker(your_bet(7, 8))
    claim(page, 7).focus()
    for key in "38":
        page.keyboard.press(key)
    expect(page.get_by_text("1 of 2", exact=True)).to_be_visible()
    mark = ["imprecise", "imprecise", DAY, DAY]
    answer_as_python(page, notice="Your bet could not be kept.", marks={"7": mark}, heard=2)
    expect(page.get_by_text("0 of 2", exact=True)).to_be_visible()
    expect(claim(page, 7).locator(".normlab-tag")).to_have_text("imprecise")


def test_where_there_are_no_levels_nothing_asks(show_marker):
    page = show_marker(your_mark(7, 8))
    page.get_by_role("button", name="wrong").click()
    expect(page.get_by_role("status")).to_have_text("Claim 7: wrong. 1 of 2 marked.")
    claim(page, 7).click()
    expect(page.get_by_role("group")).to_have_count(1)
    for key in "67890":
        page.keyboard.press(key)
    assert said(page) == [[7, "wrong"]]


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
@pytest.mark.parametrize("width", [804, PHONE])
def test_all_is_read_and_reached_at_any_width_and_in_the_dark(show_marker, width, light):
    your_bet(3).said = [[3, "imprecise"], [3, "imprecise", 75]]
    page = show_marker(your_bet(*sentences()), width=width, light=light)
    claim(page, 3).click()
    page.keyboard.press("4")
    claim(page, 20).click()
    page.keyboard.press("2")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    levels = level_group(page, 20).get_by_role("button").all()
    assert len({button.bounding_box()["y"] for button in levels}) == 1  # in one line
    for button in levels:
        expect(button).to_be_in_viewport()
        assert button.bounding_box()["height"] >= 30
    texts = page.locator(
        ".normlab-claim, .normlab-tag:not(:empty), .normlab-words button, .normlab-status, "
        ".normlab-count, .normlab-ask, .normlab-before:not(:empty), sup"
    )
    assert min(texts.evaluate_all(CONTRAST)) >= 4.5
    claim(page, 3).click()
    assert min(texts.evaluate_all(CONTRAST)) >= 4.5


def test_bets_reach_the_record_from_jupyterlab(browser, tmp_path_factory):
    folder, data = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("data")
    one = jupyterlab_page.notebook_of(BET_ON_TWO, folder / "one.ipynb")
    with jupyterlab_page.notebooks_in_jupyterlab(browser, [one], folder, data) as open_:
        page = open_(one.name)
        run_all_cells(page)
        seen = page.locator(".normlab-marker")
        expect(seen).to_contain_text(sentences()[7], timeout=MINUTES)
        claim(page, 7).focus()
        for key in ("3", "8", "4", "0"):  # no shortcut of JupyterLab, such as "0 0" to restart
            page.keyboard.press(key)
        page.wait_for_timeout(4000)  # longer than the browser waits for Python
        told = re.compile("^Claim 8: wrong, 99 %. 2 of 2 with a bet.$")
        expect(seen.get_by_role("status")).to_have_text(told)
        with open_record() as record:
            bets = record.history().bets
    assert {number: (bet.word, bet.percent) for number, (bet,) in bets.items()} == {
        7: ("imprecise", 75),
        8: ("wrong", 99),
    }
