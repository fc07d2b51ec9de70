"""What a learner calls: check and hint in a notebook, start, check and progress in a terminal."""

import json
import os
import subprocess
import sys
import textwrap
from collections import Counter

import nbformat
import numpy as np
import pytest
from nbformat import v4
from submissions import RIGHT, WRONG

from normlab import cli, norms
from normlab.checks.cells import UnreadableFile
from normlab.record import open_record
from normlab.study.files import check_file
from normlab.study.notebook import check, hint

STUB = "def layer_norm(x, gamma, beta, eps=1e-5):\n    raise NotImplementedError\n"


@pytest.fixture
def record_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path / "record"))


def defined(source):
    namespace = {}
    exec(source, namespace)
    return namespace["layer_norm"]


def notebook(path, *sources):
    cells = [v4.new_code_cell(textwrap.dedent(source)) for source in sources]
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


# In a notebook


def test_a_right_answer_is_kept_in_the_record(record_folder):
    check(defined(RIGHT))
    with open_record() as record:
        result = record.history().results["01_layer_norm", "layer_norm"]
    assert (result.points, result.max_points) == (4, 4)


def test_of_an_answer_that_is_right_in_part_its_points_are_kept(record_folder):
    assert check(defined(WRONG)).mistakes == ["cancellation"]
    with open_record() as record:
        assert record.history().results["01_layer_norm", "layer_norm"].points == 3


def test_an_answer_without_points_is_not_kept(record_folder):
    assert check(defined(STUB)).points == 0
    with open_record() as record:
        assert not record.history().results


def test_what_an_answer_prints_is_counted_and_folded(capsys):
    diagnosis = check(defined(RIGHT.replace("):\n", "):\n    print('here')\n", 1)))
    text, lines = diagnosis.printed
    assert lines >= 30
    assert text.startswith("here\nhere\n")
    assert f"{lines} lines, the first: here" in str(diagnosis)
    assert f"<details><summary>your code printed {lines} lines" in diagnosis._repr_html_()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("given", [np.ones(3), 3, "layer_norm", None])
def test_what_is_no_function_is_refused_with_the_mend(given):
    with pytest.raises(
        TypeError, match=r"expected the function or class itself.*check\(layer_norm"
    ):
        check(given)


def test_an_unknown_name_is_refused_with_the_names_that_are_asked_for():
    with pytest.raises(ValueError, match=r"no exercise asks for 'test_an_un.*layer_norm"):
        hint(test_an_unknown_name_is_refused_with_the_names_that_are_asked_for)


@pytest.mark.parametrize("name", ["mine", "<lambda>"])
def test_of_a_function_of_another_name_is_said_that_the_name_counts(name):
    mine = (lambda x, gamma, beta: x) if name == "<lambda>" else defined(RIGHT)
    mine.__name__ = name
    with pytest.raises(ValueError, match=rf"no exercise asks for '{name}'.*the name.*counts.*def "):
        check(mine)


def test_an_object_without_a_name_is_refused_with_the_mend():
    class Norm:
        def __call__(self, x):
            return x

    with pytest.raises(TypeError, match=r"Norm, an object without a name.*def layer_norm\("):
        check(Norm())


def test_the_three_hints_come_one_after_the_other_and_the_last_one_stays(monkeypatch):
    monkeypatch.setattr("normlab.study.notebook._hints_given", Counter())
    monkeypatch.setattr("normlab.study.notebook._last", {})
    given = [hint(defined(STUB)) for _ in range(5)]
    assert [h.rows()[0][1] for h in given] == [
        f"hint {n} of 3 on the formula" for n in (1, 2, 3, 3, 3)
    ]
    assert repr(given[0]) == str(given[0])


def test_a_hint_is_for_the_level_that_the_last_check_explained_and_knows_what_it_said(monkeypatch):
    monkeypatch.setattr("normlab.study.notebook._hints_given", Counter())
    check(defined(WRONG))
    given = hint(defined(WRONG))
    assert (given.level, given.number) == ("precision", 1)
    assert "digits are lost far from 0" in str(given)
    assert given._repr_html_().startswith("<table>")


def test_under_nbgrader_a_check_ends_in_the_points_and_says_why_on_standard_output(
    monkeypatch, capsys
):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert [check(defined(answer)) for answer in (RIGHT, WRONG, STUB)] == [4, 3, 0]
    out, err = capsys.readouterr()
    assert "cancellation" in out
    assert "not attempted" in out
    assert err == ""


def test_importing_check_for_a_numpy_exercise_loads_no_torch():
    code = "from normlab import check; from normlab.norms import layer_norm; check(layer_norm)"
    code += "; import sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


# Files


def test_a_file_with_one_function_is_enough(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RIGHT)
    (diagnosis,) = check_file(path)
    assert diagnosis.passed


def test_a_notebook_runs_from_top_to_bottom_without_magics_prints_and_checks(tmp_path, capfd):
    path = notebook(
        tmp_path / "n.ipynb",
        "%matplotlib inline\n!echo shell\nimport sys\nprint('x'); print('y', file=sys.stderr)",
        "%%bash\necho shell",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()",
        RIGHT,
        "check(layer_norm)",
        "with open('here.txt', 'w') as f: f.write('in the folder of the notebook')",
    )
    (diagnosis,) = check_file(path)
    assert diagnosis.passed
    assert capfd.readouterr() == ("", "")
    assert (tmp_path / "here.txt").exists()


def test_what_a_file_does_to_the_environment_ends_with_it(tmp_path):
    before = dict(os.environ)
    check_file(notebook(tmp_path / "n.ipynb", "import os; os.environ['A'] = 'b'", RIGHT))
    assert dict(os.environ) == before


def test_a_cell_that_raises_does_not_stop_the_others(tmp_path):
    path = notebook(tmp_path / "n.ipynb", "1 / 0", "def (", "raise SystemExit", RIGHT)
    assert check_file(path)[0].passed


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("def layer_norm(x, gamma, beta)\n    return x", "SyntaxError: expected ':'"),
        ("from nowhere import layer_norm", "nowhere cannot be imported here (No module"),
    ],
)
def test_an_answer_whose_cell_fails_is_wrong_and_the_error_is_told(cell, text, tmp_path):
    (diagnosis,) = check_file(notebook(tmp_path / "n.ipynb", cell))
    assert diagnosis.attempted
    assert not diagnosis.passed
    assert text in diagnosis.message


def test_the_line_of_an_exception_is_quoted_from_the_cell(tmp_path):
    wrong = "def layer_norm(x, gamma, beta, eps=1e-5):\n    return x + undefined_name"
    (diagnosis,) = check_file(notebook(tmp_path / "n.ipynb", "", wrong))
    assert "line 2 of `layer_norm`: `return x + undefined_name`" in diagnosis.message


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a.ipynb", "{", "no notebook of format 4"),
        ("a.ipynb", '{"worksheets": []}', "answers no exercise"),
        ("a.ipynb", "[]", "no notebook of format 4"),
        ("a.txt", "", "neither a notebook"),
        ("a.py", "x = 1", "answers no exercise: it defines none of layer_norm"),
    ],
)
def test_a_file_that_cannot_be_checked_is_refused_with_the_reason(name, text, error, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=error):
        check_file(path)


def test_a_file_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="does not exist"):
        check_file(tmp_path / "none.py")
    (tmp_path / "b.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableFile, match="is no text"):
        check_file(tmp_path / "b.py")
    (tmp_path / "c.py").mkdir()
    with pytest.raises(UnreadableFile, match="cannot be read"):
        check_file(tmp_path / "c.py")


# In a terminal


@pytest.fixture
def answers(tmp_path):
    for name, source in {"right": RIGHT, "wrong": WRONG, "stub": STUB}.items():
        (tmp_path / f"{name}.py").write_text(source)
    (tmp_path / "endless.py").write_text("while True: pass\n" + RIGHT)
    (tmp_path / "dead.py").write_text("import os; os._exit(0)\n" + RIGHT)
    return lambda *names: [str(tmp_path / f"{name}.py") for name in names]


def test_the_exit_code_is_0_only_if_every_answer_passes(answers, capsys):
    assert cli.main(["check", *answers("right")]) == 0
    assert "4 of 4 points" in capsys.readouterr().out
    assert cli.main(["check", *answers("right", "wrong", "stub")]) == 1
    out = capsys.readouterr().out
    assert "7 of 12 points" in out
    assert "digits are lost far from 0" in out
    assert "○ not attempted" in out


def test_machines_get_one_list_with_an_object_for_each_function(answers, capsys):
    assert cli.main(["check", "--json", *answers("wrong", "right")]) == 1
    wrong, right = json.loads(capsys.readouterr().out)
    assert wrong["mistakes"] == ["cancellation"]
    assert "E[x²] − E[x]²" in wrong["message"]
    assert (right["exercise"], right["function"]) == ("01_layer_norm", "layer_norm")
    assert right["passed"] is True
    assert right["points"] == right["max_points"] == 4


def test_a_file_that_never_ends_or_dies_costs_only_itself(answers, capsys):
    code = cli.main(["check", "--json", "--seconds", "6", *answers("endless", "dead", "right")])
    out, err = capsys.readouterr()
    assert code == 1
    assert [d["passed"] for d in json.loads(out) if "passed" in d] == [True]
    assert "endless.py was not done after 6 seconds" in err
    assert "ended the process" in err


def test_right_answers_in_the_work_folder_are_kept_and_others_are_not(
    answers, tmp_path, monkeypatch, record_folder
):
    cli.main(["check", *answers("right")])
    with open_record() as record:
        assert not record.history().results
    monkeypatch.setattr("normlab.study.check_command.WORK", tmp_path)
    cli.main(["check", *answers("right")])
    with open_record() as record:
        assert record.history().results["01_layer_norm", "layer_norm"].points == 4


def test_progress_prints_the_table_the_next_step_and_where_the_record_is(
    record_folder, tmp_path, capsys
):
    assert cli.main(["progress"]) == 0
    out = capsys.readouterr().out
    assert str(tmp_path / "record") in out
    assert "01 Layer norm" in out
    assert "Next: Read chapter 00" in out


def test_nothing_to_check_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("normlab.study.check_command.WORK", tmp_path / "work")
    assert cli.main(["check"]) == 2
    assert "`normlab start`" in capsys.readouterr().err


def test_an_answer_may_be_a_function_of_the_package():
    assert check(norms.layer_norm).passed
