"""Claims that a learner marks: where they stand in the text, what is kept, what is compared."""

import itertools
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from normlab.claims import (
    CLAIMS,
    VERDICTS,
    Comparison,
    compare_marks,
    mark_seed_text,
    my_marks,
    seed_text,
    sentences,
    your_mark,
)
from normlab.claims.marks import Marked, keep_mark
from normlab.claims.seed import FIRST, Line, Part, find_places, seed_lines, seed_places
from normlab.record import MARKS, Mark
from normlab.record import record as record_module

LESSONS = Path(__file__).parent.parent / "lessons"
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from normlab import my_progress
from normlab.claims import mark_seed_text, your_mark

print(len(mark_seed_text().lines), len(your_mark(1).lines), bool(my_progress()))
"""
MARK_AND_SAY = """
import sys
from normlab.claims import your_mark

marker = your_mark(7)
print("ready", flush=True)
for word in sys.argv[1].split(","):
    marker.said = [*marker.said, [7, word]]
    assert marker.notice == "", marker.notice
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A record of the test's own."""
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(record_module, "_said", set())
    return tmp_path / "data"


def said(*marks):
    """The seed text, marked in a browser."""
    marker = mark_seed_text()
    for mark in marks:
        marker.said = [*marker.said, list(mark)]
    return marker


# The text


def test_the_sentences_are_those_of_the_claims():
    assert dict(sentences()) == {claim.number: claim.quote for claim in CLAIMS}


def test_all_claims_are_found_in_the_seed_text_in_their_order_and_whole():
    places = seed_places()
    assert list(places) == [claim.number for claim in CLAIMS]
    for number, (start, end) in places.items():
        found = " ".join(seed_text()[start:end].split())
        assert found == sentences()[number]
    starts = [start for start, _ in places.values()]
    assert starts[:FIRST] == sorted(starts[:FIRST])
    assert starts[FIRST:] == sorted(starts[FIRST:])
    ends = sorted(places.values())
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(ends))


def test_the_lines_put_together_are_the_text_and_each_claim_has_its_words_in_them():
    lines = seed_lines()
    assert "\n".join("".join(p.text for p in line.parts) for line in lines) == seed_text()
    for number, quote in sentences().items():
        pieces = [p.text for line in lines for p in line.parts if p.claim == number]
        assert " ".join(pieces) == quote
    assert {line.kind for line in lines} == {"heading", "text", "code"}
    assert lines[0] == Line("heading", (Part(seed_text().split("\n")[0]),))


@pytest.mark.parametrize(
    ("text", "quotes", "places"),
    [
        ("one one", ["one", "one"], [(0, 3), (4, 7)]),
        ("one two three", ["one two", "two three"], [(0, 7), (7, 13)]),
        ("one\n two", ["one two"], [(0, 8)]),
        ("a (b) a.b", ["(b)", "a.b"], [(2, 5), (6, 9)]),
    ],
)
def test_repeated_overlapping_and_broken_words_are_found(text, quotes, places):
    assert list(find_places(text, dict(enumerate(quotes))).values()) == places


@pytest.mark.parametrize("quotes", [["two", "one"], ["three"], ["one two", "two"]])
def test_words_that_are_not_there_or_in_another_order_are_refused(quotes):
    with pytest.raises(ValueError, match="are not in the text"):
        find_places("one two", dict(enumerate(quotes)))


# What is kept


def test_the_first_mark_and_the_last_are_kept_as_soon_as_they_are_made():
    marker = said((7, "don't know"), (7, "holds"), (7, "wrong"))
    assert marker.heard == 3
    marked = my_marks().claims[7]
    assert (marked.first.word, marked.last.word) == ("don't know", "wrong")
    assert marked.first.time < marked.last.time
    today = f"{marked.last.time.astimezone():%Y-%m-%d}"
    assert marker.marks == {"7": ["don't know", "wrong", today, today]}
    assert your_mark(7, 8).marks == marker.marks
    assert my_marks().words == {7: "wrong"}


def test_marks_that_come_in_one_message_are_all_kept():
    marker = mark_seed_text()
    marker.said = [[1, "holds"], [2, "wrong"], [1, "imprecise"]]
    assert my_marks().words == {1: "imprecise", 2: "wrong"}
    assert my_marks().claims[1].first.word == "holds"


def test_two_notebooks_that_are_open_at_once_keep_both_their_marks():
    one, two = mark_seed_text(), your_mark(7, 8)
    one.said = [[7, "holds"]]
    two.said = [[8, "wrong"]]
    one.said = [*one.said, [9, "imprecise"]]
    assert my_marks().words == {7: "holds", 8: "wrong", 9: "imprecise"}
    assert one.marks.keys() == {"7", "8", "9"}


def test_two_processes_that_mark_the_same_claim_lose_nothing(folder):
    words = ",".join(["holds", "wrong"] * 10)
    command = [sys.executable, "-c", MARK_AND_SAY, words]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    with record_module.open_record() as record:
        assert len(record.history().marks[7]) == 40


@pytest.mark.parametrize("number", [0, 47, -1, "7", 7.0, True, None])
def test_a_number_of_no_claim_is_refused(number):
    with pytest.raises(ValueError, match=r"there is no claim .*; expected a number from 1 to 46"):
        keep_mark(number, "holds")
    with pytest.raises(ValueError, match="there is no claim"):
        your_mark(number)
    assert not my_marks().claims


def test_another_word_is_refused_and_the_learner_is_told():
    with pytest.raises(ValueError, match="marked 'maybe'"):
        keep_mark(7, "maybe")
    marker = mark_seed_text()
    with pytest.raises(ValueError, match="marked 'maybe'"):
        marker.said = [[7, "maybe"]]
    assert "Your mark could not be kept. ValueError: claim 7" in marker.notice
    marker.said = [*marker.said, [8, "holds"]]  # and the next mark is kept
    assert marker.notice == ""
    assert my_marks().words == {8: "holds"}


def test_a_mark_that_is_refused_costs_no_other_one_and_the_browser_learns_all_at_once(monkeypatch):
    sent = []
    marker = mark_seed_text()
    monkeypatch.setattr(marker, "send_state", lambda names: sent.append(set(names)))
    with pytest.raises(ValueError, match="marked 'maybe'"):
        marker.set_state({"said": [[1, "holds"], [7, "maybe"], [99, "holds"], [2, "wrong"]]})
    assert sent == [{"marks", "heard", "notice"}]  # and no bets, which are as they were
    assert marker.heard == 4
    assert marker.marks.keys() == {"1", "2"}
    assert my_marks().words == {1: "holds", 2: "wrong"}
    assert "claim 7 is marked 'maybe'" in marker.notice
    assert "there is no claim 99" in marker.notice


def test_no_claim_at_all_is_refused():
    with pytest.raises(ValueError, match=r"as in your_mark\(7\)"):
        your_mark()


def test_a_file_that_cannot_be_read_is_kept_aside_and_the_learner_is_told(folder):
    said((7, "holds"))
    (folder / "record.sqlite").write_bytes(b"garbage" * 1000)
    marker = said((8, "wrong"))
    (aside,) = folder.glob("record-*.sqlite")
    assert aside.read_bytes() == b"garbage" * 1000
    assert str(aside) in marker.notice
    marker.said = [*marker.said, [9, "wrong"]]
    assert str(aside) in marker.notice  # as long as the widget is in sight
    assert my_marks().words == {8: "wrong", 9: "wrong"}


def test_a_folder_that_cannot_be_written_is_named(folder):
    folder.write_text("in the way")
    assert f"cannot be saved in {folder}" in said((7, "holds")).notice
    assert my_marks().words == {7: "holds"}


def test_a_claim_that_a_newer_course_has_is_left_out(folder):
    with record_module.open_record() as record:
        record.marked(47, "holds")
    assert not my_marks().claims


# The widget


def test_a_widget_holds_no_verdict_of_the_course():
    for marker in (mark_seed_text(), your_mark(*sentences())):
        state = marker.get_state()
        data = {k: v for k, v in state.items() if k not in ("_esm", "_css", "words")}
        shown = json.dumps(data, ensure_ascii=False)
        for claim in CLAIMS:
            for told in (claim.but and claim.ruling, claim.statement, claim.source):
                assert not told or told not in shown, claim.number
        assert not re.search(r'"(holds|holds if|imprecise|wrong)"', shown)
        assert not re.search(r"\b(holds|imprecise|wrong)\b", state["_esm"])


def test_where_no_widget_can_be_shown_the_text_has_its_numbers():
    data, _ = your_mark(3)._repr_mimebundle_()
    assert data["text/plain"] == f"[3: {sentences()[3]}]"
    assert (
        data["text/html"]
        == f"<p><mark><b>3</b> {sentences()[3].replace(chr(39), '&#x27;')}</mark></p>"
    )


def test_marking_needs_no_torch():
    run = [sys.executable, "-c", WITHOUT_TORCH]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.stdout == f"{len(seed_lines())} 1 True\n", done.stderr


# What is compared

DAY = [datetime(2026, 11, day, tzinfo=UTC) for day in (24, 25)]


def marked(first, last):
    return Marked(Mark(first, DAY[0]), Mark(last, DAY[1]))


def test_marks_are_counted_against_the_verdicts():
    # the course: 25 wrong, 29 holds, 10 imprecise
    found = Comparison({25: marked("holds", "wrong"), 29: marked("holds", "don't know"),
                        10: marked("imprecise", "holds if")})  # fmt: skip
    counts = found.counts()
    assert list(counts) == list(MARKS)
    assert all(list(row) == list(VERDICTS) for row in counts.values())
    assert counts["wrong"]["wrong"] == counts["don't know"]["holds"] == 1
    assert counts["holds if"]["imprecise"] == 1
    assert sum(sum(row.values()) for row in counts.values()) == 3
    assert (found.same(first=True), found.same()) == (2, 1)
    assert found.sentence() == (
        "You marked 3 of 46 claims. Your first mark is the course's verdict on 2 of them, your "
        "last mark on 1."
    )
    differing = found.differences().rows
    assert [row[0] for row in differing] == [10, 29]
    assert "imprecise, 2026-11-2" in differing[0][2]
    assert "holds if, 2026-11-2" in differing[0][3]
    for shown in (str(found), found._repr_html_()):
        assert "holds if, 2026-11-2" in shown


def test_without_marks_no_verdict_is_shown():
    shown = str(compare_marks())
    assert shown == "None of the 46 claims is marked."
    assert "<table" not in compare_marks()._repr_html_()


# The lessons


def asked(lesson):
    """The claims that a lesson shows with their marks or bets, in its order."""
    calls = re.findall(r"your_(?:mark|bet)\(([\d, ]+)\)", lesson.read_text(encoding="utf-8"))
    return [int(number) for call in calls for number in call.split(",")]


@pytest.mark.parametrize("chapter", [f"{n:02}" for n in range(1, 12)])
def test_a_chapter_shows_its_claims_and_every_mark_before_its_ruling(chapter):
    (lesson,) = LESSONS.glob(f"{chapter}_*.py")
    shown, text = asked(lesson), lesson.read_text(encoding="utf-8")
    ruled = {int(number) for number in re.findall(r"\{\{ ruling (\d+) \}\}", text)}
    assert len(shown) == len(set(shown))
    assert {c.number for c in CLAIMS if c.chapter == chapter} <= set(shown) == ruled
    for number in shown:
        mark = re.search(rf"your_mark\((\d+, )*{number}(, \d+)*\)", text)
        assert mark.start() < text.find(f"{{{{ ruling {number} }}}}"), number


def test_every_claim_belongs_to_one_chapter_and_the_debate_shows_all_but_its_example():
    first, debate = ({*asked(next(LESSONS.glob(f"{n}_*.py")))} for n in ("00", "12"))
    assert not first
    assert debate == {*sentences()} - {25}
    for lesson in LESSONS.glob("[0-9]*.py"):  # bets are made where all experiments run
        assert ("your_bet(" in lesson.read_text(encoding="utf-8")) == lesson.name.startswith("12")
    assert "mark_seed_text()" in next(LESSONS.glob("00_*.py")).read_text(encoding="utf-8")
