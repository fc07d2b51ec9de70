"""What was answered wrongly comes back after 1, 3 and 10 days, in a notebook and in a terminal."""

import io
from datetime import date, datetime, timedelta

import pytest

from normlab import cli, review
from normlab.record import Answer, History, Record, store
from normlab.record.history import Entry
from normlab.study.quiz import Choice, Drawing, Number, Sentence, find_question, load_questions
from normlab.study.quiz.question import all_variants
from normlab.study.review_command import read_number
from normlab.study.reviews import due_on, returns

MONDAY = date(2026, 11, 23)
ONE_HOT = find_question("one-hot")
KINDS = {
    kind: next(q for q in load_questions().values() if isinstance(q.answers, kind))
    for kind in (Choice, Number, Drawing, Sentence)
}


def at(day, hour=12):
    """A moment of a day, days after Monday, by the learner's clock."""
    return datetime(2026, 11, 23, hour).astimezone() + timedelta(days=day)


def history(*answers):
    """Answers to one question: day, hour, and whether right; all but the first again."""
    given = (
        Answer("x", 0.0 if right else 1.0, at(day, hour), again=i > 0)
        for i, (day, hour, right) in enumerate(answers)
    )
    return History(answers={"one-hot": tuple(given)})


def due_day(past):
    """How many days after Monday the question comes back; None if it does not."""
    found = returns(past, [ONE_HOT])
    return (found[0].day - MONDAY).days if found else None


@pytest.mark.parametrize(
    ("answers", "day"),
    [
        ([(0, 12, True)], None),
        ([(0, 12, False)], 1),
        ([(0, 23, False)], 1),  # tomorrow is another date, not 24 hours later
        ([(0, 12, False), (1, 9, True)], 4),
        ([(0, 12, False), (1, 9, True), (4, 9, True)], 14),
        ([(0, 12, False), (1, 9, True), (4, 9, True), (14, 9, True)], None),
        # asked again on another machine, and merged
        ([(0, 12, False), (1, 9, True), (4, 9, True), (14, 9, True), (15, 9, True)], None),
        ([(0, 12, False), (1, 9, False)], 2),  # wrong: from the start
        ([(0, 12, False), (1, 9, True), (4, 9, False)], 5),
        ([(0, 12, False), (1, 9, False), (1, 10, True)], 2),  # the second of a day knows the answer
        ([(0, 12, False), (1, 9, True), (1, 10, False)], 4),
    ],
)
def test_a_wrong_answer_comes_back_after_1_3_and_10_days(answers, day):
    assert due_day(history(*answers)) == day


def test_trying_the_other_options_in_the_chapter_changes_nothing():
    tried = Answer("c", 0.0, at(0, 13))
    past = history((0, 12, False))
    assert due_day(History(answers={"one-hot": (*past.answers["one-hot"], tried)})) == 1


def test_what_is_overdue_is_due_and_the_earliest_comes_first():
    names = list(load_questions())[:3]
    answers = {name: (Answer("x", 0.4, at(-i)),) for i, name in enumerate(names)}
    past, questions = History(answers=answers), load_questions().values()
    assert [r.question.id for r in due_on(MONDAY + timedelta(7), past, questions)] == names[::-1]
    assert due_on(MONDAY - timedelta(2), past, questions) == []


def test_a_question_with_numbers_comes_back_with_others():
    name, variants = next((n, v) for n, v in all_variants().items() if len(v) > 1)
    wrong = Answer("x", 1.0, at(0))
    asked = []
    for times in range(len(variants)):
        again = [Answer("x", 1.0, at(1 + i), again=True) for i in range(times)]
        (back,) = returns(History(answers={name: (wrong, *again)}), [variants[0]])
        asked.append(back.asked())
    assert asked == [*variants[1:], variants[0]]


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path))
    return Record(tmp_path)


def answered_yesterday(record, *questions, surprise=1.0):
    yesterday = (datetime.now().astimezone() - timedelta(days=1)).isoformat()
    entries = [Entry("answered", q.id, yesterday, (q.id, "x", surprise, 0)) for q in questions]
    store.append(record.folder / "record.sqlite", entries)


def test_in_a_notebook_yesterdays_mistakes_are_asked_again_and_the_answer_counts(record):
    answered_yesterday(record, ONE_HOT)
    said, asked = review().children
    assert "1 question comes back today." in said.value
    assert asked.question["id"] == "one-hot"
    asked.answer, asked.asked = ONE_HOT.answers.options.index(ONE_HOT.answers.right), 1
    assert asked.recorded == 1
    assert record.history().answers["one-hot"][-1].again
    day = date.today() + timedelta(3)
    assert str(review()) == f"Nothing comes back today. 1 question comes back on {day}."


def test_where_nothing_comes_back_it_says_why(record):
    assert str(review()) == "Nothing comes back: no prediction was wrong so far."
    answered_yesterday(record, ONE_HOT)
    name = "one-hot"
    past = [("answered", i, at(-30 + i * 5).isoformat()) for i in range(3)]
    entries = [Entry(kind, str(i), time, (name, "c", 0.0, 1)) for kind, i, time in past]
    old = Entry("answered", "old", at(-40).isoformat(), (name, "x", 1.0, 0))
    (record.folder / "record.sqlite").unlink()
    store.append(record.folder / "record.sqlite", [old, *entries])
    assert (
        str(review()) == "Nothing comes back: what was wrong at first was right three times since."
    )


def typed(answers):
    """What a learner types for a right answer."""
    if isinstance(answers, Choice):
        return f"({answers.right.letter})\n"
    if isinstance(answers, Number):
        return f"{answers.answer} {answers.unit}\n"
    if isinstance(answers, Drawing):
        return f"{' '.join(map(str, answers.answer))}\n"
    return "a sentence\n" + "y\n" * len(answers.points)


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_terminal_each_kind_can_be_answered(kind, record, monkeypatch, capsys):
    question = KINDS[kind]
    answered_yesterday(record, question)
    again = find_question(question.id, 1).answers
    nonsense = "" if kind is Sentence else "what?\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(nonsense + typed(again)))
    assert cli.main(["review"]) == 0
    said = capsys.readouterr()
    assert "✓ right." in said.out
    assert kind is Sentence or "type" in said.err
    last = record.history().answers[question.id][-1]
    assert (last.surprise, last.again) == (0, True)


def test_in_a_terminal_a_wrong_answer_is_told_the_right_one(record, monkeypatch, capsys):
    answered_yesterday(record, KINDS[Choice])
    answers = find_question(KINDS[Choice].id, 1).answers
    wrong = next(option for option in answers.options if not option.right)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{wrong.letter}\n"))
    assert cli.main(["review"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"✗ not right: {answers.solution()}" in said
    assert " ".join(wrong.why.split()) in said


def test_the_end_of_the_input_loses_nothing(record, monkeypatch, capsys):
    answered_yesterday(record, *KINDS.values())
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert cli.main(["review"]) == 0
    assert "The rest stays due." in capsys.readouterr().out
    assert len(due_on(date.today(), record.history(), load_questions().values())) == len(KINDS)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0,25", 0.25),
        ("1,000", 1000),
        ("-12,345.5", -12345.5),
        ("1,5", 1.5),
        (" 1 / 4 ", 0.25),
        ("1e-5", 1e-5),
        ("10^-5", 1e-5),
        ("2·10**3", 2000),
        ("−3", -3),
    ],
)
def test_numbers_are_read_as_people_write_them(text, number):
    assert read_number(text) == pytest.approx(number)


@pytest.mark.parametrize(
    "text", ["", "much", "1/", "/2", "1/0", "1/2/3", "10^x", "nan", "1e999", "10^999"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="is no number; type one such as"):
        read_number(text)
