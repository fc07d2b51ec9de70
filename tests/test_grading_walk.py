"""A teacher's first walk: what is named wrongly, lies in the way, or cannot start."""

import csv
import os
import subprocess
import sys
import zipfile

import pytest
from submissions import RIGHT, WRONG, grade, notebook

from normlab import cli
from normlab.grading import workers
from normlab.grading.collect import collect
from normlab.grading.collecting.roster_file import read_roster
from normlab.grading.listing import in_words
from normlab.grading.policy import parse_policy

NAME = "01_layer_norm.ipynb"


def hand_in(root, **sources):
    for student, source in sources.items():
        (root / student).mkdir(parents=True, exist_ok=True)
        (root / student / NAME).write_bytes(notebook(source))
    return root


@pytest.fixture
def two(tmp_path):
    return hand_in(tmp_path / "class", ada=RIGHT, bob=WRONG)


def students(root):
    return [submission.student for submission in collect(root).submissions]


# Results beside submissions


@pytest.mark.parametrize("inside", ["results", "old results/week 1", "."])
def test_results_below_the_submissions_are_no_submissions(inside, two, capsys):
    out = two / inside
    assert grade(two, out) == 0
    first = {path: path.read_bytes() for path in out.glob("*.csv")}
    (out / "overrides.toml").write_text("", encoding="utf-8")
    capsys.readouterr()
    assert grade(two, out) == 0
    said = capsys.readouterr()
    assert "2 students" in said.out.splitlines()[0]
    assert not said.err
    assert "not graded, because" not in said.out
    assert "2 of 2 are graded already" in said.out
    for path, content in first.items():
        assert path.read_bytes() == content, path.name


def test_results_in_a_zip_file_of_the_class_are_no_submissions(two, tmp_path):
    assert grade(two, two / "results") == 0
    path = tmp_path / "class with ümlauts.zip"
    with zipfile.ZipFile(path, "w") as file:
        for each in sorted(two.rglob("*")):
            file.write(each, each.relative_to(two))
    collection = collect(path)
    assert collection.students == ["ada", "bob"]
    assert not collection.others


def test_a_notebook_in_a_folder_of_results_is_still_seen(two):
    assert grade(two, two / "ada") == 0
    assert students(two) == ["ada", "bob"]


def test_watching_a_folder_that_gets_the_results_is_refused(two, capsys):
    for out in (two, two.parent):
        assert grade(two, out, "--watch") == 2
        assert "Name another folder for the results." in capsys.readouterr().err


# What is named wrongly


def test_a_folder_without_submissions_is_told_once(tmp_path, capsys):
    root = tmp_path / "class"
    root.mkdir()
    for command in ([str(root), "--list"], [str(root), "--out", str(tmp_path / "out")]):
        assert cli.main(["grade", *command]) == 2
        said = capsys.readouterr()
        assert said.out.split() == [f"{root}:", "0", "students"]
        assert said.err.count("\n") == 1
        assert "there is no submission" in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("below", ["", "week1"])
def test_results_that_would_go_into_a_file_are_refused(below, two, tmp_path, capsys):
    (tmp_path / "taken").write_text("", encoding="utf-8")
    assert grade(two, tmp_path / "taken" / below) == 2
    assert "it is a file, or lies in one. Name a folder." in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--policy", "--roster", "--overrides"])
def test_a_file_that_is_not_there_is_named_without_an_errno(option, two, tmp_path, capsys):
    assert grade(two, tmp_path / "out", option, tmp_path / "nope") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"normlab grade: {tmp_path / 'nope'}: No such file")
    assert in_words(ValueError("x = 3")) == "x = 3"


@pytest.mark.parametrize("line", ["due.01_layer_norm = 2026-12-01", "seconds = true"])
def test_a_wrong_value_is_told_as_it_was_written(line, two, tmp_path, capsys):
    (tmp_path / "policy.toml").write_text(line, encoding="utf-8")
    assert grade(two, tmp_path / "out", "--policy", tmp_path / "policy.toml") == 2
    assert f"is {line.rpartition(' ')[2]}; expected" in capsys.readouterr().err


def test_limits_are_told_in_plain_digits():
    with pytest.raises(ValueError, match="expected a number from 0 to 1000000"):
        parse_policy("points.layer_norm = -1")


def test_the_heading_of_a_single_question_is_not_cut_in_the_overview(two, tmp_path):
    assert grade(two, tmp_path / "out") == 0
    page = (tmp_path / "out" / "overview.html").read_text(encoding="utf-8")
    assert 'colspan="1" title="01_layer_norm">01</th>' in page


@pytest.mark.parametrize("column", ["due 01_layer_nrom", "Due_01_layer_norm", "due: 01_layer_norm"])
def test_a_due_column_that_names_no_exercise_is_not_passed_over(column, tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(f"login,{column}\r\nada,2026-12-08T23:59:59+01:00\r\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"has the column .* such as 'due 01_layer_norm'"):
        read_roster(path)


@pytest.mark.parametrize("column", ["Due process (4711)", "duel", "01_layer_norm (12)"])
def test_other_columns_of_a_learning_system_are_passed_over(column, tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(f"Student,ID,{column}\nAda,12,3\n", encoding="utf-8")
    assert [row.person.id for row in read_roster(path).people] == ["12"]


def test_what_concerns_many_students_is_said_once_in_80_columns(two, tmp_path, capsys):
    rows = "".join(f"Student Number {n}\r\n" for n in range(200))
    (tmp_path / "roster.csv").write_text(f"name\r\n{rows}", encoding="utf-8")
    assert grade(two, tmp_path / "out", "--roster", tmp_path / "roster.csv") == 1
    said = capsys.readouterr().err
    assert said.startswith("202 things to look after:\n\nada, bob:\n    is not on roster.csv\n")
    assert said.count("has handed in nothing") == 1
    assert "Student Number 199:" in said
    assert max(map(len, said.splitlines())) <= 80
    with (tmp_path / "out" / "files.csv").open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 2 + 202


def test_the_list_does_not_repeat_where_everything_lies(two, capsys):
    (two / "ada" / ("long " * 20 + ".pdf")).write_bytes(b"")
    assert cli.main(["grade", str(two), "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[1:])) <= 80
    assert f"ada        01_layer_norm  ada/{NAME}" in lines


def test_a_folder_that_is_called_by_a_dot_has_its_name_in_files_csv(two, monkeypatch, tmp_path):
    monkeypatch.chdir(two)
    assert grade(".", tmp_path / "out") == 0
    assert f"\nclass/ada/{NAME},ada," in (tmp_path / "out" / "files.csv").read_text(
        encoding="utf-8"
    )
    assert collect(two / "ada" / "..").submissions[0].file.origin == f"class/ada/{NAME}"


# What cannot start, and who stops listening


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no zygote")
def test_a_process_that_cannot_start_is_told_without_a_traceback(two, tmp_path, monkeypatch, capfd):
    workers.workshop(frozenset()).close()
    monkeypatch.setattr(workers.sys, "executable", "/bin/false")
    assert grade(two, tmp_path / "out") == 2
    said = capfd.readouterr().err
    assert "the process that grades did not start" in said
    assert "Traceback" not in said


def test_a_pipe_that_closes_ends_the_list_in_silence(two):
    program = [sys.executable, "-m", "normlab", "grade", str(two), "--list"]
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(program, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, "")
