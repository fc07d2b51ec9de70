"""Questions: their files are whole, their refutations run, and nothing is told too early."""

import contextlib
import io
import json
import re
import tempfile
from collections import Counter
from pathlib import Path

import jupytext
import pytest

from normlab.chapters.course import Chapter
from normlab.study.quiz import find_question, load_questions
from normlab.study.quiz import widget as quiz_module
from normlab.study.quiz.question import questions_of, read_questions
from normlab.study.quiz.widget import quiz
from normlab.study.record import open_record

ROOT = Path(__file__).parent.parent
QUESTIONS = load_questions()
WRONG = {
    f"{q.id} ({option.letter})": option
    for q in QUESTIONS.values()
    for option in q.options
    if not option.right
}
# What learners and public code get wrong, and each of which a wrong option must show.
MISCONCEPTIONS = {
    "normalized-shape-is-an-axis",
    "gain-per-token",
    "layer-norm-over-tokens-and-features",
    "layer-norm-is-instance-norm",
    "batch-norm-per-token",
    "unbiased-std",
    "eps-outside-root",
    "eps-missing",
    "default-eps",
    "pre-norm-normed-residual",
    "pre-norm-without-final-norm",
    "nn-transformer-is-plain-post-norm",
    "layer-norm-needs-eval",
    "weight-decay-on-gains",
    "fewer-flops-is-faster",
    "alpha-on-the-branch",
    "beta-on-q-and-k",
    "n-for-2n",
    "variance-for-deviation",
    "global-statistics",
    "gamma-beta-ignored",
    "input-mutated",
    "dtype-lost",
    "single-pass-variance",
    "std-detached",
    # from the verdicts on the seed text
    "post-norm-encoder-vanishes",
    "pre-norm-block-is-an-identity",
    "near-identity-is-stable",
}


def asked(lesson):
    """The ids of the questions that the code cells of a lesson ask."""
    cells = jupytext.read(lesson, fmt="py:percent").cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return re.findall(r'^quiz\("([^"]+)"\)$', code, flags=re.MULTILINE)


ASKED = {path.name[:2]: asked(path) for path in sorted(ROOT.glob("lessons/[0-9][0-9]_*.py"))}


def test_every_misconception_is_shown_by_a_wrong_option():
    shown = {option.misconception for option in WRONG.values()} - {""}
    assert shown == MISCONCEPTIONS


@pytest.mark.parametrize("chapter", ASKED)
def test_a_chapter_asks_the_questions_of_its_file_in_their_order(chapter):
    assert ASKED[chapter] == [q.id for q in QUESTIONS.values() if q.chapter == chapter]
    assert 3 <= len(ASKED[chapter]) <= 6


def test_the_right_answer_is_not_always_at_the_same_place():
    places = Counter(q.right.letter for q in QUESTIONS.values())
    assert len(places) >= 3
    assert max(places.values()) < 0.6 * len(QUESTIONS)


@pytest.mark.parametrize("name", QUESTIONS)
def test_options_have_letters_in_order_and_texts_of_their_own(name):
    options = QUESTIONS[name].options
    assert [option.letter for option in options] == list("abcdef"[: len(options)])
    assert len({option.text for option in options}) == len(options)
    assert sum(option.right for option in options) == 1
    assert all(option.why for option in options if not option.right)


@pytest.mark.parametrize("name", QUESTIONS)
def test_texts_need_no_mathjax_which_does_not_run_in_a_widget(name):
    asked = QUESTIONS[name]
    texts = [asked.text, asked.explanation, *(o.text + o.why for o in asked.options)]
    assert not any("$" in text or "\\" in text for text in texts)


@pytest.mark.parametrize("name", [name for name, option in WRONG.items() if option.refute])
def test_a_refutation_runs_and_prints_what_is_stored(name):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(WRONG[name].refute, {})
    assert printed.getvalue().strip("\n") == WRONG[name].shows


def test_two_thirds_of_the_misconceptions_that_are_asked_are_refuted_by_a_program():
    shown = [option for option in WRONG.values() if option.misconception]
    assert sum(bool(option.refute) for option in shown) >= 2 / 3 * len(shown)


def test_an_unknown_question_is_refused_with_ids_that_look_alike():
    with pytest.raises(ValueError, match=r"no question has the id 'one-hat'.*'one-hot'"):
        find_question("one-hat")


GOOD = """
[[question]]
id = "q"
text = "t"
explanation = "e"
[[question.option]]
text = "x"
why = "w"
[[question.option]]
text = "y"
right = true
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "q"', "id = ", r"77/quiz.toml is not TOML: .*line 3"),
        ('id = "q"', "", r"77/quiz.toml \[question 1\] lacks id; add"),
        ('id = "q"', "id = 3", r"\[question 3\] id is 3; expected a text"),
        ('text = "t"', 'text = ""', r"\[question q\] text is ''; expected a text"),
        ('text = "t"', "", r"\[question q\] lacks text; add"),
        (
            'text = "t"',
            'txt = "t"',
            r"\[question q\] has the unknown key 'txt'; did you mean 'text'",
        ),
        ('text = "t"', 'text = "t"\nhint = "h"', r"unknown key 'hint'; known are id, text"),
        ('why = "w"', "", r"\[question q, option \(a\)\] lacks why"),
        ('why = "w"', "right = true", r"\[question q\] has 2 right options; mark exactly one"),
        ("right = true", 'why = "v"', r"\[question q\] has 0 right options"),
        ("right = true", 'right = true\nwhy = "v"', r"option \(b\)\] has the unknown key 'why'"),
        ('why = "w"', 'why = "w"\nrefute = "r"', r"one of `refute` and `shows`; give both"),
        ('[[question.option]]\ntext = "x"\nwhy = "w"', "", r"has 1 options; give it 2 to 6"),
        (GOOD, "question = [1]", r"77/quiz.toml question\[0\] is 1; expected a table"),
        ("[[question]]", "[question]", r"question is \{.*expected a list, each entry a table"),
    ],
)
def test_a_broken_file_is_refused_by_the_name_of_file_and_question(old, new, message, tmp_path):
    path = tmp_path / "77" / "quiz.toml"
    path.parent.mkdir()
    path.write_text(GOOD)
    assert [q.id for q in read_questions(path, "77")] == ["q"]
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ValueError, match=message):
        read_questions(path, "77")


def test_an_id_that_comes_twice_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("normlab.chapters.course.FOLDER", tmp_path)
    course = [Chapter(number, "t", "q?", 1, name=f"chapter_{number}") for number in ("70", "71")]
    for chapter in course:
        chapter.folder.mkdir()
        (chapter.folder / "quiz.toml").write_text(GOOD)
    with pytest.raises(ValueError, match=r"71/quiz.toml: question 'q' has the id of one in .* 70"):
        questions_of(course)


@pytest.mark.parametrize("name", QUESTIONS)
def test_as_text_a_question_shows_all_options_and_no_answer(name):
    asked = QUESTIONS[name]
    text = quiz(name)._repr_mimebundle_()[0]["text/plain"]
    assert text.startswith(asked.text)
    assert all(f"({option.letter}) {option.text}" in text for option in asked.options)
    reasons = [asked.explanation, *(o.why for o in asked.options if o.why)]
    assert not any(reason in text for reason in reasons)
    assert "run this cell" in text


@pytest.mark.parametrize("name", QUESTIONS)
def test_as_html_what_an_option_is_worth_is_folded_away(name):
    html = quiz(name)._repr_mimebundle_()[0]["text/html"]
    outside = re.sub(r"</summary>.*?</details>", "</summary></details>", html, flags=re.DOTALL)
    assert html.count("<details>") == len(QUESTIONS[name].options)
    assert html.count("✓ Right.") == 1
    assert "✓" not in outside
    assert "✗" not in outside
    for reason in (o["why"] for o in quiz(name).question["options"]):
        assert reason in html
        assert reason not in outside


def test_texts_are_escaped_and_code_is_marked():
    text = "Is `a < b` & <b>c</b>?\nYes.\n\n    if a:\n        b"
    assert quiz_module._html(text) == (
        "Is <code>a &lt; b</code> &amp; &lt;b&gt;c&lt;/b&gt;? Yes."
        "<br><code>if&nbsp;a:</code><br><code>&nbsp;&nbsp;&nbsp;&nbsp;b</code>"
    )


def test_everything_that_the_browser_shows_is_in_the_first_state():
    state = quiz("one-hot").get_state()
    assert [o["letter"] for o in state["question"]["options"]] == list("abcd")
    assert state["question"]["options"][1]["shows"] in WRONG["one-hot (b)"].shows
    assert state["answer"] is None


def test_an_answer_is_kept_in_the_learners_record_and_the_first_one_is_the_prediction(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path))
    asked = quiz("one-hot")
    for option in (1, 2):
        asked.answer = option
        assert (asked.recorded, asked.notice) == (option, "")
    with open_record() as record:
        history = record.history()
    assert [(a.option, a.right) for a in history.answers["one-hot"]] == [("b", False), ("c", True)]
    assert history.predictions["one-hot"].option == "b"


def test_what_the_record_has_to_say_is_shown_beside_the_question(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_text("where the folder should be")
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path / "file"))
    asked = quiz("one-hot")
    asked.answer = 0
    assert "cannot be saved" in asked.notice
    assert asked.recorded == 0


def test_a_record_that_raises_is_named_and_the_question_goes_on(monkeypatch):
    def fail():
        raise RuntimeError("no such luck")

    monkeypatch.setattr("normlab.study.record.open_record", fail)
    asked = quiz("one-hot")
    with pytest.raises(RuntimeError, match="no such luck"):
        asked.answer = 0
    assert asked.notice == "Your answer could not be kept. RuntimeError: no such luck"
    assert asked.recorded == 0


@pytest.mark.parametrize("notebook", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda p: p.stem)
def test_the_questions_stored_in_a_notebook_are_those_of_the_package(notebook):
    metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    models = metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    stored = [model["state"] for model in models if "question" in model["state"]]
    assert [state["question"]["id"] for state in stored] == ASKED[notebook.name[:2]]
    for state in stored:
        now = quiz(state["question"]["id"]).get_state()
        for part in ("question", "answer", "_esm", "_css"):
            assert state[part] == now[part], f"rebuild {notebook.name}: {part} has changed"
