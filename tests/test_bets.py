"""Bets on the claims: kept by the widget, scored by a proper rule, compared with what came true."""

import json
import math
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.claims import (
    CLAIMS,
    VERDICTS,
    Comparison,
    Ledger,
    Score,
    bet_table,
    bits,
    compare_marks,
    draw_calibration,
    expected_bits,
    my_bets,
    my_marks,
    run_claim,
    sentences,
    your_bet,
    your_mark,
)
from normlab.claims.bets import Level, signed, verdicts
from normlab.claims.marks import Marked
from normlab.record import LEVELS, Bet, Mark, Record, open_record
from normlab.record import record as record_module
from normlab.record.history import Entry

DAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
RIGHT = {claim.number: claim.verdict for claim in CLAIMS}
WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from normlab import my_progress
from normlab.claims import bet_table, my_bets, your_bet
from normlab.claims.marks import keep_bet

keep_bet(7, "wrong", 90)
print(your_bet(1).levels, len(my_bets()), len(bet_table(0.5).rows))
print("Bets on them: 1, −2.9 bits" in str(my_progress()))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A record of the test's own."""
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(record_module, "_said", set())
    return tmp_path / "data"


def bet(word, percent, day=0):
    return Bet(word, percent, DAY + timedelta(days=day))


def wrong_of(number):
    """A verdict that is not the course's."""
    return next(verdict for verdict in VERDICTS if verdict != RIGHT[number])


def comparison(bets, marked=None):
    marked = marked or {n: b.word for n, b in bets.items()}
    return Comparison({n: Marked(Mark(w, DAY), Mark(w, DAY)) for n, w in marked.items()}, bets)


# The score


@pytest.mark.parametrize("belief", LEVELS)
def test_nobody_expects_more_than_from_saying_what_they_believe(belief):
    expected = {said: expected_bits(said, belief / 100) for said in LEVELS}
    assert max(expected, key=expected.get) == belief
    others = [value for said, value in expected.items() if said != belief]
    assert max(others) < expected[belief]


def test_between_all_beliefs_too_the_score_is_proper():
    said = np.linspace(0.5, 99.5, 199)
    for belief in np.linspace(0.05, 0.95, 19):
        expected = [expected_bits(percent, belief) for percent in said]
        assert said[np.argmax(expected)] == pytest.approx(100 * belief, abs=0.26)


@pytest.mark.parametrize("percent", LEVELS)
def test_the_bits_are_the_logarithm_of_what_the_verdict_was_given_over_a_guess(percent):
    """By its definition: the rest is shared evenly by the three other verdicts."""
    rest = (100 - percent) / 3
    given = dict.fromkeys(VERDICTS, rest) | {"holds": percent}
    assert math.fsum(given.values()) == pytest.approx(100)
    for truth in VERDICTS:
        assert bits(percent, truth == "holds") == pytest.approx(math.log2(given[truth] / 25))


def test_a_guess_wins_and_loses_nothing():
    assert bits(25, right=True) == bits(25, right=False) == 0


@pytest.mark.parametrize("percent", [0, 100, -1, math.nan])
def test_a_certainty_is_no_bet(percent):
    with pytest.raises(ValueError, match="expected a number between 0 and 100"):
        bits(percent, right=True)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_is_one(share):
    with pytest.raises(ValueError, match="expected a number from 0 to 1"):
        expected_bits(50, share)


def test_the_table_of_bets_has_what_each_level_wins_and_loses():
    rows = bet_table(0.6).rows
    assert [row[0] for row in rows] == [f"{percent} %" for percent in LEVELS]
    assert rows[0][1:] == ("0.00", "0.00", "0.00")
    assert rows[-1][1:] == ("+1.99", "−6.23", "−1.30")
    assert [signed(x) for x in (0.001, -0.001, -0.006)] == ["0.00", "0.00", "−0.01"]


def test_the_verdicts_that_need_no_torch_are_those_of_the_claims():
    assert dict(verdicts()) == RIGHT


def test_bets_and_their_score_need_no_torch():
    run = [sys.executable, "-c", WITHOUT_TORCH]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.stdout == "[25, 50, 75, 90, 99] 1 5\nTrue\n", done.stderr


# What is kept


def test_a_bet_is_kept_beside_its_mark_and_the_first_one_counts():
    marker = your_bet(7, 8)
    for said in ([7, "imprecise"], [7, "imprecise", 75], [7, "wrong"], [7, "wrong", 99]):
        marker.said = [*marker.said, said]
    assert marker.heard == 4
    assert marker.notice == ""
    first = my_bets()[7]
    assert (first.word, first.percent) == ("imprecise", 75)
    assert my_marks().words == {7: "wrong"}
    with open_record() as record:
        assert [b.percent for b in record.history().bets[7]] == [75, 99]
    today = f"{first.time.astimezone():%Y-%m-%d}"
    assert marker.bets == {"7": [["imprecise", 75, today], ["wrong", 99, today]]}
    assert your_bet(7).bets == marker.bets  # in another notebook


def test_bets_and_marks_that_come_in_one_message_are_all_kept():
    marker = your_bet(1, 2)
    marker.said = [[1, "holds"], [1, "holds", 50], [2, "don't know"]]
    assert my_marks().words == {1: "holds", 2: "don't know"}
    assert [(n, b.percent) for n, b in my_bets().items()] == [(1, 50)]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([7, "don't know", 75], 'the bet on claim 7 is "don\'t know", 75 %'),
        ([7, "wrong", 60], "the bet on claim 7 is 'wrong', 60 %"),
        ([99, "wrong", 75], "there is no claim 99"),
    ],
)
def test_a_bet_that_is_none_is_refused_and_the_learner_is_told(said, why):
    marker = your_bet(7, 8)
    with pytest.raises(ValueError, match=re.escape(why)):
        marker.said = [said, [8, "holds", 50]]
    assert f"Your bet could not be kept. ValueError: {why}" in marker.notice
    assert list(my_bets()) == [8]


def test_a_bet_on_a_claim_that_a_newer_course_has_is_left_out():
    with open_record() as record:
        record.bet(47, "holds", 50)
    assert not my_bets()


def test_no_claim_at_all_is_refused():
    with pytest.raises(ValueError, match=r"as in your_bet\(7\)"):
        your_bet()


def test_the_levels_are_what_makes_a_marker_ask():
    assert your_bet(7).levels == list(LEVELS)
    assert your_mark(7).levels == []
    assert your_bet(7)._esm == your_mark(7)._esm


def test_a_widget_that_asks_for_bets_holds_no_verdict():
    state = your_bet(*sentences()).get_state()
    data = {k: v for k, v in state.items() if k not in ("_esm", "_css", "words")}
    shown = json.dumps(data, ensure_ascii=False)
    assert not re.search(r'"(holds|holds if|imprecise|wrong)"', shown)
    assert not re.search(r"\b(holds|imprecise|wrong)\b", state["_esm"])


# What is compared


def test_bets_stand_beside_the_verdict_with_their_bits():
    results = tuple(run_claim(number) for number in (25, 29, 7, 1))
    bets = {25: bet("wrong", 75), 29: bet("wrong", 50), 7: bet("holds", 99)}
    table = Ledger(results).against({25: "holds", 29: "holds", 1: "holds"}, bets)
    assert table.columns[1:6] == ("you", "your bet", "the course", "your word the same", "bits")
    assert [row[1:6] for row in table.rows] == [
        ["holds", "wrong, 75 %", "wrong", "no", "+1.58"],
        ["holds", "wrong, 50 %", "holds", "yes", "−0.58"],
        ["no verdict given", "", "", "", ""],
        ["holds", "no bet yet", "", "", ""],
    ]
    assert not any(table.rows[2][2:])
    assert not any(table.rows[3][3:])  # a mark of an earlier chapter tells nothing before the bet


def test_before_the_first_bet_no_verdict_is_told():
    table = Ledger((run_claim(25),)).against({25: "don't know"}, {})
    assert table.rows == [[25, "don't know", "no bet yet", "", "", "", "", ""]]


def test_the_score_is_the_sum_of_the_bits_of_the_bets():
    bets = {25: bet("wrong", 90), 29: bet("wrong", 50, day=1), 10: bet("imprecise", 25, day=2)}
    score = Score(bets)
    won = [math.log2(0.9 * 4), math.log2(0.5 / 0.75), 0]
    assert score.bits == pytest.approx(sum(won))
    assert score.most == pytest.approx(3 * math.log2(0.99 * 4))
    assert score.days == (DAY, DAY + timedelta(days=2))
    assert score.sentence() == (
        "3 bets, from 2026-11-24 to 2026-11-26: +1.3 bits. A guess on each wins 0, and 99 % on "
        "each, all of them right, +6.0."
    )


def test_without_a_bet_there_is_no_score():
    assert (Score({}).bits, Score({}).most, Score({}).sentence()) == (0, 0, "")
    assert not Score({}).calibration().rows
    with pytest.raises(ValueError, match="there is no bet yet"):
        _ = Score({}).days


def test_one_bet_is_told_as_one():
    assert Score({25: bet("wrong", 99)}).sentence().startswith("1 bet, on 2026-11-24: +2.0 bits.")


def test_each_level_is_counted_for_itself():
    numbers = [claim.number for claim in CLAIMS]
    bets = {n: bet(RIGHT[n], 75) for n in numbers[:3]}
    bets |= {n: bet(wrong_of(n), 75) for n in numbers[3:4]}
    bets |= {n: bet(wrong_of(n), 99) for n in numbers[4:6]}
    score = Score(bets)
    levels = {level.percent: (level.bets, level.right) for level in score.levels()}
    assert levels == {25: (0, 0), 50: (0, 0), 75: (4, 3), 90: (0, 0), 99: (2, 0)}
    assert score.calibration().rows == [("75 %", 4, 3, "75 %"), ("99 %", 2, 0, "0 %")]
    assert math.isnan(Level(50, 0, 0).share)


def test_who_knows_all_and_says_so_wins_the_most():
    score = Score({n: bet(verdict, 99) for n, verdict in RIGHT.items()})
    assert score.bits == pytest.approx(score.most)
    assert [level.bets for level in score.levels()] == [0, 0, 0, 0, len(CLAIMS)]


def test_the_comparison_tells_the_score_the_calibration_and_the_words_by_theme():
    found = comparison({25: bet("wrong", 90), 26: bet("wrong", 50)}, {25: "wrong", 26: "wrong"})
    assert found.matrix().columns == ("theme", "you \\ the course", *VERDICTS)
    assert found.matrix().rows == [
        ["RMSNorm", "wrong", "·", "·", 1, 1],
        ["all themes", "wrong", "·", "·", 1, 1],
    ]
    for shown in (str(found), found._repr_html_()):
        assert found.score.sentence() in shown
        for told in ("you said", "90 %", "share right", "all themes"):
            assert told in shown


def test_every_mark_is_in_the_matrix_once_by_theme_and_once_in_all():
    words = {n: ("don't know" if n % 5 == 0 else wrong_of(n)) for n in RIGHT}
    rows = comparison({}, words).matrix().rows
    start = next(i for i, row in enumerate(rows) if row[0] == "all themes")
    for part in (rows[:start], rows[start:]):
        assert sum(x for row in part for x in row[2:] if x != "·") == len(CLAIMS)
        for word in {*words.values()}:
            same = [sum(x for x in row[2:] if x != "·") for row in part if row[1] == word]
            assert sum(same) == list(words.values()).count(word)


def test_what_was_bet_is_there_the_next_day(folder):
    Record(folder).add(
        [
            Entry("bet", "b1", "2026-11-24T12:00:00+00:00", (25, "wrong", 90)),
            Entry("bet", "b2", "2026-11-25T12:00:00+00:00", (25, "holds", 99)),
            Entry("bet", "b3", "2026-11-26T12:00:00+00:00", (29, "holds", 50)),
        ]
    )
    found = compare_marks()
    assert "2 bets, from 2026-11-24 to 2026-11-26: +2.8 bits" in str(found)
    assert found.score.calibration().rows == [("50 %", 1, 1, "100 %"), ("90 %", 1, 1, "100 %")]


# The picture


def drawn(found):
    ax = Figure().subplots()
    draw_calibration(found, ax)
    diagonal, *dots = ax.lines
    assert diagonal.get_linestyle() == "--"
    np.testing.assert_array_equal(diagonal.get_xydata(), [[0, 0], [100, 100]])
    return ax, [(*dot.get_xydata()[0], dot.get_markersize()) for dot in dots]


def test_without_a_bet_the_picture_says_so():
    ax, dots = drawn(comparison({}))
    assert not dots
    assert [text.get_text() for text in ax.texts] == ["no bets yet"]


def test_one_bet_is_one_dot():
    ax, [(x, y, _)] = drawn(comparison({25: bet("holds", 90)}))
    assert (x, y) == (90, 0)
    assert [text.get_text() for text in ax.texts] == ["0 of 1"]


def test_46_bets_are_a_dot_per_level_that_grows_with_its_bets_and_all_stays_in_the_picture():
    given = dict(zip(RIGHT, [25] * 2 + [50] * 20 + [75] * 10 + [90] * 7 + [99] * 7, strict=True))
    bets = {n: bet(RIGHT[n] if n % 2 else wrong_of(n), p) for n, p in given.items()}
    ax, dots = drawn(comparison(bets))
    levels = comparison(bets).score.levels()
    assert [(x, y) for x, y, _ in dots] == [(v.percent, 100 * v.share) for v in levels]
    sizes = {level.bets: size for level, (_, _, size) in zip(levels, dots, strict=True)}
    assert [sizes[bets] for bets in sorted(sizes)] == sorted(sizes.values())
    figure = ax.figure
    figure.set_size_inches(5.5, 4)
    figure.set_layout_engine("constrained")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    for i, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert ax.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:i])
