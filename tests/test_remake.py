"""The stored results: each says what made it, and one command makes it again."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from normlab import cli
from normlab.study import remake as remake_module
from normlab.study.remake import stored_results

ROOT = Path(__file__).parent.parent
STORED = stored_results()
MADE = {"command", "seed", "normlab", "python"}


def rows(path):
    if path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        return [content.get("made", content)]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_data_file_of_the_package_is_made_by_a_command_or_written_by_hand():
    # Each row names its source; the last are the settings of JupyterLab.
    by_hand = {"zoo.csv", "releases.csv", "page_config.json"}
    found = {p.name for suffix in ("csv", "json") for p in ROOT.glob(f"normlab/**/*.{suffix}")}
    assert found == {stored.path.name for stored in STORED.values()} | by_hand
    assert len(STORED) == 23


@pytest.mark.parametrize("name", STORED)
def test_a_stored_result_says_what_made_it(name):
    for row in rows(STORED[name].path):
        assert row.keys() >= MADE
        assert row["command"].removesuffix(" --device cuda") == f"normlab remake {name}"


@pytest.mark.parametrize("name", STORED)
def test_the_smallest_case_of_each_command_runs_and_says_what_made_it(name, tmp_path, capsys):
    out = tmp_path / STORED[name].path.name
    before = STORED[name].path.read_bytes()
    assert cli.main(["remake", name, "--smallest", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{name} is in {out}\n"
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    (first, *_), (stored, *_) = rows(out), rows(STORED[name].path)
    assert first.keys() == stored.keys() | {"started"}
    assert first["command"] == stored["command"]
    assert STORED[name].path.read_bytes() == before


def test_the_list_names_every_stored_result_and_its_file(capsys):
    assert cli.main(["remake", "--list"]) == 0
    printed = capsys.readouterr().out
    for name, stored in STORED.items():
        assert name in printed
        assert str(stored.path.relative_to(ROOT)) in printed


def test_a_wrong_name_is_refused_with_the_nearest(capsys):
    assert cli.main(["remake", "grpah"]) == 2
    assert "'grpah'; did you mean 'graph'?" in capsys.readouterr().err


def test_the_smallest_case_does_not_replace_what_is_stored(capsys):
    assert cli.main(["remake", "graph", "--smallest"]) == 2
    assert "add --out FILE" in capsys.readouterr().err


def test_what_cannot_be_made_is_said_and_nothing_is_written(tmp_path, capsys):
    out = tmp_path / "missing" / "graph.csv"
    assert cli.main(["remake", "graph", "--smallest", "--out", str(out)]) == 1
    assert "graph could not be made" in capsys.readouterr().err
    assert not out.parent.exists()


def test_where_nothing_can_be_written_is_said_before_anything_is_made(
    tmp_path, capsys, monkeypatch
):
    made = []
    one = replace(STORED["graph"], smallest=made.append)
    monkeypatch.setattr(remake_module, "stored_results", lambda: {"graph": one})
    for out in (tmp_path / "missing" / "graph.csv", tmp_path):
        assert cli.main(["remake", "graph", "--smallest", "--out", str(out)]) == 1
        assert f"--out is {out}; expected a file" in capsys.readouterr().err
    assert not made


def test_a_device_is_asked_for_only_where_something_is_timed(tmp_path, capsys):
    out = ["--smallest", "--out", str(tmp_path / "out.csv")]
    assert cli.main(["remake", "graph", "--device", "cuda", *out]) == 2
    assert "graph is not made on a device that can be chosen" in capsys.readouterr().err
    assert cli.main(["remake", "norm_race", "--device", "cpu", *out]) == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_race_on_a_gpu_that_is_not_there_is_refused(tmp_path, capsys):
    out = ["--smallest", "--out", str(tmp_path / "out.csv")]
    assert cli.main(["remake", "norm_race", "--device", "cuda", *out]) == 1
    assert "no CUDA device here" in capsys.readouterr().err
