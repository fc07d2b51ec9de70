"""A right answer keeps its marks in whatever form it comes, and what keeps one from counting is
said."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from forms_of_right_answers import BODY, FORMS
from submissions import QUICK, RIGHT, ROOT, mark_of, notebook, paper, solution, solved

from normlab.checks.cells import notebook_cells, python_cells
from normlab.checks.obstacles import in_the_way, set_aside
from normlab.grading.paper import Paper
from normlab.study.files import ASKED_NAMES, check_file

UNSOLVED = "def layer_norm(x, gamma, beta, eps=1e-5):\n    raise NotImplementedError"
ENDLESS = "file: a main guard that never ends"
COMPILED = ("over: torch.compile", "over: torch.compile(…)")
NOT_HERE = (
    ENDLESS,
    "above: a download",
    "above: a program",
    "above: a pool of processes",
    *COMPILED,
)
"""What takes long, or is not confined, in a process of the tests."""


@pytest.fixture
def grade(workshop):
    return lambda one, seconds=20.0: workshop.grade(one, replace(QUICK, seconds=seconds))


@pytest.mark.parametrize("name", FORMS)
def test_a_right_answer_gets_full_marks_in_every_form(name, grade):
    suffix, content = FORMS[name]
    graded = grade(Paper("01_layer_norm", suffix, content), 2.0 if name == ENDLESS else 20.0)
    (diagnosis,) = graded.diagnoses
    assert diagnosis.passed, (graded.problem, diagnosis, graded.notes)


@pytest.mark.usefixtures("event_loop")
@pytest.mark.parametrize("name", [name for name in FORMS if name not in NOT_HERE])
def test_and_so_says_the_learners_check_of_the_file(name, tmp_path):
    suffix, content = FORMS[name]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    (diagnosis,) = check_file(path)
    assert diagnosis.passed, diagnosis


@pytest.fixture
def event_loop() -> Iterator[None]:
    """The one that an answer asks for; made by itself, it would be left open in this process."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


# What is told


def test_the_library_that_is_missing_is_named_and_the_other_questions_are_graded(grade):
    def edit(cells):
        for cell in cells:
            if mark_of(cell) == "rms_norm":
                cell["source"] = "import pandas as pd\ndef rms_norm(*a):\n    return pd.Series(a)"
        return cells

    graded = grade(solved("03_rms_norm", edit))
    first, *others = graded.diagnoses
    assert all(d.passed for d in others)
    assert first.mistakes == ["raises"]
    assert "pandas.Series(…) is not there: No module named 'pandas'" in first.message
    assert "Answers need what their notebook imports, and no more." in first.message
    assert any("pandas cannot be imported here (No module" in note for note in graded.notes)


def test_an_error_above_an_answer_is_told_though_it_costs_nothing(grade):
    graded = grade(paper(f"import numpy as np\nname = input('?')\n1 / 0\n{BODY}"))
    assert graded.diagnoses[0].passed
    (note,) = (note for note in graded.notes if "code cell 1:" in note)
    assert "EOFError: nobody is there to answer input()" in note
    assert "ZeroDivisionError: division by zero, in line 3" in note


def test_what_ends_programs_ends_its_cell(grade):
    for line in ("raise KeyboardInterrupt", "import sys; sys.exit(1)"):
        (diagnosis,) = grade(paper(f"{line}\n{RIGHT}")).diagnoses
        assert diagnosis.mistakes == ["raises"]


def test_a_stand_in_for_something_missing_is_no_answer(grade):
    (diagnosis,) = grade(paper("from my_own_file import layer_norm")).diagnoses
    assert diagnosis.mistakes == ["raises"]
    assert "my_own_file cannot be imported here" in diagnosis.message


def test_of_a_cell_that_is_doubled_it_is_said_which_one_counts(grade):
    content = solution("01_layer_norm")
    place = next(i for i, c in enumerate(content["cells"]) if mark_of(c) == "layer_norm")
    content["cells"].insert(place, content["cells"][place])
    graded = grade(Paper("01_layer_norm", ".ipynb", json.dumps(content).encode()))
    assert graded.diagnoses[0].passed
    (note,) = graded.notes
    assert "its cell is doubled, in 01_layer_norm.ipynb, code cell" in note
    assert "lost" not in note
    handed_out = json.loads((ROOT / "exercises/01_layer_norm.ipynb").read_text())["cells"]
    content["cells"][place] = next(c for c in handed_out if mark_of(c) == "layer_norm")
    graded = grade(Paper("01_layer_norm", ".ipynb", json.dumps(content).encode()))
    assert graded.diagnoses[0].passed
    assert "its cell is doubled" in graded.notes[0]


LEFT = BODY.replace("    wide", "    raise NotImplementedError()\n    wide", 1)
HIDDEN = {
    "a raise above the code": (LEFT, "code", "line 4: `raise NotImplementedError()` in"),
    "a raise below the code": (
        BODY.replace("    return", "    y =") + "\n    raise NotImplementedError",
        "code",
        "ends it before it returns anything. Return the result instead.",
    ),
    "a comment": ("\n".join(f"# {line}" for line in BODY.splitlines()), "code", "is a comment"),
    "a text": (f"x = 1\n'''\n{BODY}\n'''", "code", "from line 2 of 01_layer_norm.ipynb, code cell"),
    "Markdown": (BODY, "markdown", "which is markdown, and does not run. Make it a code cell."),
    "Markdown with fences": (f"```python\n{BODY}\n```", "markdown", "which is markdown"),
    "a raw cell": (BODY, "raw", "which is raw, and does not run. Make it a code cell."),
    "%%timeit": (f"%%timeit\n{BODY}", "code", "below %%timeit, which leaves nothing of it."),
    "%%script false": (f"%%script false --no-raise-error\n{BODY}", "code", "below %%script"),
    "another name": (
        BODY.replace("layer_norm(", "LayerNorm("),
        "code",
        "defines LayerNorm; the exercise asks for layer_norm. Rename it.",
    ),
    "a mistyped name": (
        BODY.replace("layer_norm(", "my_layer_nrom("),
        "code",
        "defines my_layer_nrom; the exercise asks for layer_norm. Rename it.",
    ),
}


@pytest.mark.parametrize("unsolved", [False, True], ids=["alone", "beside the unsolved cell"])
@pytest.mark.parametrize(("source", "kind", "said"), HIDDEN.values(), ids=HIDDEN)
def test_what_keeps_an_answer_from_counting_is_said(source, kind, said, unsolved, grade):
    content = json.loads(notebook("import numpy as np", source, *[UNSOLVED] * unsolved))
    content["cells"][1]["cell_type"] = kind
    graded = grade(Paper("01_layer_norm", ".ipynb", json.dumps(content).encode()))
    assert not graded.diagnoses[0].passed
    assert any(said in note for note in graded.notes), graded.notes


@pytest.mark.parametrize("path", sorted(ROOT.glob("exercises/0[1-8]*.ipynb")), ids=lambda p: p.stem)
def test_of_an_exercise_as_it_was_handed_out_nothing_is_said(path):
    data = path.read_bytes()
    cells, aside = notebook_cells(path.name, data), set_aside(path.name, data)
    names = {name for cell in cells for name in cell.defines() if name in ASKED_NAMES}
    assert names
    assert not any(in_the_way(name, cells, aside, ASKED_NAMES) for name in names)


def test_the_parts_of_an_exported_file_keep_the_numbers_of_their_lines(grade):
    text = f"# In[1]:\nx = 1\n# In[ ]:\n{RIGHT.replace('variance + eps', 'variance + nothing')}"
    (diagnosis,) = grade(Paper("01_layer_norm", ".py", text.encode())).diagnoses
    number = text.split("\n").index(next(s for s in text.split("\n") if "nothing" in s)) + 1
    assert f"line {number} of `layer_norm`" in diagnosis.message
    first, second = python_cells("a.py", text.encode())
    assert (first.name, second.name) == ("a.py", "a.py, from line 3")


def test_expressions_of_any_depth_are_borne(grade):
    for terms in (500, 950, 2000, 2900, 10**4):
        deep = "+".join(["1"] * terms)
        sources = (
            f"x = {deep}\n{RIGHT}",
            f"{RIGHT}\nif __name__ == {deep}:\n    pass",
            f"def layer_norm():\n    {deep}\n    raise NotImplementedError({deep})\n    x",
            f"get_ipython().run_cell({deep})",
        )
        for source in sources:
            for one in (paper(source), Paper("01_layer_norm", ".py", source.encode())):
                assert len(grade(one).diagnoses) == 1


@pytest.mark.parametrize("text", ["x\n# %%\n" * 10**4, "x = '''\n# %%\n'''\n" * 400, "(" * 10**5])
def test_a_file_of_very_many_parts_is_one(text):
    (cell,) = python_cells("a.py", text.encode())
    assert cell.source == text
