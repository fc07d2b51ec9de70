"""Files as learners write them: whatever one does, `normlab check` says so, and checks the rest."""

import json
import os
import subprocess
import sys
import textwrap
import time

import nbformat
import pytest
from nbformat import v4
from test_study import RIGHT, STUB, notebook

from normlab import cli
from normlab.checks.cells import UnreadableFile
from normlab.study.files import check_file

BODY = "\n".join(RIGHT.strip().splitlines()[3:])
"""The lines of the right answer's function."""


def answer(line):
    return f"import numpy as np\ndef layer_norm(x, gamma, beta, eps=1e-5):\n    {line}\n{BODY}\n"


@pytest.fixture
def check(tmp_path, monkeypatch, capfd):
    """`normlab check --json` on files of these sources: {file: its objects}, and the status."""
    monkeypatch.chdir(tmp_path)

    def run(*options, **sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)
        files = [f"{name}.py" for name in sources]
        status = cli.main(["check", "--json", *options, *files])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        objects = json.loads(out)
        assert {o["file"] for o in objects} == set(files)
        return {name: [o for o in objects if o["file"] == f"{name}.py"] for name in sources}, status

    return run


def test_what_native_code_and_other_programs_write_is_not_shown(check):
    loud = {
        "polyfit": "import numpy as np\ndef loglog_slope(depths, values):\n"
        "    return np.polyfit(np.log(depths), np.log(values), 1)[0]\n",
        "written": answer("import os; os.write(1, b'loud'); os.write(2, b'loud')"),
        "shell": answer("import os; os.system('echo loud; echo loud >&2')"),
        "child": answer("import subprocess; subprocess.run(['echo', 'loud'])"),
        "at_the_top": "import os; os.system('echo loud')\n" + RIGHT,
        "c": answer("import ctypes; ctypes.CDLL(None).puts(b'loud')"),
    }
    found, _ = check(**loud)
    assert found.pop("polyfit")[0]["attempted"]
    assert all(one["passed"] for (one,) in found.values())


def test_an_answer_that_raises_what_ends_programs_costs_that_answer(check):
    raised = {
        "interrupt": "raise KeyboardInterrupt",
        "generator": "raise GeneratorExit",
        "exit": "raise SystemExit",
        "cancelled": "import asyncio; raise asyncio.CancelledError",
        "own": "raise type('E', (BaseException,), {})('mine')",
    }
    sources = {name: line + "\n" + RIGHT for name, line in raised.items()}
    found, status = check(**{name: RIGHT + source for name, source in sources.items()})
    assert all(one["passed"] for (one,) in found.values())  # it was defined before
    assert status == 0
    found, status = check(**sources, right=RIGHT)
    assert found.pop("right")[0]["passed"]
    for name, (one,) in found.items():
        kind = raised[name].removeprefix("import asyncio; raise asyncio.").split()[-1]
        assert one["mistakes"] == ["raises"]
        assert "it is not defined" in one["message"]
        assert ("E: mine" if name == "own" else kind) in one["message"]
    assert status == 1


DEADLY = {
    "left": ("import os; os._exit(0)", "exit code 0"),
    "killed": ("import os; os.kill(os.getpid(), 9)", "SIGKILL: memory?"),
    "crashed": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "endless": ("while True: pass", "was not done after 20 seconds"),
    "closed": ("import os; os.closerange(3, 100)", "ended the process"),
    "threads": ("import threading; threading.Thread(target=input).start()", None),
}


def test_a_file_that_ends_its_process_or_never_ends_costs_itself_alone(check):
    sources = {name: line + "\n" + RIGHT for name, (line, _) in DEADLY.items()}
    inside = answer("import os; os._exit(3)")
    found, status = check("--seconds", "20", **sources, inside=inside, right=RIGHT)
    assert found["right"][0]["passed"]
    assert found["threads"][0]["passed"]
    assert "exit code 3" in found["inside"][0]["problem"]
    for name, (_, said) in DEADLY.items():
        if said:
            assert said in found[name][0]["problem"]
    assert "s of processor time among them" in found["endless"][0]["problem"]
    assert "normlab check --seconds 100" in found["endless"][0]["problem"]
    assert status == 1


def test_what_was_found_before_the_end_is_kept(check):
    two = RIGHT + "def layer_norm_backward(*arguments):\n    import os; os._exit(0)\n"
    found, _ = check(two=two)
    right, ended = found["two"]
    assert right["passed"]
    assert "ended the process" in ended["problem"]


def test_a_file_may_take_so_much_memory_and_no_more(check):
    big = answer("y = np.ones(2**27)")  # a gigabyte
    found, _ = check(little=big)
    assert found["little"][0]["passed"]
    found, _ = check("--memory-mb", "500", much=big, right=RIGHT)
    assert found["right"][0]["passed"]
    assert found["much"][0]["mistakes"] == ["raises"]
    assert "MemoryError" in found["much"][0]["message"]


def test_what_a_file_starts_ends_with_it(check, tmp_path):
    lives = "import time\nwhile True:\n    open('lives', 'w').close(); time.sleep(0.05)\n"
    started = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {lives!r}])\n"
    waits = "import os, time\nwhile not os.path.exists('lives'): time.sleep(0.05)\n"
    found, _ = check(starts=started + waits + RIGHT, ends=started + waits + "os._exit(0)\n" + RIGHT)
    assert found["starts"][0]["passed"]
    assert "exit code 0" in found["ends"][0]["problem"]
    (tmp_path / "lives").unlink()
    time.sleep(0.5)
    assert not (tmp_path / "lives").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_ends_the_command_without_a_word(tmp_path):
    (tmp_path / "endless.py").write_text("open('runs', 'w').close()\nwhile True: pass\n" + RIGHT)
    command = [sys.executable, "-m", "normlab", "check", "endless.py"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not (tmp_path / "runs").exists():
            time.sleep(0.05)
        process.send_signal(2)
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 130


def test_with_several_files_the_table_names_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "right.py").write_text(RIGHT)
    assert cli.main(["check", "right.py"]) == 0
    assert "file" not in capsys.readouterr().out
    assert cli.main(["check", "right.py", "none.py"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("file      exercise ")
    assert "right.py  01_layer_norm" in out
    assert "none.py                              ✗ not checked" in out
    assert err == "none.py does not exist.\n"
    for name in ("left.py", "wrong.py"):
        (tmp_path / name).write_text(RIGHT.replace("eps)", "9 + eps)"))
    cli.main(["check", "left.py", "right.py", "wrong.py"])
    out = capsys.readouterr().out
    assert out.index("left.py:\n\nlayer_norm  ✗") < out.index("wrong.py:\n\nlayer_norm  ✗")
    assert "right.py:" not in out


# Names


MINE = RIGHT.replace("def layer_norm", "def mine")
OTHERWISE = {
    "lambda": MINE + "layer_norm = lambda x, g, b, e=1e-5: mine(x, g, b, e)",
    "alias": MINE + "layer_norm = mine",
    "branch": "if True:\n" + textwrap.indent(RIGHT, "    "),
    "try": "try:\n" + textwrap.indent(RIGHT, "    ") + "\nfinally:\n    pass",
    "object": MINE + "class Norm:\n    def __call__(self, *given):\n        return mine(*given)\n"
    "layer_norm = Norm()",
    "computed": MINE + "globals()['layer_norm'] = mine",
}


@pytest.mark.parametrize("source", OTHERWISE.values(), ids=OTHERWISE)
@pytest.mark.parametrize("name", ["a.py", "a.ipynb"])
def test_an_answer_is_found_whatever_gave_it_its_name(source, name, tmp_path):
    path = tmp_path / name
    path.write_text(source) if name == "a.py" else notebook(path, source)
    (diagnosis,) = check_file(path)
    assert diagnosis.passed


@pytest.mark.parametrize("mark", ["    ", ">>> "])
def test_a_cell_that_is_indented_throughout_or_pasted_from_a_shell_counts(mark, tmp_path):
    lines = RIGHT.strip().splitlines()
    going_on = "... " if mark == ">>> " else mark
    inside = [bool(line[:1].isspace()) for line in lines]
    cell = [(going_on if i else mark) + line for i, line in zip(inside, lines, strict=True)]
    path = tmp_path / "n.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_code_cell("\n".join(cell))]), path)
    (diagnosis,) = check_file(path)
    assert diagnosis.passed


def test_an_answer_may_be_imported_from_a_file_beside(tmp_path):
    for folder, body in (("one", "return x"), ("two", "return 1 / 0")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "helper.py").write_text(
            f"def layer_norm(x, gamma, beta, eps=1):\n    {body}"
        )
        (tmp_path / folder / "a.py").write_text("from helper import layer_norm")
    path = list(sys.path)
    (first,) = check_file(tmp_path / "one" / "a.py")
    (second,) = check_file(tmp_path / "two" / "a.py")
    assert first.mistakes != second.mistakes == ["raises"]
    assert sys.path == path
    assert "helper" not in sys.modules


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("from normlab.norms import layer_norm", "layer_norm in it is normlab's own"),
        ("from normlab.norms import *", "is normlab's own"),
        ("import normlab.norms\nlayer_norm = normlab.norms.layer_norm", "is normlab's own"),
        ("layer_norm = 3", "it defines none of layer_norm"),
        ("import numpy as np\nlayer_norm = np.ones(3)", "it defines none of layer_norm"),
    ],
)
def test_what_is_no_answer_of_the_learner_is_none(source, reason, tmp_path):
    path = tmp_path / "a.py"
    path.write_text(source)
    with pytest.raises(UnreadableFile, match=reason):
        check_file(path)


@pytest.mark.parametrize(
    "source",
    [
        "layer_norm = 1 / 0 or print",
        "if 1 / 0:\n    def layer_norm(x): ...",
        "try:\n    1 / 0\n    layer_norm = print\nfinally:\n    pass",
        "from nowhere import layer_norm",
        "from nowhere import f as layer_norm",
        "layer_norm: object = (lambda: 1 / 0)()",
        "layer_norm = (x for x in 1 / 0",
        "    def layer_norm(x)\n        return x",
        "match 1 / 0:\n    case 3:\n        class layer_norm: ...",
    ],
)
def test_a_name_that_a_failed_cell_would_have_defined_is_not_defined(source, tmp_path):
    (diagnosis,) = check_file(notebook(tmp_path / "n.ipynb", source))
    assert diagnosis.mistakes == ["raises"]
    assert "it is not defined" in diagnosis.message


# Texts


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + RIGHT.encode(),
        b"# -*- coding: latin-1 -*-\nname = '\xe4'\nassert name == '\\xe4'\n" + RIGHT.encode(),
        RIGHT.replace("\n", "\r\n").encode(),
        b"from pathlib import Path\nassert Path(__file__).is_file()\n" + RIGHT.encode(),
    ],
    ids=["BOM", "latin-1", "CRLF", "__file__"],
)
def test_what_python_runs_is_checked(data, tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(data)
    (diagnosis,) = check_file(path)
    assert diagnosis.passed


def test_cells_may_await_and_their_tasks_go_on_in_later_cells(tmp_path):
    path = notebook(
        tmp_path / "n.ipynb",
        "import asyncio\nawait asyncio.sleep(0)\ntask = asyncio.create_task(asyncio.sleep(0, 5))",
        "assert await task == 5\nassert await asyncio.to_thread(abs, -1) == 1\n" + RIGHT,
    )
    (diagnosis,) = check_file(path)
    assert diagnosis.passed


@pytest.mark.parametrize("version", [2, 3])
def test_a_notebook_of_an_old_format_is_read(version, tmp_path):
    path = tmp_path / "old.ipynb"
    cell = {"cell_type": "code", "input": RIGHT, "language": "python", "outputs": []}
    old = {"nbformat": version, "metadata": {}, "worksheets": [{"cells": [cell]}]}
    path.write_text(json.dumps(old))
    (diagnosis,) = check_file(path)
    assert diagnosis.passed


def test_of_a_raise_left_above_the_answer_the_line_is_said(check, capfd):
    found, _ = check(left=answer("raise NotImplementedError"), stub=STUB)
    note = found["left"][0]["note"]
    assert "line 3: `raise NotImplementedError` in left.py keeps the code below" in note
    assert "note" not in found["stub"][0]
    cli.main(["check", "left.py"])
    assert note in capfd.readouterr().out


def test_an_answer_in_a_cell_that_does_not_run_is_named(tmp_path):
    path = tmp_path / "n.ipynb"
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell(RIGHT)]), path)
    with pytest.raises(UnreadableFile, match="cell 1 of the notebook, which is markdown"):
        check_file(path)
    other = v4.new_code_cell("def rms_norm(): raise NotImplementedError")
    lost = v4.new_raw_cell("class RMSNorm:\n    pass")
    nbformat.write(v4.new_notebook(cells=[other, lost]), path)
    done = subprocess.run(
        [sys.executable, "-m", "normlab", "check", path],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert "RMSNorm: it is in cell 2 of the notebook, which is raw" in done.stdout
