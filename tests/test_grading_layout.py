"""Where the answers are in a notebook: by marks, by what was handed out, by names."""

import copy
import json
import time

import pytest
from submissions import ROOT, mark_of, solution

from normlab.checks.cells import Cell, UnreadableFile, notebook_cells, python_cells
from normlab.checks.magics import plain_python
from normlab.checks.obstacles import in_the_way
from normlab.checks.program import Program
from normlab.exercises import find_exercise
from normlab.grading.layout import lay_out, released

NAME = "03_rms_norm"
EXERCISE = find_exercise("rms_norm")


def code_cells(edit=lambda cells: cells, name=NAME):
    content = solution(name)
    content["cells"] = edit(content["cells"])
    return notebook_cells(name, json.dumps(content).encode())


def sources(layout, function):
    """The source of each candidate for a function's answer."""
    chosen = [t.cell for t in layout.targets if t.function == function]
    return [None if cell is None else layout.cells[cell].source for cell in chosen]


def laid_out(edit=lambda cells: cells):
    return lay_out(code_cells(edit), EXERCISE)


def answer_of(function, cells):
    return next(c for c in cells if mark_of(c) == function)


SOLVED = {
    f: "".join(answer_of(f, solution(NAME)["cells"])["source"]) for f in ("rms_norm", "RMSNorm")
}


def new_cell(source, **metadata):
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": []}


def test_the_marks_of_nbgrader_say_which_cells_are_answers_and_tests():
    layout = laid_out()
    assert [t.function for t in layout.targets] == [q.function for q in EXERCISE.questions]
    assert sources(layout, "rms_norm") == [SOLVED["rms_norm"]]
    assert not any("check(" in cell.source for cell in layout.cells)
    assert not layout.notes


def test_an_answer_that_bears_the_mark_counts_and_a_later_draft_of_the_name_does_not():
    def edit(cells):
        return [*cells, new_cell("def rms_norm(x, gamma, eps=1e-6):\n    return 'a draft'")]

    layout = laid_out(edit)
    assert sources(layout, "rms_norm") == [SOLVED["rms_norm"]]


def test_without_any_metadata_answers_are_found_by_names_and_tests_by_what_was_handed_out():
    def edit(cells):
        for cell in cells:
            cell["metadata"] = {}
        return cells

    layout = laid_out(edit)
    assert sources(layout, "RMSNorm") == [SOLVED["RMSNorm"]]
    assert not any("check(" in cell.source for cell in layout.cells)
    assert len(layout.notes) == 3


def test_an_answer_beside_the_unsolved_cell_is_found():
    stub = next(
        "".join(c["source"])
        for c in json.loads((ROOT / "exercises" / f"{NAME}.ipynb").read_text())["cells"]
        if mark_of(c) == "rms_norm"
    )

    def edit(cells):
        answer_of("rms_norm", cells)["source"] = stub
        return [*cells, new_cell(SOLVED["rms_norm"])]

    assert sources(laid_out(edit), "rms_norm") == [SOLVED["rms_norm"]]


def test_of_a_copied_cell_every_different_version_is_a_candidate():
    def edit(cells):
        twin = copy.deepcopy(answer_of("rms_norm", cells))
        other = copy.deepcopy(twin)
        other["source"] = "def rms_norm(x, gamma, eps=1e-6):\n    return x"
        return [*cells, twin, other]

    found = sources(laid_out(edit), "rms_norm")
    assert sorted(found) == sorted(
        [SOLVED["rms_norm"], "def rms_norm(x, gamma, eps=1e-6):\n    return x"]
    )


def test_not_more_than_four_versions_are_tried():
    def edit(cells):
        versions = [new_cell(f"def rms_norm():\n    return {i}") for i in range(9)]
        return [c for c in cells if mark_of(c) != "rms_norm"] + versions

    assert [s[-1] for s in sources(laid_out(edit), "rms_norm")] == ["5", "6", "7", "8"]


def test_test_cells_are_not_run_even_if_they_were_edited_and_deleting_them_changes_nothing():
    def edited(cells):
        answer_of("check_rms_norm", cells)["source"] = "import this_is_run"
        return cells

    def deleted(cells):
        return [c for c in cells if not mark_of(c).startswith("check_")]

    for edit in (edited, deleted):
        layout = laid_out(edit)
        assert not any("this_is_run" in cell.source for cell in layout.cells)
        assert sources(layout, "rms_norm") == [SOLVED["rms_norm"]]


def test_of_a_test_cell_that_was_copied_and_used_for_other_code_the_code_runs():
    def edit(cells):
        twin = copy.deepcopy(answer_of("check_rms_norm", cells))
        twin["source"] = "helper = 1"
        return [*cells, twin]

    assert any(cell.source == "helper = 1" for cell in laid_out(edit).cells)


@pytest.mark.parametrize(
    "source",
    [
        "rms_norm = lambda x, gamma, eps=1e-6: x",
        "rms_norm = mine",
        "if True:\n    def rms_norm(x, gamma, eps=1e-6):\n        return x",
        "    def rms_norm(x, gamma, eps=1e-6):\n        return x",
        ">>> def rms_norm(x, gamma, eps=1e-6):\n...     return x",
        "from helper import rms_norm",
        "rms_norm = Norm()",
    ],
)
def test_an_answer_is_in_the_cell_that_gives_its_name_whatever_it_gives(source):
    def edit(cells):
        answer_of("rms_norm", cells)["source"] = source
        return cells

    layout = laid_out(edit)
    assert sources(layout, "rms_norm") == [source]
    assert not layout.notes


def test_an_answer_that_no_cell_is_seen_to_define_is_what_its_name_stands_for_at_the_end():
    def edit(cells):
        answer_of("rms_norm", cells)["source"] = "globals()['rms_norm'] = print"
        return cells

    assert sources(laid_out(edit), "rms_norm") == [None]


@pytest.mark.parametrize(
    "metadata",
    [None, 3, [], {"nbgrader": 3}, {"nbgrader": {"grade_id": ["rms_norm"]}}, {"nbgrader": {}}],
)
def test_metadata_of_any_kind_are_borne(metadata):
    def edit(cells):
        answer_of("rms_norm", cells)["metadata"] = metadata
        return cells

    assert sources(laid_out(edit), "rms_norm") == [SOLVED["rms_norm"]]


def test_the_part_of_one_function_leaves_out_what_it_is_told_to():
    layout = laid_out()
    others = layout.cells_of("RMSNorm")
    part = layout.only(["rms_norm"], without=others)
    assert len(part.cells) == len(layout.cells) - len(others)
    assert sources(part, "rms_norm") == [SOLVED["rms_norm"]]
    assert {t.function for t in part.targets} == {"rms_norm"}


@pytest.mark.parametrize("exercise", [p.stem for p in (ROOT / "solutions").glob("*.ipynb")])
def test_of_every_exercise_the_unsolved_answers_and_the_tests_are_known(exercise):
    known = released(exercise)
    functions = [c for c in solution(exercise)["cells"] if mark_of(c)]
    assert len(known.answers) == len(known.tests) == len(functions) / 2


# Reading


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"{", "no notebook of format 4, or cut off"),
        (json.dumps(solution(NAME)).encode()[:5000], "no notebook of format 4, or cut off"),
        (b"\xff\xfe\x00", "is no text"),
        (b"\x00" * 100, "is no text"),
        (b"[]", "no notebook of format 4"),
        (b'{"cells": 3}', "no notebook of format 4"),
        (b'{"cells": [3]}', "no notebook of format 4"),
        (b'{"cells": [{"cell_type": "code", "source": 3}]}', "no notebook of format 4"),
        (b'{"nbformat": 3, "worksheets": 3}', "no notebook of format 4"),
        (b'{"a":' * 10**5, "no notebook of format 4"),
        (b'{"cells": [], "metadata": {"kernelspec": {"language": "R"}}}', "is written in 'R'"),
        (b'{"cells": [], "metadata": {"language_info": {"name": "julia"}}}', "written in 'julia'"),
    ],
)
def test_what_is_no_python_notebook_is_refused_with_the_reason(data, reason):
    with pytest.raises(UnreadableFile, match=reason):
        notebook_cells("a.ipynb", data)


def test_a_notebook_that_has_lost_its_metadata_is_taken_for_python():
    data = b'\xef\xbb\xbf{"cells": [{"cell_type": "code", "source": "x = 1"}], "metadata": 3}'
    assert [c.source for c in notebook_cells("a.ipynb", data)] == ["x = 1"]


MAGIC, OUTPUT = "get_ipython().run_line_magic", "get_ipython().getoutput"


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("x = 1  # 50 %\ny = '!'", "x = 1  # 50 %\ny = '!'"),
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("!pip install a\nx = 1", "pass\nx = 1"),
        ("files = !ls\nx = 1", f"files = {OUTPUT}('ls')\nx = 1"),
        ("a = b = %pwd", f"a = b = {MAGIC}('pwd', '')"),
        ("%pylab inline", f"{MAGIC}('pylab', 'inline')"),
        ("%time y = f(x)", "y = f(x)"),
        ("y = %time f(x)", "y = f(x)"),
        ("%%time\ndef f(x):\n    return x", "#\ndef f(x):\n    return x"),
        ("\n\n%%capture --no-stderr out\n%%time\nx", "\n\nout = get_ipython() #\n#\nx"),
        ("%%bash -x\nls", "pass"),
        ("%%writefile a.py\nx", "get_ipython().run_cell_magic('writefile', 'a.py', 'x')"),
        ("x?\nx = 1", "pass\nx = 1"),
        ("?x\nx.y??", "pass\npass"),
        ("%timeit?", "pass"),
        ("if x:\n  y = !ls \\\n  -l\nx", f"if x:\n  y = {OUTPUT}('ls    -l')\n\nx"),
        ("def f(x):\n    %timeit x\n    !ls \\\n -l\n", "def f(x):\n    pass\n    pass\n\n"),
        ('!echo it\'s (\nx = """\n!ls\n"""', 'pass\nx = """\n!ls\n"""'),
        ("%a\nx = (1,\n  %2, '?')  # ?", "pass\nx = (1,\n  %2, '?')  # ?"),
        ("%a\nx = 7 \\\n%3", "pass\nx = 7 \\\n%3"),
        ('%a\nx = """\n!b', 'pass\nx = """\n!b'),
        ("%a\nx = ')' + 'it\\'s'\n?b", "pass\nx = ')' + 'it\\'s'\npass"),
        ("%a\r\n    x = 1", "pass\n    x = 1"),
        ("In [1]: x = 1\n   ...: y = 2", "x = 1\ny = 2"),
        (">>> def f():\n...     '>>> a'\n...\n>>> f()", "def f():\n    '>>> a'\n\nf()"),
        ("x = 10 %3", "x = 10 %3"),
    ],
)
def test_magics_and_lines_for_the_shell_are_taken_out_and_the_other_lines_stay(source, plain):
    assert plain_python(source) == plain


UNUSUAL = {
    "magics": "%a\n",
    "lines for the shell": "!a (\n",
    "prompts": "In [1]: x\n",
    "dots": "In [1]: x\n" + "." * 10**5,
    "blanks": "%a\n" + " " * 10**5,
    "quotes": "%a\n" + "' \\' " * 10**4,
    "open texts": "%a\n''' " + "\\''' " * 10**4,
    "brackets": "%a\n" + "(" * 10**4,
    "questions": "? " * 10**5,
    "assignments": "%a\n" + "x = " * 10**5 + "%",
    "cells of Colab": "# Commented out IPython magic to ensure Python compatibility.\n# %%time\n",
    "cell magics": "%%time\n",
    "comments": "%a\n# def f(x):\n",
}


@pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL)
def test_no_text_takes_long_to_read(text):
    text = (text * (2**18 // len(text) + 1))[: 2**18]
    begun = time.process_time()
    plain_python(text)
    python_cells("a.py", text.encode())
    in_the_way("f", [Cell("a", text[:40_000])], {})
    assert time.process_time() - begun < 5


def test_more_code_than_anybody_writes_is_refused():
    with pytest.raises(UnreadableFile, match="more than 1 MB of code"):
        python_cells("a.py", b"x = 1\n" * 2**18)


def test_a_cell_may_call_display_as_in_a_notebook():
    program = Program({})
    (cell,) = notebook_cells(
        "a", b'{"cells": [{"cell_type": "code", "source": "display(1); x = 2"}]}'
    )
    assert program.run(cell) == ""
    assert program.namespace["x"] == 2
