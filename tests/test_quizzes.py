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
from normlab.record import open_record
from normlab.study.quiz import (
    Choice,
    Drawing,
    Number,
    Quiz,
    Sentence,
    find_question,
    load_questions,
    quiz,
    written,
)
from normlab.study.quiz.question import THEMES, all_variants, questions_of
from normlab.study.quiz.reading import read_entries

ROOT = Path(__file__).parent.parent
QUESTIONS = load_questions()
ASKED_WITH = {
    f"{name} {number}" if len(variants) > 1 else name: question
    for name, variants in all_variants().items()
    for number, question in enumerate(variants, start=1)
}
CHOICES = {name: q for name, q in QUESTIONS.items() if isinstance(q.answers, Choice)}
WRONG = {
    f"{q.id} ({option.letter})": option
    for q in CHOICES.values()
    for option in q.answers.options
    if not option.right
} | {
    f"{q.id} ({guess.value:g})": guess
    for q in QUESTIONS.values()
    if isinstance(q.answers, Number)
    for guess in q.answers.guesses
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


def cells_of(lesson):
    return jupytext.read(lesson, fmt="py:percent").cells


def asked(lesson):
    """The ids of the questions that the code cells of a lesson ask, and whether behind a ★."""
    deep, found = False, []
    for cell in cells_of(lesson):
        if cell.cell_type == "code":
            names = re.findall(r'^quiz\("([^"]+)"\)$', cell.source, flags=re.MULTILINE)
            found += [(name, deep) for name in names]
        elif titles := re.findall(r"^## (.+)$", cell.source, flags=re.MULTILINE):
            deep = "★" in titles[-1]
    return found


LESSONS = {path.name[:2]: path for path in sorted(ROOT.glob("lessons/[0-9][0-9]_*.py"))}
ASKED = {chapter: [name for name, _ in asked(path)] for chapter, path in LESSONS.items()}


def printed_by(program, numbers=None):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, dict(numbers or {}))
    return printed.getvalue().strip("\n")


def test_every_misconception_is_shown_by_a_wrong_answer():
    shown = {wrong.misconception for wrong in WRONG.values()} - {""}
    assert shown == MISCONCEPTIONS


@pytest.mark.parametrize("chapter", LESSONS)
def test_a_chapter_asks_the_questions_of_its_file_in_their_order(chapter):
    questions = [q for q in QUESTIONS.values() if q.chapter == chapter]
    assert asked(LESSONS[chapter]) == [(q.id, q.deep) for q in questions]
    assert len(questions) >= 3


@pytest.mark.parametrize("chapter", LESSONS)
def test_a_lesson_asks_by_widgets_alone(chapter):
    for cell in cells_of(LESSONS[chapter]):
        if cell.cell_type == "markdown":
            text = cell.source.replace("1. **Predict.**", "")  # 00 explains the word
            assert not re.search(r"\*\*Predict|(?m:^\(?[a-f]\)[. ])", text), cell.source


@pytest.mark.parametrize("name", [n for n, q in ASKED_WITH.items() if q.compute])
def test_the_answer_is_what_its_program_prints(name):
    question = ASKED_WITH[name]
    printed, answers = printed_by(question.compute, question.numbers), question.answers
    if isinstance(answers, Choice):
        assert printed == answers.right.letter
    elif isinstance(answers, Number):
        assert float(printed) == answers.answer
    else:
        assert json.loads(printed) == list(answers.answer)


def test_where_no_program_can_tell_the_answer_its_source_is_named_and_that_is_rare():
    cited = [q for q in QUESTIONS.values() if q.source]
    assert all(re.search(r"\d{4}|section|documentation", q.source) for q in cited)
    assert len(cited) < 0.1 * len(QUESTIONS)


def test_no_question_is_asked_again_with_the_numbers_of_before():
    for name, variants in all_variants().items():
        assert len({q.text for q in variants}) == len(variants), name


def test_the_right_answer_is_not_always_at_the_same_place():
    places = Counter(q.answers.right.letter for q in CHOICES.values())
    assert len(places) >= 3
    assert max(places.values()) < 0.6 * len(CHOICES)


@pytest.mark.parametrize("name", CHOICES)
def test_options_have_letters_in_order_and_texts_of_their_own(name):
    options = CHOICES[name].answers.options
    assert [option.letter for option in options] == list("abcdef"[: len(options)])
    assert len({option.text for option in options}) == len(options)
    assert sum(option.right for option in options) == 1
    assert all(option.why for option in options if not option.right)


@pytest.mark.parametrize("name", ASKED_WITH)
def test_texts_need_no_mathjax_which_does_not_run_in_a_widget(name):
    question = ASKED_WITH[name]
    texts = [json.dumps(written.state(question), ensure_ascii=False), question.text]
    assert not any("$" in text or "\\\\" in text for text in texts)


@pytest.mark.parametrize("name", [name for name, option in WRONG.items() if option.refute])
def test_a_refutation_runs_and_prints_what_is_stored(name):
    assert printed_by(WRONG[name].refute) == WRONG[name].shows


def test_two_thirds_of_the_misconceptions_that_are_asked_are_refuted_by_a_program():
    shown = [option for option in WRONG.values() if option.misconception]
    assert sum(bool(option.refute) for option in shown) >= 2 / 3 * len(shown)


def test_an_unknown_question_is_refused_with_ids_that_look_alike():
    with pytest.raises(ValueError, match=r"no question has the id 'one-hat'.*'one-hot'"):
        find_question("one-hat")


GOOD = """
[[question]]
id = "q"
theme = "precision"
text = "t"
explanation = "e"
compute = "print('b')"
[[question.option]]
text = "x"
why = "w"
[[question.option]]
text = "y"
right = true
"""
OPTIONS = GOOD[GOOD.index("[[question.option]]") :]
NUMBER = "[question.number]\nanswer = 1.5\nnear = 0.1\nfar = 2"
DRAWING = """[question.drawing]
answer = [1, 2]
near = 1.5
far = 10
log = true
x = ["a", "b"]
bottom = 0.1
top = 10
x_label = "layer"
y_label = "size"
"""


def read(path, text):
    path.write_text(text)
    return read_entries(path, THEMES)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "77").mkdir()
    return tmp_path / "77" / "quiz.toml"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "q"', "id = ", r"77/quiz.toml is not TOML: .*line 3"),
        ('id = "q"', "", r"77/quiz.toml \[question 1\] lacks id; add"),
        ('id = "q"', "id = 3", r"\[question 3\] id is 3; expected a text"),
        ('"precision"', '"precison"', r"has the theme 'precison'; expected one of what is shared"),
        ('text = "t"', 'text = ""', r"\[question q\] text is ''; expected a text"),
        ('text = "t"', "", r"\[question q\] lacks text; add"),
        (
            'text = "t"',
            'txt = "t"',
            r"\[question q\] has the unknown key 'txt'; did you mean 'text'",
        ),
        ('text = "t"', 'text = "t"\nhint = "h"', r"unknown key 'hint'; known are id, theme"),
        ("compute = \"print('b')\"", "", r"has none of `compute` and `source`; give a program"),
        ('text = "t"', 'text = "t"\nsource = "s"', r"has both of `compute` and `source`"),
        ('why = "w"', "", r"\[question q, option \(a\)\] lacks why"),
        ('why = "w"', "right = true", r"\[question q\] has 2 right options; mark exactly one"),
        ("right = true", 'why = "v"', r"\[question q\] has 0 right options"),
        ("right = true", 'right = true\nwhy = "v"', r"option \(b\)\] has the unknown key 'why'"),
        ('why = "w"', 'why = "w"\nrefute = "r"', r"one of `refute` and `shows`; give both"),
        ('[[question.option]]\ntext = "x"\nwhy = "w"', "", r"has 1 options; give it 2 to 6"),
        (OPTIONS, "", r"\[question q\] has no answer; give one of option, number"),
        (OPTIONS, f"{OPTIONS}{NUMBER}", r"\[question q\] has option and number; give one of"),
        (
            OPTIONS,
            NUMBER.replace("far = 2", "far = 0.1"),
            r"near 0.1 and far 0.1; expected 0 ≤",
        ),
        (
            OPTIONS,
            f"{NUMBER}\nlog = true",
            r"near 0.1 and far 2; expected 1 ≤ .* as factors",
        ),
        (
            OPTIONS,
            f"{NUMBER}\n[[question.guess]]\nwhy = 'w'",
            r"guess has the value None; expected",
        ),
        (
            OPTIONS,
            DRAWING.replace("[1, 2]", "[1]"),
            r"has 2 places and the heights \[1.0\]",
        ),
        (OPTIONS, DRAWING.replace("[1, 2]", "[1, 20]"), r"from bottom 0.1 to top 10, above 0"),
        (
            OPTIONS,
            DRAWING.replace("bottom = 0.1", "bottom = 0"),
            r"from bottom 0 to top 10, above 0",
        ),
        (GOOD, "question = [1]", r"77/quiz.toml question\[0\] is 1; expected a table"),
        ("[[question]]", "[question]", r"question is \{.*expected a list, each entry a table"),
    ],
)
def test_a_broken_file_is_refused_by_the_name_of_file_and_question(old, new, message, path):
    assert [entry["id"] for (entry,) in read(path, GOOD)] == ["q"]
    assert old in GOOD
    with pytest.raises(ValueError, match=message):
        read(path, GOOD.replace(old, new))


def test_numbers_stand_in_every_text_and_are_the_variables_of_the_program(path):
    text = GOOD.replace('text = "t"', 'text = "D = {D}, {{}}"\nnumbers = [{D = 4}, {D = 9}]')
    ((first, second),) = read(path, text.replace('why = "w"', 'why = "not {D}"'))
    assert [entry["text"] for entry in (first, second)] == ["D = 4, {}", "D = 9, {}"]
    assert second["answers"].options[0].why == "not 9"
    assert second["numbers"] == {"D": 9}
    assert second["variants"] == 2
    numbered = GOOD.replace(OPTIONS, NUMBER.replace("answer = 1.5", "")).replace(
        'text = "t"', 'text = "{D}"\nnumbers = [{D = 4, answer = 2}]'
    )
    (((entry,),)) = [read(path, numbered)[0]]
    assert entry["answers"].answer == 2
    with pytest.raises(ValueError, match=r"\[question q\]: {'E'} stands in a text and is"):
        read(path, text.replace("{D}", "{E}"))


def test_an_id_that_comes_twice_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("normlab.chapters.course.FOLDER", tmp_path)
    course = [Chapter(number, "t", "q?", name=f"chapter_{number}") for number in ("70", "71")]
    for chapter in course:
        chapter.folder.mkdir()
        (chapter.folder / "quiz.toml").write_text(GOOD)
    with pytest.raises(ValueError, match=r"71/quiz.toml: question 'q' has the id of one in .* 70"):
        questions_of(course)


def answered(question, right):
    """A right or a wrong answer to a question, as the browser sends it."""
    answers = question.answers
    if isinstance(answers, Choice):
        return next(i for i, option in enumerate(answers.options) if option.right is right)
    if isinstance(answers, Sentence):
        return {"text": "…", "said": [right] * len(answers.points)}
    scale = answers.scale
    if isinstance(answers, Number):
        far = answers.answer * scale.far if scale.log else answers.answer + scale.far
        return answers.answer if right else far
    flat = [[height] * len(answers.x) for height in (answers.bottom, answers.top)]
    return list(answers.answer) if right else max(flat, key=answers.surprise)


@pytest.mark.parametrize("name", ASKED_WITH)
def test_a_right_answer_surprises_nobody_and_a_wrong_one_does(name):
    answers = ASKED_WITH[name].answers
    assert answers.surprise(answered(ASKED_WITH[name], True)) == 0
    assert 0 < answers.surprise(answered(ASKED_WITH[name], False)) <= 1
    if isinstance(answers, Number):
        guesses = QUESTIONS[ASKED_WITH[name].id].answers.guesses
        assert all(QUESTIONS[ASKED_WITH[name].id].answers.surprise(g.value) > 0 for g in guesses)
        assert answers.surprise(answered(ASKED_WITH[name], False)) == pytest.approx(1)


@pytest.mark.parametrize("name", ASKED_WITH)
def test_as_text_a_question_shows_what_can_be_answered_and_no_answer(name):
    question = ASKED_WITH[name]
    text = Quiz(question)._repr_mimebundle_()[0]["text/plain"]
    assert text.startswith(question.text)
    assert "run this cell" in text
    answers = question.answers
    reasons = [question.explanation]
    if isinstance(answers, Choice):
        assert all(f"({option.letter}) {option.text}" in text for option in answers.options)
        reasons += [option.why for option in answers.options if option.why]
    if isinstance(answers, Sentence):
        reasons += answers.points
    assert not any(reason in text for reason in reasons)


@pytest.mark.parametrize("name", ASKED_WITH)
def test_as_html_the_answer_is_folded_away(name):
    question = ASKED_WITH[name]
    page = Quiz(question)._repr_mimebundle_()[0]["text/html"]
    outside = re.sub(r"</summary>.*?</details>", "</summary></details>", page, flags=re.DOTALL)
    hidden = [written.html(question.explanation)]
    if isinstance(question.answers, Choice):
        assert page.count("<details>") == len(question.answers.options)
        assert page.count("✓ Right.") == 1
        hidden += [written.html(o.why) for o in question.answers.options if o.why]
    else:
        hidden.append(written.html(question.answers.solution()))
    assert "✓" not in outside
    assert "✗" not in outside
    for reason in hidden:
        assert reason in page
        assert f">{reason}<" not in outside


def test_texts_are_escaped_and_code_is_marked():
    text = "Is `a < b` & <b>c</b>?\nYes.\n\n    if a:\n        b"
    assert written.html(text) == (
        "Is <code>a &lt; b</code> &amp; &lt;b&gt;c&lt;/b&gt;? Yes."
        "<br><code>if&nbsp;a:</code><br><code>&nbsp;&nbsp;&nbsp;&nbsp;b</code>"
    )


def test_everything_that_the_browser_shows_is_in_the_first_state():
    state = quiz("one-hot").get_state()
    assert state["question"]["kind"] == "choice"
    assert [o["letter"] for o in state["question"]["options"]] == list("abcd")
    assert state["question"]["options"][1]["shows"] in WRONG["one-hot (b)"].shows
    assert state["answer"] is None


def test_an_answer_is_kept_in_the_learners_record_and_the_first_one_is_the_prediction(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path))
    asked = quiz("one-hot")
    for number, option in enumerate((1, 2), start=1):
        asked.answer, asked.asked = option, number
        assert (asked.recorded, asked.notice) == (number, "")
    with open_record() as record:
        history = record.history()
    assert [(a.given, a.right) for a in history.answers["one-hot"]] == [("b", False), ("c", True)]
    assert history.predictions["one-hot"].given == "b"


@pytest.mark.parametrize("kind", [Number, Drawing, Sentence])
def test_an_answer_of_each_kind_is_kept_with_how_far_off_it_was(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path))
    question = next(q for q in QUESTIONS.values() if isinstance(q.answers, kind))
    asked = quiz(question.id)
    given = answered(question, right=False)
    asked.answer, asked.asked = given, 1
    with open_record() as record:
        (answer,) = record.history().answers[question.id]
    assert answer.given == question.answers.kept(given)
    assert answer.surprise == question.answers.surprise(given) > 0
    assert not answer.again


def test_what_the_record_has_to_say_is_shown_beside_the_question(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "file").write_text("where the folder should be")
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path / "file"))
    asked = quiz("one-hot")
    asked.answer, asked.asked = 0, 1
    assert "cannot be saved" in asked.notice
    assert asked.recorded == 1


def test_a_record_that_raises_is_named_and_the_question_goes_on(monkeypatch):
    def fail():
        raise RuntimeError("no such luck")

    monkeypatch.setattr("normlab.record.open_record", fail)
    asked = quiz("one-hot")
    asked.answer = 0
    with pytest.raises(RuntimeError, match="no such luck"):
        asked.asked = 1
    assert asked.notice == "Your answer could not be kept. RuntimeError: no such luck"
    assert asked.recorded == 1


@pytest.mark.parametrize("chapter", LESSONS)
def test_the_questions_stored_in_a_notebook_are_those_of_the_package(chapter):
    notebook = ROOT / "notebooks" / f"{LESSONS[chapter].stem}.ipynb"
    metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    models = metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    stored = [model["state"] for model in models if "question" in model["state"]]
    assert [state["question"]["id"] for state in stored] == ASKED[chapter]
    for state in stored:
        now = quiz(state["question"]["id"]).get_state()
        for part in ("question", "answer", "_esm", "_css"):
            assert state[part] == now[part], f"rebuild {notebook.name}: {part} has changed"
