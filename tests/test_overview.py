"""The overview says what was done, and what to do next."""

import time
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta

import pytest

from normlab import my_progress as of_course
from normlab.record import Answer, Bet, History, Mark, Record, Result
from normlab.study import overview as module
from normlab.study.overview import ChapterWork, bar, my_progress
from normlab.study.quiz import Question, Sentence

NOON = datetime(2026, 11, 24, 12).astimezone()  # local time: the table shows local dates
TODAY = date(2026, 11, 24)


def question(name, chapter, theme="precision", deep=False):
    return Question(name, chapter, theme, "t?", Sentence(("p",)), "e", deep=deep)


SCALE, DEEP = question("scale", "01", "geometry"), question("deep", "01", deep=True)
START = ChapterWork("00", "Start here", (question("why", "00"),))
FORWARD = ChapterWork(
    "01",
    "Layer norm",
    (question("one-hot", "01"), SCALE, DEEP),
    {"01_layer_norm": {"layer_norm": 4}},
)
RMS = ChapterWork(
    "04", "RMSNorm", (question("mean", "04"),), {"03_rms_norm": {"rms_norm": 3, "RMSNorm": 2}}
)
COURSE = (START, FORWARD, RMS)
SOLVED = {
    ("01_layer_norm", "layer_norm"): Result(4, 4, NOON),
    ("03_rms_norm", "rms_norm"): Result(3, 3, NOON),
    ("03_rms_norm", "RMSNorm"): Result(2, 2, NOON),
}
RIGHT, WRONG = Answer("a", 0.0, NOON), Answer("b", 1.0, NOON)
READ = {name: (RIGHT,) for name in ("why", "one-hot", "scale", "mean")}


def overview(history, chapters, today=TODAY):
    return module.overview(history, chapters, today)


def row(history, chapter):
    return overview(history, [chapter]).table().rows[0]


def test_there_is_one_row_per_chapter_in_the_order_of_the_course():
    rows = overview(History(), COURSE).table().rows
    assert [cells[0] for cells in rows] == ["00 Start here", "01 Layer norm", "04 RMSNorm"]


def test_a_chapter_is_read_when_all_predictions_of_its_core_path_are_made():
    later = Answer("a", 1.0, NOON + timedelta(days=1))
    half = History(answers={"one-hot": (RIGHT,), "deep": (RIGHT,)})
    assert row(half, FORWARD)[1] == "–"
    whole = History(answers={"one-hot": (RIGHT,), "scale": (later, RIGHT)})
    assert row(whole, FORWARD)[1] == "✓ 2026-11-25"
    assert row(whole, RMS)[1] == "–"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be set here")
def test_the_date_is_that_of_the_learners_clock(monkeypatch):
    monkeypatch.setenv("TZ", "EAST-10")  # ten hours ahead of UTC
    time.tzset()
    try:
        late = Answer("a", 0.0, datetime(2026, 11, 24, 20, tzinfo=UTC))
        assert row(History(answers={"mean": (late,)}), RMS)[1] == "✓ 2026-11-25"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_predictions_are_judged_by_the_first_answer():
    right = Answer("b", 0.0, NOON + timedelta(hours=1))
    history = History(answers={"one-hot": (WRONG, right), "mean": (right, WRONG)})
    assert row(history, FORWARD)[2] == "▰▱▱▱▱ 1 of 3, 0 right"
    assert row(history, RMS)[2] == "▰▰▰▰▰ 1 of 1, 1 right"


def test_points_are_added_over_the_functions_of_a_chapters_exercises():
    history = History(results={("03_rms_norm", "rms_norm"): Result(3, 3, NOON)})
    assert row(history, RMS)[3] == "▰▰▰▱▱ 3 of 5 points"


def test_a_result_counts_by_its_share_when_the_points_of_a_function_have_changed():
    history = History(results={("01_layer_norm", "layer_norm"): Result(5, 10)})
    assert row(history, FORWARD)[3] == "▰▰▱▱▱ 2 of 4 points"


def test_a_chapter_without_questions_or_exercises_says_so():
    assert row(History(), ChapterWork("99", "Nothing"))[2:] == ("none", "none")


def test_what_belongs_to_no_chapter_of_the_course_is_left_out():
    history = History(answers={"gone": (WRONG,)}, results={("99_gone", "gone"): Result(1, 1, NOON)})
    assert overview(history, COURSE) == overview(History(), COURSE)


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        (History(), "Read chapter 00, Start here."),
        (History(answers={"why": (RIGHT,)}), "Read chapter 01, Layer norm."),
        (
            History(answers={"why": (RIGHT,), "scale": (RIGHT,)}),
            "Read chapter 01, Layer norm: 1 of its predictions are open.",
        ),
        (
            History(answers={name: READ[name] for name in ("why", "one-hot", "scale")}),
            "Write `layer_norm` in exercise 01_layer_norm: 0 of 4 points so far.",
        ),
        (
            History(READ, {**SOLVED, ("03_rms_norm", "RMSNorm"): Result(1, 2)}),
            "Write `RMSNorm` in exercise 03_rms_norm: 1 of 2 points so far.",
        ),
        (History(results=SOLVED), "Read chapter 00, Start here."),
        (History(READ, SOLVED), "All chapters are read, and all exercises are solved."),
    ],
)
def test_the_next_step_is_the_first_thing_not_done(history, sentence):
    assert overview(history, COURSE).next_step() == sentence


def test_what_comes_back_today_comes_before_all_else():
    history = History(answers={"why": (RIGHT,), "scale": (WRONG,)})
    assert "open" in overview(history, COURSE, TODAY).next_step()
    shown = overview(history, COURSE, TODAY + timedelta(days=1))
    assert shown.next_step().startswith("1 question comes back today: `review()`")


def test_surprises_are_counted_by_chapter_and_theme_in_the_order_of_the_answers():
    half = Answer("c", 0.5, NOON + timedelta(hours=2))
    history = History(
        answers={"why": (RIGHT, WRONG), "scale": (half, RIGHT), "one-hot": (WRONG, half)}
    )
    found = overview(history, COURSE).surprises
    assert [p.question.id for p in found.made] == ["why", "one-hot", "scale"]
    assert found.sentence() == "3 predictions, 2 surprises; their mean size is 0.8 of 1."
    chapters, themes = found.tables()
    assert chapters.rows == [("00", 1, 0, "0.0", "▁"), ("01", 2, 2, "0.8", "█▅")]
    assert themes.rows == [("geometry", 1, 1, "0.5", "▅"), ("precision", 2, 1, "0.5", "▁█")]
    assert found.curve() == [0, 0.5, 0.5]


def test_the_curve_is_a_mean_of_the_last_eight():
    made = {f"q{i}": (Answer("a", float(i < 8), NOON + timedelta(minutes=i)),) for i in range(20)}
    chapter = ChapterWork("01", "t", [question(name, "01") for name in made])
    curve = overview(History(answers=made), [chapter]).surprises.curve()
    assert curve[:8] == [1.0] * 8
    assert curve[8:17] == [i / 8 for i in range(7, -1, -1)] + [0]


def test_the_picture_has_a_bar_for_each_prediction_and_is_no_taller_for_the_largest():
    history = History(answers={"why": (RIGHT,), "scale": (WRONG,), "mean": (WRONG,)})
    shown = overview(history, COURSE)
    picture = shown.surprises.picture()
    root = ET.fromstring(picture)
    bars = [e for e in root if e.tag == "rect"]
    heights = [float(bar.get("height")) for bar in bars]
    assert [e.text for e in root if e.tag == "text"][-3:] == ["00", "01", "04"]
    assert heights[1] == heights[2] > 20 * heights[0] > 0
    assert picture in shown._repr_html_()
    assert overview(History(answers={"why": (RIGHT,)}), COURSE).surprises.picture() == ""


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


def test_how_many_claims_are_marked_is_said_and_a_claim_that_is_none_does_not_count():
    twice = (Mark("holds", NOON), Mark("wrong", NOON))
    marked = overview(History(marks={7: twice, 41: twice[:1], 99: twice}), COURSE)
    for shown in (str(marked), marked._repr_html_()):
        assert "Claims of the seed text: marked 2 of 46." in shown
    assert "seed text" not in str(overview(History(), COURSE))


def test_what_the_bets_have_won_is_one_line_and_the_first_bet_counts():
    # the course: 25 wrong, 29 holds
    twice = (Bet("wrong", 90, NOON), Bet("holds", 99, NOON))
    history = History(bets={25: twice, 29: (Bet("imprecise", 50, NOON),), 99: twice})
    for shown in (str(overview(history, COURSE)), overview(history, COURSE)._repr_html_()):
        assert "Bets on them: 2, +1.3 bits over a guess." in shown
    assert "Bets" not in str(overview(History(), COURSE))


def test_my_progress_shows_what_the_record_holds(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path))
    record = Record(tmp_path)
    for name in READ:
        record.answered(name, "c", surprise=0)
    record.solved("01_layer_norm", "layer_norm", 4, 4)
    shown = my_progress(COURSE)
    assert "2 of 3, 2 right" in str(shown)
    assert "▰▰▰▰▰ 4 of 4 points" in str(shown)
    assert "4 predictions, 0 surprises." in str(shown)
    assert shown.next_step() == "Write `rms_norm` in exercise 03_rms_norm: 0 of 3 points so far."


def test_the_progress_of_one_chapter_is_shown_alone():
    assert [c.chapter.number for c in of_course("06").chapters] == ["06"]
    with pytest.raises(ValueError, match="no chapter has the number '6'; expected one of 00, 01"):
        of_course("6")
