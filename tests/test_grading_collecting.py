"""A class is collected whole: what cannot be known is told, and nobody pays for another."""

import io
import json
import os
import struct
import textwrap
import time
import zipfile
from functools import cache

import pytest
import yaml
from classes import LAYOUTS, PEOPLE, gradescope_metadata, written, zipped
from submissions import notebook as new_notebook

from normlab.checks.sources import plain_python
from normlab.grading.collect import collect
from normlab.grading.collecting.roster_file import read_roster

notebook = cache(new_notebook)
ONE, TWO, THREE = notebook("1"), notebook("2"), notebook("3")
SOLVED, OTHER = (notebook(f"def layer_norm(x, gamma, beta): return {i}") for i in (1, 2))
NAME, THIRD = "01_layer_norm.ipynb", "03_rms_norm.ipynb"


def found(collection):
    """(student, exercise's number) -> content."""
    return {(s.student, s.exercise[:2]): s.file.read() for s in collection.submissions}


def gathered(tmp_path, files, roster=""):
    known = None
    if roster:
        tmp_path.mkdir(exist_ok=True)
        (tmp_path / "roster.csv").write_text(roster, encoding="utf-8")
        known = read_roster(tmp_path / "roster.csv")
    return collect(written(tmp_path / "class", files), known)


def reasons(collection):
    return " ".join(f"{trouble.what} {trouble.reason}" for trouble in collection.troubles)


# Small classes, in whatever they come


def small_class(layout, people, exercises, top):
    lay_out = LAYOUTS[layout][0]
    files = {}
    for name in people:
        files |= lay_out(name, {each: notebook(name + each) for each in exercises})
    if layout == "Gradescope":
        data = yaml.safe_load(gradescope_metadata()["submission_metadata.yml"])
        kept = {k: v for k, v in data.items() if any(p.startswith(f"{k}/") for p in files)}
        files["submission_metadata.yml"] = yaml.safe_dump(kept).encode()
    return {top + path: content for path, content in files.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("top", ["", "class/"])
def test_a_small_class_is_known_in_a_folder_a_zip_file_and_a_zip_file_in_a_folder(
    layout, size, top, tmp_path
):
    people = PEOPLE[7 : 7 + size]
    _, called, said = LAYOUTS[layout]
    for exercises in ([NAME], [NAME, THIRD]):
        files = small_class(layout, people, exercises, top)
        place = tmp_path / str(len(exercises))
        inner = written(place / "inner", {"class.zip": zipped(files)})
        for root in (written(place / "class", files), inner / "class.zip", inner):
            collection = collect(root)
            assert found(collection) == {
                (called(name), each[:2]): notebook(name + each)
                for name in people
                for each in exercises
            }
            assert (collection.said, collection.troubles) == (said, ())


WHOLE = {
    "another exercise each": {f"hw/ada/{NAME}": ONE, f"hw/bob/{THIRD}": TWO},
    "notebooks of any name": {"hw/ada/nb.ipynb": SOLVED, "hw/bob/nb.ipynb": OTHER},
    "below an exercise": {"01_layer_norm/ada/nb.ipynb": SOLVED, "01_layer_norm/bob/n.py": b"1"},
    "attempts": {f"{who}/attempt{i}/{NAME}": ONE for who in ("ada", "bob") for i in (1, 2)},
    "drafts": {f"{who}/{each}/{NAME}": ONE for who in ("ada", "bob") for each in ("draft", "v2")},
    "sections": {
        f"A/ada/{NAME}": ONE,
        f"A/bob/{NAME}": ONE,
        f"B/c/{NAME}": ONE,
        f"B/d/{NAME}": ONE,
    },
    "sections of Canvas": {
        "A.zip": zipped({f"ada_1_2_{NAME}": ONE, f"bob_2_3_{NAME}": TWO}),
        "B.zip": zipped({f"c_3_4_{NAME}": ONE}),
    },
    "weeks in weeks": {
        f"all/week{i}/{who}/{each}": ONE
        for i, each in enumerate((NAME, THIRD))
        for who in ("ada", "bob")
    },
    "submitted, flat": {f"submitted/ada_{NAME}": ONE, f"submitted/bob_{NAME}": ONE},
    "submitted, zip files": {f"submitted/{who}.zip": zipped({NAME: ONE}) for who in ("ada", "bob")},
    "Windows": {
        "a.zip": zipped({p + n: c for p in ("ada\\", "bob\\") for n, c in (("", b""), (NAME, ONE))})
    },
}


@pytest.mark.parametrize("files", WHOLE.values(), ids=WHOLE)
def test_parts_of_a_class_are_no_students(files, tmp_path):
    collection = gathered(tmp_path, files)
    names = {*collection.students} | {t.what.partition(":")[0] for t in collection.troubles}
    assert {"ada", "bob"} <= names <= {"ada", "bob", "c", "d"}


@pytest.mark.parametrize("name", ["venv", "old", "tmp", "submitted", "12", "week1", "\U0001f389"])
@pytest.mark.parametrize("top", ["", "class/"])
def test_a_student_called_as_something_else_is_there(name, top, tmp_path):
    files = {f"{top}{name}/{NAME}": ONE, f"{top}bob/{NAME}": TWO}
    assert gathered(tmp_path, files).students == sorted([name, "bob"])


def test_students_called_like_old_things_alone_are_two(tmp_path):
    assert gathered(tmp_path, {f"old/{NAME}": ONE, f"tmp/{NAME}": TWO}).students == ["old", "tmp"]


def test_a_teachers_own_files_beside_a_zip_file_hide_no_class(tmp_path):
    uploads = zipped({f"ada_1_2_{NAME}": ONE, f"bob_2_3_{NAME}": TWO})
    files = {"class.zip": uploads, "solution.ipynb": SOLVED, "grades.csv": b"", "README.md": b""}
    collection = gathered(tmp_path, files)
    assert collection.students == ["ada", "bob"]
    assert [t.what for t in collection.troubles] == ["class/solution.ipynb"]


UNKNOWN = {
    "late beside a class": {
        "class.zip": zipped({f"ada_1_2_{NAME}": ONE, f"bob_2_3_{NAME}": TWO}),
        f"carol/{NAME}": THREE,
    },
    "late beside folders": {
        "all.zip": zipped({f"{w}/{NAME}": ONE for w in "ab"}),
        f"c/{NAME}": ONE,
    },
    "names behind": {f"01_layer_norm{who}.ipynb": ONE for who in ("-ada", " (bob)")},
    "folders with names behind": {f"01_layer_norm-{who}/{NAME}": ONE for who in ("ada", "bob")},
    "one number, two names": {f"ada_2026_1_{NAME}": ONE, f"bob_2026_2_{NAME}": TWO},
    "one number, two names, two exercises": {f"ada_7_1_{NAME}": ONE, f"bob_7_2_{THIRD}": TWO},
    "logins with _": {
        f"Week 1_{who}_x_attempt_2026-12-01-10-00-00_{NAME}": ONE for who in ("ada", "bob")
    },
    "two attempts without a time": {
        f"1-7 - Ada L - {day} déc. 2026 22 h 03/{NAME}": notebook(str(day)) for day in (2, 3)
    },
    "two of one name in two downloads": {
        f"w{w}/J S_{w}{i}_assignsubmission_file_/{NAME}": ONE for w in (1, 2) for i in (1, 2)
    },
    "beside nbgrader's": {f"submitted/ada/w/{NAME}": ONE, f"late/bob/{NAME}": TWO},
    "beside clones": {f"n-submissions/n-ada/{NAME}": ONE, "n-submissions/x.ipynb": SOLVED},
    "not in Gradescope's export": {
        f"s1/{NAME}": ONE,
        "submission_metadata.yml": b"s1:\n  :submitters:\n  - :email: a\ns2:\n  :submitters: []",
    },
    "another archive": {f"ada/{NAME}": ONE, "bob.rar": b"Rar!"},
    "a report in Canvas": {f"ada_1_2_{NAME}": ONE, "bob_2_3_report.pdf": b"%PDF"},
    "a text in Canvas": {f"ada_1_2_{NAME}": ONE, "bob_2_text.html": b"<p>"},
    "a report in Moodle": {
        f"Ada_1_assignsubmission_file_{NAME}": ONE,
        "Bob_2_assignsubmission_file_a.pdf": b"%PDF",
    },
    "a report among files": {f"ada_{NAME}": ONE, "bob_01_layer_norm.pdf": b"%PDF"},
}


@pytest.mark.parametrize("files", UNKNOWN.values(), ids=UNKNOWN)
def test_what_nothing_tells_is_told(files, tmp_path):
    assert gathered(tmp_path, files).troubles


def test_a_link_to_a_students_folder_is_told(tmp_path):
    written(
        tmp_path, {f"elsewhere/{NAME}": ONE, f"class/ada/{NAME}": ONE, "b.zip": zipped({NAME: ONE})}
    )
    os.symlink(tmp_path / "elsewhere", tmp_path / "class" / "bob")
    os.symlink(tmp_path / "b.zip", tmp_path / "class" / "carol.zip")
    told = reasons(collect(tmp_path / "class"))
    assert "bob" in told
    assert "carol.zip is a link" in told


# Whoever could pay for another


def test_a_file_in_google_drive_makes_no_export_of_gradescope(tmp_path):
    forged = yaml.safe_dump({f"Ada - {NAME}": {":submitters": [{":email": "eve"}]}}).encode()
    for content in (forged, b"x: ["):
        files = {f"Ada - {NAME}": ONE, f"Eve - {NAME}": TWO, "submission_metadata.yml": content}
        assert gathered(tmp_path, files).students == ["Ada", "Eve"]


def test_nobodys_copy_gives_way_to_anothers_file_of_that_name(tmp_path):
    files = {"Ada - 01_layer_norm-Copy1.ipynb": ONE, f"Ada - {NAME}": TWO, f"Eve - {NAME}": TWO}
    collection = gathered(tmp_path, files)
    assert collection.students == ["Eve"]
    assert "nothing tells which is" in reasons(collection)
    same = {"Ada - 01_layer_norm-Copy1.ipynb": ONE, f"Ada - {NAME}": ONE}
    assert found(collect(written(tmp_path / "same", same))) == {("Ada", "01"): ONE}


def test_names_with_dashes_are_whole(tmp_path):
    files = {f"Ada - X - {NAME}": ONE, f"Ada - Y - {THIRD}": TWO}
    assert gathered(tmp_path, files).students == ["Ada - X", "Ada - Y"]
    files = {f"1-7 - Ada - Marie L - 2026-12-0{i} 2203/{NAME}": notebook(str(i)) for i in (2, 3)}
    collection = collect(written(tmp_path / "b", files))
    assert found(collection) == {("Ada - Marie L", "01"): notebook("3")}
    assert collection.troubles == ()


def test_names_cannot_write_to_the_terminal(tmp_path):
    files = {"class.zip": zipped({f"a\x1b[2J\r\u202e/{NAME}": ONE, f"bob/{NAME}": TWO})}
    collection = gathered(tmp_path, files)
    shown = f"{collection.who_handed_in_what()}{collection.students}"
    assert not {*"\x1b\r\u202e"} & {*shown}


def test_the_last_attempt_counts_though_it_is_called_a_copy(tmp_path):
    start = "W_ada_attempt_2026-12-0{}-10-00-00_01_layer_norm{}.ipynb"
    files = {start.format(1, ""): ONE, start.format(3, "-Copy1"): TWO}
    collection = gathered(tmp_path, files)
    assert found(collection) == {("ada", "01"): TWO}
    assert [origin[-30:] for origin, _ in collection.others] == [
        f"class/{start.format(1, '')}"[-30:]
    ]


# Time and memory


def upload(tmp_path, name, data):
    """A class of Ada, who is fine, and of somebody; (students, seconds)."""
    started = time.process_time()
    collection = gathered(tmp_path, {f"ada_1_2_{NAME}": ONE, f"eve_3_4_{name}": data})
    return collection, time.process_time() - started


def test_metadata_of_gradescope_that_grow_without_end_are_refused(tmp_path):
    lists = "".join(f"- &a{i} [{f'*a{i - 1}, ' * 9}]\n" for i in range(1, 12))
    bomb = f"- &a0 [x]\n{lists}"
    metadata = f"s1:\n  :bomb:\n{textwrap.indent(bomb, '  ')}  :submitters:\n  - :email: *a11\n"
    files = {f"s1/{NAME}": ONE, "submission_metadata.yml": metadata.encode()}
    with pytest.raises(ValueError, match="is no metadata of Gradescope"):
        gathered(tmp_path, files)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_file_that_python_unpacks_at_once_is_not_unpacked(method, tmp_path):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as file:
        file.writestr("x.ipynb", b"\0" * 2**20 * 100)
    collection, _ = upload(tmp_path, "a.zip", data.getvalue())
    assert collection.students == ["ada"]
    assert any("other than zip's usual one" in reason for _, reason in collection.others)


def test_a_zip_file_that_lies_about_its_list_is_not_read(tmp_path):
    data = bytearray(zipped({str(i): b"" for i in range(70_000)}))
    struct.pack_into("<L", data, data.rfind(b"PK\5\6") + 12, 100)
    collection, _ = upload(tmp_path, "a.zip", bytes(data))
    assert collection.students == ["ada"]
    assert "more files than are looked at" in reasons(collection)


SLOW = {
    "magics": "%a\n" * 300_000,
    "more magics than IPython takes": "%a\n" * 600,
    "spaces": "%a\n" + " " * 900_000,
    "brackets": "x = [\n" * 100_000 + "%a",
    "minus": "-" * 900_000 + "1",
    "parentheses": "(" * 900_000,
    "sums": "1+" * 400_000 + "1",
}


@pytest.mark.parametrize("source", SLOW.values(), ids=SLOW)
def test_no_code_holds_the_look_at_what_it_defines_up(source, tmp_path):
    plain_python("%a")  # IPython is imported
    for name, data in (("a.py", source.encode()), ("a.ipynb", notebook(source))):
        collection, seconds = upload(tmp_path / name, name, data)
        assert collection.students == ["ada"]
        assert seconds < 10


def test_a_notebook_of_endless_cells_is_not_looked_into(tmp_path):
    cell = b'{"cell_type": "code", "source": "x"},'
    data = b'{"cells": [' + (cell * 200_000)[:-1] + b"]}"
    collection, seconds = upload(tmp_path, "a.ipynb", data)
    assert (collection.students, seconds < 5) == (["ada"], True)


# The roster


def test_rosters_are_read_as_programs_write_them(tmp_path):
    files = {f"ada/{NAME}": ONE}
    for i, text in enumerate(
        (
            "name,login\nAda,ada\nAda,ada\n",
            "sep=;\nname;login\nAda;ada\n",
            '"A, b, c, d";name;login\nx;Ada;ada\n',
            'name,login,note\n"Ada",ada,"x\ny"\n',
            "name,login\rAda,ada\r",
        )
    ):
        collection = gathered(tmp_path / str(i), files, text)
        assert (collection.students, collection.troubles) == (["Ada"], ()), text


def test_moodles_group_before_a_name_is_none_of_it(tmp_path):
    files = {f"Group A-{who}_{i}_assignsubmission_file_/{NAME}": ONE for i, who in enumerate("ab")}
    assert gathered(tmp_path, files, "name\na\nb\n").troubles == ()


def test_a_number_of_brightspace_is_no_number_of_the_school(tmp_path):
    files = {f"1234-7 - Ada L - Dec 1, 2026 1003 PM/{NAME}": ONE}
    assert gathered(tmp_path, files, "name,id number\nBob,1234\nAda L,7\n").students == ["Ada L"]


def test_two_students_are_not_one_row_of_the_roster(tmp_path):
    canvas = {f"smithjohn_{i}_{i}_{NAME}": ONE for i in (5, 6)}
    moodle = {f"John Smith_{i}_assignsubmission_file_/{NAME}": ONE for i in (5, 6)}
    for place, files in (("a", canvas), ("b", moodle)):
        collection = gathered(tmp_path / place, files, "name,login\nJohn Smith,js\n")
        assert len(collection.students) == 2
        assert "2 students are called as John Smith" in reasons(collection)


def test_names_that_differ_by_marks_or_by_case_are_two(tmp_path):
    collection = gathered(tmp_path, {f"राम/{NAME}": ONE}, "name\nरम\n")
    assert "राम is not on roster.csv" in reasons(collection)
    both = {f"ada/{NAME}": ONE, f"Ada/{NAME}": TWO}
    collection = gathered(tmp_path / "b", both, "name,login\nAda,x1\nada,x2\n")
    logins = {s.student: s.person.login for s in collection.submissions}
    assert (logins, collection.troubles) == ({"Ada": "x1", "ada": "x2"}, ())


def test_of_partners_who_differ_nobody_s_file_is_a_thirds(tmp_path):
    files = {f"ada/{NAME}": ONE, f"bob/{NAME}": TWO}
    collection = gathered(tmp_path, files, "name,group\nada,g\nbob,g\ncy,g\n")
    assert collection.students == ["ada", "bob"]
    assert "partners have handed in different files" in reasons(collection)


@pytest.mark.parametrize("in_zip", [False, True])
def test_what_cells_have_shown_may_have_any_size(in_zip, tmp_path):
    cell = {"cell_type": "code", "metadata": {}, "source": "def layer_norm(x): ...", "outputs": []}
    cell["outputs"] = [{"data": {"image/png": "a" * 30 * 2**20}}]
    content = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}).encode()
    files = {"mine.ipynb": content}
    root = written(tmp_path, {"ada.zip": zipped(files)} if in_zip else {"ada/mine.ipynb": content})
    (submission,) = collect(root).submissions
    assert (submission.student, submission.exercise) == ("ada", "01_layer_norm")
    assert len(submission.file.read()) < 200
