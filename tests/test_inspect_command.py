"""`normlab inspect`: what it prints, its exit codes, and what it says of code that goes wrong."""

import json
import re
import sys
import textwrap

import pytest
import torch
from torch import nn

from normlab import cli, inspect
from normlab.inspection import command
from normlab.inspection.chapter_pages import PAGES, chapter_page
from normlab.inspection.guessed_inputs import guesses, inspect_alone
from normlab.inspection.reading_apart import Read
from normlab.inspection.report import Report, Warning
from normlab.inspection.targets import CannotRead, build, parse_target

MODEL = """
import torch
from torch import nn

print("this must not be seen")


def layer():
    torch.manual_seed(0)
    return nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)


def with_inputs():
    return layer(), torch.randn(3, 7, 16)
"""


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch):
    """What a target's import leaves behind goes again."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = {*sys.modules}
    yield
    for name in {*sys.modules} - before:
        if not name.startswith(("torch", "normlab", "numpy", "matplotlib")):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


def run(*arguments):
    return cli.main(["inspect", *map(str, arguments)])


# What it reads


def test_json_is_the_report_and_nothing_else_and_the_page_is_written(write, tmp_path, capfd):
    path, page = write(MODEL), tmp_path / "report.html"
    assert run(f"{path}:with_inputs", "--json", "--html", page) == 0
    printed = capfd.readouterr()
    built = build(parse_target(f"{path}:with_inputs"))
    assert printed.out == inspect(built.model, built.inputs).as_json() + "\n"
    assert printed.err == ""
    assert "<svg" in page.read_text()


def test_the_text_says_what_there_is_and_what_was_taken(write, capfd):
    assert run(f"{write(MODEL)}:layer") == 0
    out = capfd.readouterr().out
    assert out.startswith("TransformerEncoderLayer: 2,224 parameters, 2 norms, 1 residual layer\n")
    assert "y = x + f1 + f2" in out
    assert "Called with a stream (3, 7, 16)." in out
    assert "must not be seen" not in out


def test_a_type_of_transformers_is_built_and_read(capfd):
    assert run("--transformers", "olmo2", "--json") == 0
    printed = capfd.readouterr()
    layers = json.loads(printed.out)["layers"]
    assert {layer["placement"] for layer in layers} == {"reordered-norm"}
    assert "input_ids (3, 7)" in printed.err


def test_a_module_that_stands_in_a_package_is_found_from_where_one_is(write, tmp_path, monkeypatch):
    package = tmp_path / "mypackage"
    package.mkdir()
    write(MODEL, "mypackage/models.py")
    monkeypatch.chdir(tmp_path)
    assert isinstance(build(parse_target("mypackage.models:layer")).model, nn.Module)


def test_a_model_and_a_class_may_stand_in_place_of_a_function(write):
    path = write("from torch import nn\nmodel = nn.Linear(2, 2)\nclass Own(nn.Module): pass")
    assert isinstance(build(parse_target(f"{path}:model")).model, nn.Linear)
    assert type(build(parse_target(f"{path}:Own")).model).__name__ == "Own"


# Exit codes


def report(*severities):
    found = [Warning("a-code", severity, "why", "where", "03") for severity in severities]
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    whole = inspect(model, torch.randn(3, 7, 8))
    return Report(whole.model, 1, whole.norms, whole.layers, tuple(found))


@pytest.mark.parametrize(
    ("read", "code"),
    [
        (report(), 0),
        (report("note", "warning"), 0),
        (report("error", "note"), 1),
        (Report("Linear", 6, (), (), ()), 2),
    ],
)
def test_the_exit_code_says_whether_a_mistake_stands(read, code, monkeypatch, capsys):
    monkeypatch.setattr(command, "read_apart", lambda asked, limits: Read(read, ""))
    assert run("mine.py:build") == code
    assert ("no norm and no residual layer" in capsys.readouterr().err) == (code == 2)


def test_the_text_has_each_warning_with_its_chapter():
    text = str(report("error"))
    assert "✗ error: a-code, in where\n  why\n  Chapter 03: https://" in text
    assert "No mistake" not in text


def test_a_page_that_cannot_be_written_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(command, "read_apart", lambda asked, limits: Read(report(), ""))
    assert run("mine.py:build", "--html", tmp_path / "none" / "page.html") == 2
    assert "page.html cannot be written" in capsys.readouterr().err


def test_chapters_are_those_of_the_course():
    from normlab.chapters.course import FOLDER

    notebooks = sorted((FOLDER.parent.parent / "notebooks").glob("[0-9]*.ipynb"))
    assert [path.stem for path in notebooks] == [*PAGES]
    assert chapter_page("99") == ""


def test_ctrl_c_ends_it_without_a_word(monkeypatch, capsys):
    def interrupted(asked, limits):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "read_apart", interrupted)
    assert run("mine.py:build") == 130
    assert capsys.readouterr() == ("", "")


# Code that goes wrong, each in its own process

WRONG = {
    "raises": ('raise ValueError("a bad size")', (), "ValueError: a bad size", "mine.py:2: raise"),
    "has inputs that do not fit": (
        "import torch; return torch.nn.Linear(4, 2), torch.zeros(3, 5)",
        (),
        "Linear could not be run with these inputs, on the CPU",
    ),
    "exits": ("import os; os._exit(3)", (), "ended the process that ran it (exit code 3)"),
    "crashes": ("import ctypes; ctypes.string_at(0)", (), "signal SIGSEGV"),
    "never ends": ("while True: pass", ("--seconds", 6), "after 6 seconds", "--seconds 30"),
    "is too large": (
        "import torch; return torch.nn.Linear(30000, 30000)",
        ("--memory-mb", 600),
        "needs more than 600 MB",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_strangers_code_does_is_one_message_and_exit_code_2(name, write, capfd):
    body, options, *expected = WRONG[name]
    path = write(f"def build():\n    {body}")
    assert run(f"{path}:build", *options) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    for words in expected:
        assert words in printed.err


# What is no target


def refusal(text):
    with pytest.raises(CannotRead) as raised:
        build(parse_target(str(text)))
    return str(raised.value)


def test_a_target_without_a_function_is_told_which_there_are(write):
    path = write("def one(): pass\ndef other(): pass")
    assert "names no function; expected file.py:function" in refusal(path)
    assert "It has one, other." in refusal(path)
    assert "has no 'third'. It has one, other." in refusal(f"{path}:third")


def test_a_missing_file_or_package_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f"there is no file none.py here, in {tmp_path}" in refusal("none.py:build")
    assert "there is no module 'nowhere'" in refusal("nowhere.models:build")
    assert "there is no module 'json.nowhere' in json" in refusal("json.nowhere:build")


def test_what_a_package_lacks_is_told_from_a_package_that_is_not_there(
    write, tmp_path, monkeypatch
):
    (tmp_path / "lacking").mkdir()
    init = write("import not_there_at_all", "lacking/__init__.py")
    write("from . import other", "lacking/models.py")
    monkeypatch.chdir(tmp_path)
    said = refusal("lacking.models:build")
    assert "importing lacking.models raised ModuleNotFoundError: No module named 'not_the" in said
    assert f"{init}:1: import not_there_at_all" in said
    assert "The file is a part of a package" in refusal("lacking/models.py:build")


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("None", "returned nothing (None): is a return missing?"),
        ("{}", "returned a dict; expected a torch.nn.Module, or"),
        ("(1, 2)", "returned a tuple of int, int"),
    ],
)
def test_a_function_that_returns_something_else_is_told_what_to_return(write, returned, said):
    assert said in refusal(f"{write(f'def build(): return {returned}')}:build")


def test_a_function_that_needs_arguments_is_refused_before_it_runs(write):
    path = write("def build(width, depth=2): raise AssertionError")
    assert "build in" in refusal(f"{path}:build")
    assert "needs width; expected a function that is called without arguments" in refusal(
        f"{path}:build"
    )


def test_an_error_names_the_line_of_the_file_that_was_given(write):
    path = write("import torch\n\n\ndef build():\n    return torch.zeros(2) @ torch.zeros(3)")
    assert f"{path}:5: return torch.zeros(2) @ torch.zeros(3)" in refusal(f"{path}:build")
    broken = write("def build(:", "broken.py")
    assert f"{broken}:1: def build(:" in refusal(f"{broken}:build")
    importing = write("import no_such_package_at_all", "importing.py")
    assert "ModuleNotFoundError: No module named 'no_such_package_at_all'" in refusal(
        f"{importing}:build"
    )


# Inputs that are guessed


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.norm = nn.Embedding(11, 8), nn.LayerNorm(8)

    def forward(self, ids):
        return self.norm(self.tokens(ids))


def test_ids_are_guessed_below_the_vocabulary_of_the_first_embedding():
    read, guess = inspect_alone(Language())
    assert (guess.said, read.norms[0].kind) == ("ids (3, 7) below 11", "LayerNorm")


def test_a_layer_of_a_decoder_gets_two_streams():
    layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    read, guess = inspect_alone(layer)
    assert guess.said == "a stream (3, 7, 8), 2 times"
    assert len(read.norms) == 3


def test_images_are_guessed_for_convolutions():
    model = nn.Sequential(nn.Conv2d(5, 8, 3), nn.BatchNorm2d(8))
    assert next(guesses(model)).inputs[0].shape == (3, 5, 32, 32)


class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        raise ValueError("only on Mondays")


def test_where_no_guess_runs_the_mend_is_named():
    with pytest.raises(CannotRead, match="return model, inputs") as raised:
        inspect_alone(Odd())
    assert "a stream (3, 7, 4): ValueError: only on Mondays\n" in str(raised.value)
    assert 'raise ValueError("only on Mondays")' in str(raised.value)
    with pytest.raises(CannotRead, match="could not be guessed"):
        inspect_alone(nn.ReLU())


# Depth


STACK = """
import torch
from torch import nn


def build():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
    stack = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False, norm=nn.LayerNorm(16))
    return stack, torch.randn(3, 7, 16)


def loss(output):
    return (output[..., 0] - 1).square().mean()


def not_a_number(output):
    return output.sum() * float("nan")


def broken(output):
    return output.no_such_thing
"""


def test_depth_is_measured_with_a_loss_of_one_s_own(write, tmp_path, capfd):
    path, page = write(STACK), tmp_path / "report.html"
    code = run(f"{path}:build", "--loss", f"{path}:loss", "--steps", 2, "--json", "--html", page)
    assert code == 0
    depth = json.loads(capfd.readouterr().out)["depth"]
    assert depth["placement"] == "pre-norm"
    assert [moment["step"] for moment in depth["moments"]] == [0, 2]
    assert depth["moments"][1]["loss"] < depth["moments"][0]["loss"]
    assert "<h2>Depth</h2>" in page.read_text()


def test_depth_without_a_loss_of_one_s_own_takes_the_mean_square(write, capfd):
    assert run(f"{write(STACK)}:build", "--loss", "mean-square") == 0
    printed = capfd.readouterr()
    assert "at the start, loss 1\n" in printed.out  # behind a final norm
    assert "Theory of pre-norm" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("nowhere.py:loss", "there is no file nowhere.py"),
        ("{path}:not_a_number", "depth was not measured: .*expected a finite number"),
        ("{path}:broken", "broken raised AttributeError: .*no_such_thing"),
    ],
)
def test_a_loss_that_is_none_is_refused(write, capfd, loss, message):
    path = write(STACK)
    assert run(f"{path}:build", "--loss", loss.format(path=path)) == 2
    assert re.search(message, capfd.readouterr().err)


def test_steps_without_a_loss_are_refused(write, capfd):
    assert run(f"{write(STACK)}:build", "--steps", 5) == 2
    assert "give --loss too" in capfd.readouterr().err
