"""The overview says what was done, and what to do next."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from normlab.study.overview import ChapterWork, bar, my_progress, overview
from normlab.study.record import Answer, History, Record, Result

NOON = datetime(2026, 11, 24, 12).astimezone()  # local time: the table shows local dates
START = ChapterWork("00", "Start here")
FORWARD = ChapterWork(
    "01", "Layer norm", ("one-hot", "scale"), {"01_layer_norm": {"layer_norm": 4}}
)
RMS = ChapterWork("04", "RMSNorm", ("mean",), {"03_rms_norm": {"rms_norm": 3, "RMSNorm": 2}})
COURSE = (START, FORWARD, RMS)
SOLVED = {
    ("01_layer_norm", "layer_norm"): Result(4, 4, NOON),
    ("03_rms_norm", "rms_norm"): Result(3, 3, NOON),
    ("03_rms_norm", "RMSNorm"): Result(2, 2, NOON),
}
READ = {"00": NOON, "01": NOON, "04": NOON}


def row(history, chapter):
    return overview(history, [chapter]).table().rows[0]


def test_there_is_one_row_per_chapter_in_the_order_of_the_course():
    rows = overview(History(), COURSE).table().rows
    assert [cells[0] for cells in rows] == ["00 Start here", "01 Layer norm", "04 RMSNorm"]


def test_a_chapter_that_was_read_has_a_word_for_it_and_its_local_date():
    history = History(read={"01": NOON})
    assert row(history, FORWARD)[1] == "✓ 2026-11-24"
    assert row(history, RMS)[1] == "–"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be set here")
def test_the_date_is_that_of_the_learners_clock(monkeypatch):
    monkeypatch.setenv("TZ", "EAST-10")  # ten hours ahead of UTC
    time.tzset()
    try:
        late = datetime(2026, 11, 24, 20, tzinfo=UTC)
        assert row(History(read={"01": late}), FORWARD)[1] == "✓ 2026-11-25"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_predictions_are_judged_by_the_first_answer():
    wrong, right = Answer("a", False, NOON), Answer("b", True, NOON + timedelta(hours=1))
    history = History(answers={"one-hot": (wrong, right), "mean": (right, wrong)})
    assert row(history, FORWARD)[2] == "▰▰▱▱▱ 1 of 2, 0 right"
    assert row(history, RMS)[2] == "▰▰▰▰▰ 1 of 1, 1 right"


def test_points_are_added_over_the_functions_of_a_chapters_exercises():
    history = History(results={("03_rms_norm", "rms_norm"): Result(3, 3, NOON)})
    assert row(history, RMS)[3] == "▰▰▰▱▱ 3 of 5 points"


def test_a_result_counts_by_its_share_when_the_points_of_a_function_have_changed():
    history = History(results={("01_layer_norm", "layer_norm"): Result(5, 10)})
    assert row(history, FORWARD)[3] == "▰▰▱▱▱ 2 of 4 points"


def test_a_chapter_without_questions_or_exercises_says_so():
    assert row(History(), START)[2:] == ("none", "none")


def test_what_belongs_to_no_chapter_of_the_course_is_left_out():
    history = History(
        read={"99": NOON},
        answers={"gone": (Answer("a", True, NOON),)},
        results={("99_gone", "gone"): Result(1, 1, NOON)},
    )
    assert overview(history, COURSE) == overview(History(), COURSE)


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        (History(), "Read chapter 00, Start here."),
        (History(read={"00": NOON}), "Read chapter 01, Layer norm."),
        (
            History(read={"00": NOON, "01": NOON}),
            "Write `layer_norm` in exercise 01_layer_norm: 0 of 4 points so far.",
        ),
        (
            History(read=READ, results={**SOLVED, ("03_rms_norm", "RMSNorm"): Result(1, 2)}),
            "Write `RMSNorm` in exercise 03_rms_norm: 1 of 2 points so far.",
        ),
        (History(results=SOLVED), "Read chapter 00, Start here."),
        (
            History(read=READ, results=SOLVED),
            "All chapters are read, and all exercises are solved.",
        ),
    ],
)
def test_the_next_step_is_the_first_thing_not_done(history, sentence):
    assert overview(history, COURSE).next_step() == sentence


@pytest.mark.parametrize("total", [1, 2, 5, 7, 100])
def test_a_bar_is_full_only_if_all_is_done_and_empty_only_if_nothing_is(total):
    filled = [bar(done, total).count("▰") for done in range(total + 1)]
    assert filled == sorted(filled)
    assert filled[0] == 0
    assert filled[-1] == 5
    assert all(0 < n < 5 for n in filled[1:-1])
    assert {len(bar(done, total)) for done in range(total + 1)} == {5}


def test_text_and_html_hold_the_table_the_next_step_and_what_the_record_says():
    shown = overview(History(notice="kept in <memory>"), COURSE)
    assert str(shown).splitlines()[-3:] == [
        "Next: Read chapter 00, Start here.",
        "",
        "kept in <memory>",
    ]
    html = shown._repr_html_()
    assert html.index("<table>") < html.index("<p>Next: Read chapter 00, Start here.</p>")
    assert html.endswith("<p>kept in &lt;memory&gt;</p>")
    assert "<p></p>" not in overview(History(), COURSE)._repr_html_()


def test_my_progress_shows_what_the_record_holds(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path))
    record = Record(tmp_path)
    for chapter in READ:
        record.read(chapter)
    record.predicted("one-hot", "c", True)
    record.solved("01_layer_norm", "layer_norm", 4, 4)
    shown = my_progress(COURSE)
    assert "1 of 2, 1 right" in str(shown)
    assert "▰▰▰▰▰ 4 of 4 points" in str(shown)
    assert shown.next_step() == ("Write `rms_norm` in exercise 03_rms_norm: 0 of 3 points so far.")
