"""Progress as one file: out of the record and into another one, with nothing lost or made up."""

import json
import os
import shutil
from datetime import datetime

import pytest
import submissions

from normlab import cli
from normlab.record import MARKS, Record, open_record
from normlab.record.history import VALUES, Entry
from normlab.study import copies
from normlab.study.exchange.command import export_command, import_command
from normlab.study.exchange.desk import desk_answers
from normlab.study.exchange.form import Progress, WrittenAnswer, as_text, read_text
from normlab.study.exchange.parts import COLUMNS
from normlab.study.files import check_file
from normlab.study.start import fill

TIME, LATER = "2026-11-24T10:00:00+00:00", "2026-11-25T10:00:00.5Z"
ENTRIES = [
    Entry("answered", "a1", TIME, ("one-hot", "b", 1.0, 0)),
    Entry("answered", "a2", LATER, ("one-hot", "c", 0.0, 1)),
    Entry("solved", "s1", TIME, ("01_layer_norm", "layer_norm", 2.0, 4.0)),
    Entry("marked", "m1", TIME, (25, "don't know")),
    Entry("bet", "b1", TIME, (25, "imprecise", 75)),
    Entry("tried", "t1", TIME, ("post_norm_recipe", "r1", "{}", 61.5, '{"ends": "ü"}')),
]
RIGHT, WRONG = submissions.RIGHT.strip(), submissions.WRONG.strip()


def answer(source, time=TIME):
    return WrittenAnswer("01_layer_norm", "layer_norm", time, source)


def written(path, entries=(), answers=()):
    path.write_text(as_text(Progress(list(entries), list(answers))), encoding="utf-8")
    return path


def parts():
    """What a file holds, to be damaged."""
    return json.loads(as_text(Progress(ENTRIES, [answer(RIGHT)])))


class Desk:
    """A record and a folder of work of their own."""

    def __init__(self, folder, monkeypatch):
        folder.mkdir()
        self.data, self.work = folder / "data", folder / "work"
        self.monkeypatch = monkeypatch

    def run(self, command, path):
        self.monkeypatch.setenv("NORMLAB_DATA", str(self.data))
        return command(path, self.work)

    def entries(self):
        found, notice = Record(self.data).entries()
        assert not notice
        return sorted(found, key=lambda entry: entry.id)

    def notebook(self, name="01_layer_norm"):
        return self.work / "exercises" / f"{name}.ipynb"

    def write_answer(self, source, day=TIME):
        """As a learner does, in the exercise itself."""
        if not self.notebook().exists():
            fill(self.work, update=False)
        notebook = copies.read(self.notebook())
        (cell,) = filter(copies.is_answer, notebook["cells"])
        cell["source"] = source
        copies.write(notebook, self.notebook())
        seconds = datetime.fromisoformat(day).timestamp()
        os.utime(self.notebook(), (seconds, seconds))


@pytest.fixture
def desks(tmp_path, monkeypatch):
    return [Desk(tmp_path / name, monkeypatch) for name in ("first", "second")]


def test_the_form_names_every_value_of_the_record():
    assert COLUMNS.keys() == VALUES.keys()
    for kind, columns in COLUMNS.items():
        assert len(columns) == len(VALUES[kind])


def test_what_is_written_is_read_back():
    progress = Progress(ENTRIES, [answer(RIGHT), answer(WRONG, LATER)])
    assert read_text(as_text(progress)) == progress


def test_a_file_of_the_version_before_has_no_bets_and_is_read():
    whole = parts()
    whole["version"] = 1
    whole["entries"] = [entry for entry in whole["entries"] if entry["kind"] != "bet"]
    progress = read_text(json.dumps(whole))
    assert progress.entries == [entry for entry in ENTRIES if entry.kind != "bet"]
    assert parts()["version"] == 2


def test_a_record_goes_to_another_desk_and_back(desks, tmp_path, capsys):
    first, second = desks
    Record(first.data).add(ENTRIES)
    first.write_answer(RIGHT)
    there, back = tmp_path / "there.json", tmp_path / "back.json"
    assert first.run(export_command, there) == 0
    assert second.run(import_command, there) == 0
    assert second.entries() == first.entries() == sorted(ENTRIES, key=lambda entry: entry.id)
    assert "6 new entries" in capsys.readouterr().out

    Record(second.data).marked(3, "holds")
    assert second.run(export_command, back) == 0
    assert first.run(import_command, back) == 0
    assert "1 new entry." in capsys.readouterr().out
    assert first.entries() == second.entries()
    assert desk_answers(first.work) == desk_answers(second.work) == ([answer(RIGHT)], [])


def test_a_file_taken_in_twice_changes_nothing(desks, tmp_path):
    desk, _ = desks
    path = written(tmp_path / "file.json", ENTRIES, [answer(RIGHT)])
    for _ in range(2):
        assert desk.run(import_command, path) == 0
        found = {p.name: p.read_bytes() for p in desk.work.rglob("*") if p.is_file()}
    assert list(found) == ["01_layer_norm-from-the-site.ipynb"]
    assert len(desk.entries()) == len(ENTRIES)


def test_an_answer_from_the_file_is_beside_the_learners_own_and_is_right(desks, tmp_path, capsys):
    desk, _ = desks
    desk.write_answer(WRONG)
    before = desk.notebook().read_bytes()
    path = written(
        tmp_path / "file.json", answers=[answer("def old(): pass"), answer(RIGHT, LATER)]
    )
    assert desk.run(import_command, path) == 0
    assert desk.notebook().read_bytes() == before
    beside = desk.notebook("01_layer_norm-from-the-site")
    said = capsys.readouterr().out
    assert str(beside) in said
    assert "1 older than the newest for their function stay in the file alone." in said
    (diagnosis,) = check_file(beside)
    assert diagnosis.passed
    assert "](../03_numerics.ipynb)" in beside.read_text()  # as from exercises/


def test_another_answer_never_replaces_an_earlier_file(desks, tmp_path):
    desk, _ = desks
    for number, source in enumerate((WRONG, RIGHT, WRONG)):
        path = written(tmp_path / f"{number}.json", answers=[answer(source)])
        assert desk.run(import_command, path) == 0
    names = sorted(p.name for p in desk.work.rglob("*.ipynb"))
    stem = "01_layer_norm-from-the-site"
    assert names == [f"{stem}-2.ipynb", f"{stem}.ipynb"]
    assert {found.source for found in desk_answers(desk.work)[0]} == {WRONG, RIGHT}


def test_an_answer_keeps_its_time_until_it_is_changed(desks, tmp_path):
    desk, _ = desks
    desk.run(import_command, written(tmp_path / "file.json", answers=[answer(RIGHT)]))
    assert desk_answers(desk.work)[0] == [answer(RIGHT)]
    path = desk.notebook("01_layer_norm-from-the-site")
    notebook = copies.read(path)
    (cell,) = filter(copies.is_answer, notebook["cells"])
    cell["source"] = WRONG
    copies.write(notebook, path)
    (found,) = desk_answers(desk.work)[0]
    assert found.source == WRONG
    assert found.time > TIME


def test_an_exercise_that_is_not_begun_is_no_answer(desks, tmp_path):
    desk, _ = desks
    fill(desk.work, update=False)
    assert desk_answers(desk.work) == ([], [])
    stub = next(filter(copies.is_answer, copies.read(desk.notebook())["cells"]))
    path = written(tmp_path / "file.json", answers=[answer(copies.source_of(stub) + "\n")])
    before = set(desk.work.rglob("*"))
    assert desk.run(import_command, path) == 0
    assert set(desk.work.rglob("*")) == before


def test_a_notebook_that_cannot_be_read_is_named_and_the_rest_exported(desks, tmp_path, capsys):
    desk, _ = desks
    desk.write_answer(RIGHT)
    desk.notebook("03_rms_norm").write_text("{")
    os.utime(desk.notebook(), (0, 0))  # a time before there was a course
    path = tmp_path / "file.json"
    assert desk.run(export_command, path) == 0
    assert "03_rms_norm.ipynb cannot be read, and is left out" in capsys.readouterr().err
    (found,) = read_text(path.read_text()).answers
    assert found.source == RIGHT


def test_a_file_is_never_written_over(desks, tmp_path, capsys):
    path = tmp_path / "file.json"
    path.write_text("mine")
    assert desks[0].run(export_command, path) == 2
    assert path.read_text() == "mine"
    assert "it is there already" in capsys.readouterr().err


def changed(path, value):
    """The parts of a file in which one thing is another; `path` leads to it."""
    whole = parts()
    *way, last = path
    place = whole
    for step in way:
        place = place[step]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return json.dumps(whole)


HOSTILE = {
    "no JSON": ("{", "it is no JSON"),
    "nested deeply": ("[" * 100_000, "it is no JSON"),
    "an endless number": ("[" + "9" * 5000 + "]", "it is no JSON"),
    "a list": ("[]", "it is no file of a learner's progress"),
    "another program's": ('{"cells": [], "nbformat": 4}', "it is no file of a learner's progress"),
    "a newer version": (
        changed(["version"], 3),
        "it is of version 3, and this normlab knows 1 and 2; a newer normlab may know it.",
    ),
    "a version that never was": (changed(["version"], 0), "it is of version 0"),
    "no version": (changed(["version"], KeyError), "it is of version None"),
    "a truth as version": (changed(["version"], True), "it is of version True"),
    "no answers": (changed(["answers"], KeyError), "the file has no answers"),
    "entries that are none": (changed(["entries"], {}), "entries is no list"),
    "an entry that is none": (changed(["entries", 0], 7), "entry 1 is of the kind None"),
    "an unknown kind": (changed(["entries", 1, "kind"], "read"), "entry 2 is of the kind 'read'"),
    "a kind that is no text": (changed(["entries", 1, "kind"], []), "entry 2 is of the kind []"),
    "a part too many": (changed(["entries", 0, "x"], 1), "entry 1 has a part x"),
    "a part too few": (changed(["entries", 0, "again"], KeyError), "entry 1 has no again"),
    "an id for SQL": (changed(["entries", 0, "id"], "a'); DROP"), "entry 1: id is"),
    "no id": (changed(["entries", 0, "id"], ""), "entry 1: id is ''"),
    "one id twice": (changed(["entries", 0, "id"], "a2"), "entry 2 has the id of another one"),
    "a number as a time": (changed(["entries", 2, "time"], 5), "entry 3: time is 5"),
    "a day that is none": (
        changed(["entries", 2, "time"], "2026-02-30T10:00:00Z"),
        "entry 3: time",
    ),
    "a time of the year 1": (changed(["entries", 2, "time"], "0001-01-01T00:00:00Z"), "time is"),
    "an hour that is none": (changed(["entries", 2, "time"], "2026-01-01T24:00:00Z"), "time is"),
    "a zone that is none": (changed(["entries", 2, "time"], "2026-01-01T00:00:00+24:00"), "time"),
    "a time without a zone": (changed(["entries", 2, "time"], "2026-01-01T00:00:00"), "time is"),
    "a great surprise": (changed(["entries", 0, "surprise"], 3), "entry 1: surprise is 3.0"),
    "endless points": (changed(["entries", 2, "points"], 1e999), "entry 3: points is inf"),
    "endless points to have": (changed(["entries", 2, "max_points"], 1e999), "max_points is inf"),
    "no number": (changed(["entries", 2, "points"], float("nan")), "entry 3: points is nan"),
    "more points than there are": (changed(["entries", 2, "points"], 5), "entry 3: points is 5.0"),
    "no points at all": (changed(["entries", 2, "max_points"], 0), "entry 3: points is 2.0"),
    "a truth as a number": (changed(["entries", 2, "points"], True), "entry 3: points is True"),
    "a claim without end": (changed(["entries", 3, "claim"], 10**400), "entry 4: claim is"),
    "a claim that is none": (changed(["entries", 3, "claim"], 0), "entry 4: claim is 0"),
    "an unknown word": (
        changed(["entries", 3, "word"], "yes"),
        "entry 4: claim 25 is marked 'yes'",
    ),
    "a bet on no verdict": (
        changed(["entries", 4, "word"], "don't know"),
        'entry 5: the bet on claim 25 is "don\'t know", 75 %',
    ),
    "a bet of no level": (changed(["entries", 4, "percent"], 60), "'imprecise', 60 %; expected"),
    "a half percent": (changed(["entries", 4, "percent"], 75.5), "entry 5: percent is 75.5"),
    "a number for a truth": (changed(["entries", 0, "again"], 1), "entry 1: again is 1"),
    "half a character": (changed(["entries", 0, "answer"], "\ud800"), "entry 1: answer is"),
    "an answer that is none": (changed(["answers", 0], "x"), "answer 1 is 'x'"),
    "a way out": (changed(["answers", 0, "exercise"], "../../x"), "of exercise '../../x'"),
    "an unknown function": (changed(["answers", 0, "function"], "os"), "answer 1 is for 'os'"),
    "an answer's text": (changed(["answers", 0, "source"], None), "answer 1: source is None"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_not_whole_is_refused_and_nothing_of_it_kept(name, desks, tmp_path, capsys):
    desk, _ = desks
    text, why = HOSTILE[name]
    path = tmp_path / "file.json"
    path.write_text(text, encoding="utf-8")
    assert desk.run(import_command, path) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert str(path) in err
    assert why in err
    assert err.endswith("Nothing of it was.\n")
    assert not desk.work.exists()
    assert desk.entries() == []


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"\xff\xfe{}", "it is no text in UTF-8"), (b" " * 20_000_001, "it has more than 20 MB")],
)
def test_bytes_that_are_no_text_are_refused(data, why, desks, tmp_path, capsys):
    path = tmp_path / "file.json"
    path.write_bytes(data)
    assert desks[0].run(import_command, path) == 2
    assert why in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named_once(desks, tmp_path, capsys):
    assert desks[0].run(import_command, tmp_path / "none.json") == 2
    assert capsys.readouterr().err.count("none.json") == 1


def test_a_record_that_cannot_be_written_leaves_no_answers_either(desks, tmp_path, capsys):
    desk, _ = desks
    desk.data.write_text("a file in the place of the folder")
    path = written(tmp_path / "file.json", ENTRIES, [answer(RIGHT)])
    assert desk.run(import_command, path) == 1
    assert "Nothing of it was." in capsys.readouterr().err
    assert not list(desk.work.rglob("*.ipynb"))


def test_the_second_exercise_that_fails_takes_the_first_with_it(desks, tmp_path, monkeypatch):
    desk, _ = desks
    write, left = copies.write, iter([True])

    def write_once(notebook, path):
        if not next(left, False):
            raise OSError(28, "No space left on device", str(path))
        write(notebook, path)

    monkeypatch.setattr(copies, "write", write_once)
    second = WrittenAnswer("03_rms_norm", "rms_norm", TIME, "def rms_norm(): pass")
    path = written(tmp_path / "file.json", ENTRIES, [answer(RIGHT), second])
    assert desk.run(import_command, path) == 1
    assert not list(desk.work.rglob("*.ipynb"))
    assert desk.entries() == []


def test_entries_of_one_id_that_say_different_things_are_named(desks, tmp_path, capsys):
    desk, _ = desks
    desk.run(import_command, written(tmp_path / "one.json", [ENTRIES[0]]))
    other = Entry("marked", "a1", LATER, (1, "wrong"))
    assert desk.run(import_command, written(tmp_path / "two.json", [other, ENTRIES[3]])) == 0
    said = capsys.readouterr().out
    assert "say different things: a1. The record's stay." in said
    assert desk.entries() == [ENTRIES[0], ENTRIES[3]]


def test_the_command_takes_both_options(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("normlab.study.exchange.command.WORK", tmp_path / "work")
    with open_record() as record:
        record.marked(25, MARKS[0])
    path = str(tmp_path / "file.json")
    assert cli.main(["progress", "--export", path]) == 0
    shutil.rmtree(tmp_path / "data")
    assert cli.main(["progress", "--import", path]) == 0
    capsys.readouterr()
    assert cli.main(["progress"]) == 0
    assert "marked 1 of 46" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["progress", "--import", path, "--export", path])
