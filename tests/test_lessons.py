"""Notebooks are what their lessons say, hold their outputs, and are built the same every time."""

import re
import textwrap
import tomllib
from pathlib import Path

import answers
import build
import nbformat
import pytest
from course_links import filled
from told import fresh_copy, in_view, told_in

from normlab.study.quiz import Number, load_questions

ROOT = Path(__file__).parent.parent

LESSONS = build.lessons()
NAMES = [lesson.stem for lesson in LESSONS]
COMPARED = ("text/plain", "text/html")
NEEDED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def notebook(lesson):
    return nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4)


def results(cell):
    """The texts of a cell that nbval compares, pictures aside."""
    if "nbval-ignore-output" in cell.metadata.get("tags", []):
        return []
    outputs = [o.get("text") or o.get("data", {}).get("text/plain") for o in cell.outputs]
    return [text for text in outputs if text and not text.startswith("<Figure")]


def test_every_lesson_has_its_notebook_and_every_notebook_its_lesson():
    assert sorted(p.stem for p in (ROOT / "notebooks").glob("*.ipynb")) == [*NAMES, "glossary"]


@pytest.mark.parametrize("lesson", [*LESSONS, build.LESSONS / "glossary.py"], ids=lambda p: p.stem)
def test_a_notebook_has_the_cells_of_its_lesson(lesson):
    rebuilt, stored = build.convert(lesson), notebook(lesson)
    parts = [
        [(c.id, c.cell_type, c.source, c.metadata.get("tags")) for c in nb.cells]
        for nb in (rebuilt, stored)
    ]
    assert parts[0] == parts[1], f"run `make lessons ARGS={lesson.stem}` and commit the result"


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_a_notebook_was_run_from_top_to_bottom_without_errors_or_warnings(lesson):
    code = [cell for cell in notebook(lesson).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", cell.source


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_at_least_five_cells_of_a_chapter_are_compared_by_nbval(lesson):
    compared = [c for c in notebook(lesson).cells if c.cell_type == "code" and results(c)]
    assert len(compared) >= 5


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_a_chapter_predicts_explores_recapitulates_and_names_its_sources(lesson):
    cells = notebook(lesson).cells
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    assert text.startswith(f"# {lesson.name[:2]} · ")
    for part in (
        "## What you will be able to do",
        "What it shows",
        "## Recap",
        "## Sources",
        "arXiv",
    ):
        assert part in text
    code = "\n".join(c.source for c in cells if c.cell_type == "code")
    assert re.search(r"explore_\w+\(", code)


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_links_between_chapters_lead_somewhere(lesson):
    text = "\n".join(c.source for c in notebook(lesson).cells)
    for target in re.findall(r"\]\(([^)#:]+\.\w+)\)", text):
        assert (ROOT / "notebooks" / target).exists(), target


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_explorers_and_questions_can_be_used_before_anything_is_run(lesson):
    nb = notebook(lesson)
    state = nb.metadata.get("widgets", {}).get(build.WIDGET_STATE, {}).get("state", {})
    views = [
        output.data["application/vnd.jupyter.widget-view+json"]["model_id"]
        for cell in nb.cells
        for output in cell.get("outputs", [])
        if "application/vnd.jupyter.widget-view+json" in output.get("data", {})
    ]
    shown = [state[model_id]["state"] for model_id in views]
    # of explorers, of questions, of claims to be marked, of tokens
    parts = ("frames", "question", "words", "start")
    assert all(any(widget.get(part) for part in parts) for widget in shown)
    assert not any(widget.get("marks") for widget in shown), "an author's own marks"
    assert any("frames" in widget for widget in shown)
    assert any("question" in widget for widget in shown)
    # the front end that draws them is the one of the installed anywidget
    asked = {widget["_view_module_version"] for widget in shown}
    assert {f"anywidget{v.replace('~', '~=').replace('*', '0')}" for v in asked} <= {*NEEDED}


SMALL_LESSON = """
    # %% [markdown]
    # # 99 · Small

    # %%
    import numpy as np
    from normlab.pictures.style import new_figure
    from normlab.chapters.start_here import explore_moved_token

    fig, ax = new_figure()
    ax.plot(np.random.default_rng(0).standard_normal(9));

    # %%
    explore_moved_token()

    # %%
    print("a"); print("b")

    # %% tags=["timing"]
    import time
    time.perf_counter()
"""


@pytest.fixture
def small_lesson(tmp_path):
    path = tmp_path / "99_small.py"
    path.write_text(textwrap.dedent(SMALL_LESSON))
    return path


def test_two_builds_give_the_same_bytes_apart_from_timings(small_lesson, tmp_path):
    texts = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        nb = nbformat.read(build.build(small_lesson, tmp_path / name), as_version=4)
        (timing,) = [c for c in nb.cells if "timing" in c.metadata.get("tags", [])]
        assert "nbval-ignore-output" in timing.metadata.tags
        assert timing.outputs
        timing.outputs = []
        texts.append(build.to_json(nb))
    assert texts[0] == texts[1]
    assert "0" * 31 + "1" in texts[0]  # widget ids count up


@pytest.mark.parametrize(
    ("code", "error"),
    [("1 / 0", "ZeroDivisionError"), ("import sys; print('w', file=sys.stderr)", "stderr")],
)
def test_a_lesson_that_fails_or_warns_leaves_the_old_notebook(code, error, tmp_path):
    lesson = tmp_path / "98_bad.py"
    lesson.write_text(f"# %%\n{code}\n")
    old = tmp_path / "98_bad.ipynb"
    old.write_text("old")
    with pytest.raises(Exception, match=error):
        build.build(lesson, tmp_path)
    assert old.read_text() == "old"
    assert not list(tmp_path.glob("*.part"))


def test_an_unknown_chapter_is_refused_with_the_list_of_chapters():
    with pytest.raises(SystemExit, match=r"no text is named 77; there are: 00_start_here.py, 01"):
        build.main(["77"])


def test_what_stands_behind_a_question_is_out_of_sight_up_to_the_next_heading():
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [
        code("open = 1"),
        code('quiz("one")'),
        code("answer = 1"),
        markdown("Two.", metadata={"tags": ["answer"]}),
        markdown("And once more:\n\n### Details"),
        code("explore_it()"),
        code("answer = 2"),
        markdown("## Another section ★"),
        code("open = 2"),
        code("explore_answer()", metadata={"tags": ["answer"]}),
    ]
    answers.hide_answers(nbformat.v4.new_notebook(cells=cells))
    hidden = [cell.source for cell in cells if "hide-output" in cell.metadata.get("tags", [])]
    assert hidden == ["answer = 1", "answer = 2", "explore_answer()"]
    assert cells[3].source.startswith("<details>\n<summary>What it shows</summary>\n\nTwo.")
    assert [cell.source for cell in cells if answers.COLLAPSED in cell.metadata] == [
        "## Another section ★"
    ]
    (folded,) = [markdown("### Heading\n\nText.", metadata={"tags": ["answer"]})]
    with pytest.raises(ValueError, match="has a heading; give the heading a cell of its own"):
        answers.hide_answers(nbformat.v4.new_notebook(cells=[folded]))
    script = (ROOT / "normlab" / "study" / "quiz" / "quiz.js").read_text()
    assert f'"{answers.FOLDED_TITLE}"' in script


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_nothing_in_view_of_a_fresh_copy_answers_a_question(lesson):
    copy = fresh_copy(ROOT / "notebooks" / f"{lesson.stem}.ipynb")
    assert told_in(in_view(copy), lesson.name[:2]) == []
    for cell in copy["cells"]:
        if "answer" in cell["metadata"].get("tags", []) and cell["cell_type"] == "code":
            assert cell["outputs"] == []


def test_what_tells_an_answer_is_found():
    question = load_questions()["one-hot"]
    number = next(
        q
        for q in load_questions().values()
        if isinstance(q.answers, Number) and re.fullmatch(r"[1-9]\.\d\d+", f"{q.answers.answer:g}")
    )
    for told, asked in ((question.explanation, question), (number.answers.solution(), number)):
        assert told_in(f"before {told} behind", asked.chapter)
    assert told_in(question.text, question.chapter) == []


VERDICT_BESIDE = re.compile(r"[Cc]laims? \d+[^.|]{0,30}\b(holds|imprecise|wrong)\b")
N_OF_M = re.compile(r"\b\d+ of (?:the )?\d+\b")


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_a_verdict_on_a_claim_comes_from_the_ledger(lesson):
    """A lesson writes {{ ruling 12 }}; typed, the verdict could part from the ledger's."""
    typed = re.sub(r"{{ ruling \d+ }}", "", lesson.read_text(encoding="utf-8"))
    assert VERDICT_BESIDE.findall(typed) == []


@pytest.mark.parametrize("number", ["09", "11", "12"])
def test_a_count_of_models_comes_from_the_scan_or_the_zoo(number):
    (lesson,) = (lesson for lesson in LESSONS if lesson.name.startswith(number))
    told = [line for line in lesson.read_text(encoding="utf-8").split("\n") if line[:2] == "# "]
    assert [line for line in told if N_OF_M.search(line)] == []


def test_what_is_counted_has_a_name_and_another_name_is_refused():
    assert filled("{{ scan decoders with pre-norm }}", "11") != "{{ scan decoders with pre-norm }}"
    assert filled("{{ zoo models }} and {{ claims }}", "11").split(" and ")[1].isdigit()
    with pytest.raises(ValueError, match="zoo counts no 'unicorns'; expected one of folders, "):
        filled("{{ zoo unicorns }}", "11")
