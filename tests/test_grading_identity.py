"""Nobody is taken for another: whose an upload is, is not for what lies inside to say."""

import json
import time
import zipfile

import pytest
from classes import written, zipped
from submissions import grade, notebook

from normlab.grading.collect import collect
from normlab.grading.collecting import budget
from normlab.grading.collecting.owners import owner_by_hand, owner_by_system
from normlab.grading.collecting.roster_file import read_roster
from normlab.grading.collecting.times import parse_time

ONE, TWO, THREE = notebook("1"), notebook("2"), notebook("3")
NAME = "01_layer_norm.ipynb"


def found(root, roster=None):
    """(student, exercise) -> content."""
    submissions = collect(root, roster).submissions
    return {(s.student, s.exercise): s.file.read() for s in submissions}


def layer_norms(root, roster=None):
    return {student: content for (student, _), content in found(root, roster).items()}


MAC = {NAME: ONE, f"__MACOSX/._{NAME}": b"\0"}
JUNK = {
    "macOS": MAC,
    "checkpoints": {NAME: ONE, ".ipynb_checkpoints/01_layer_norm-checkpoint.ipynb": TWO},
    "a copy": {NAME: ONE, "01_layer_norm-Copy1.ipynb": TWO},
    "an old folder": {NAME: ONE, f"old/{NAME}": TWO},
    "in a folder": {f"homework/{NAME}": ONE, f"homework/backup/{NAME}": TWO},
    "a repository": {NAME: ONE, f".git/{NAME}": TWO, f".venv/lib/{NAME}": TWO},
}


@pytest.mark.parametrize("files", JUNK.values(), ids=JUNK)
@pytest.mark.parametrize("others", [0, 1, 2])
def test_a_students_zip_with_an_exercise_twice_is_that_students(files, others, tmp_path):
    uploads = {"ada_1_2_Archive.zip": zipped(files)}
    uploads |= {f"bob{i}_1{i}_2{i}_Archive.zip": zipped(MAC) for i in range(others)}
    theirs = {f"bob{i}": ONE for i in range(others)}
    assert layer_norms(written(tmp_path, uploads)) == {"ada": ONE} | theirs


def test_a_prefix_in_a_students_zip_is_nobody(tmp_path):
    inside = {"final_01_layer_norm.ipynb": ONE}
    files = {"ada_1_2_a.zip": zipped(inside), "bob_3_4_a.zip": zipped(inside)}
    assert layer_norms(written(tmp_path / "a", files)) == {"ada": ONE, "bob": ONE}
    files = {"ada.zip": zipped(inside), "bob.zip": zipped(inside)}
    assert layer_norms(written(tmp_path / "b", files)) == {"ada": ONE, "bob": ONE}
    files = {f"{name}/final_01_layer_norm.ipynb": ONE for name in ("ada", "bob")}
    assert layer_norms(written(tmp_path / "c", files)) == {"ada": ONE, "bob": ONE}


ANOTHERS = {
    "Canvas": {"ada_1_99_01_layer_norm-9.ipynb": TWO, "bob_5_98_01_layer_norm.ipynb": TWO},
    "Moodle": {
        f"ada_1_assignsubmission_file_/{NAME}": TWO,
        f"bob_5_assignsubmission_file_/{NAME}": TWO,
    },
    "nbgrader": {f"submitted/ada/w/{NAME}": TWO, "submitted/ada/w/timestamp.txt": b"2030-01-01"},
    "folders": {f"ada/{NAME}": TWO, f"bob/{NAME}": TWO},
    "zip files": {"ada.zip": zipped({NAME: TWO}), "bob.zip": zipped({NAME: TWO})},
    "Gradescope": {
        f"s/{NAME}": TWO,
        "submission_metadata.yml": b"s:\n  :submitters:\n  - :email: ada\n",
    },
    "autograder": {NAME: TWO, "submission_metadata.json": b'{"users": [{"email": "ada"}]}'},
}
CLASSES = {
    "Canvas": lambda who, n, inside: {f"{who}_{n}_{n + 100}_work.zip": zipped(inside)},
    "Moodle": lambda who, n, inside: {
        f"{who}_{n}_assignsubmission_file_/{p}": c for p, c in inside.items()
    },
    "folders": lambda who, n, inside: {f"{who}/{p}": c for p, c in inside.items()},
    "zip files": lambda who, n, inside: {f"{who}.zip": zipped(inside)},
    "nbgrader": lambda who, n, inside: {f"submitted/{who}/w/{p}": c for p, c in inside.items()},
}


@pytest.mark.parametrize("inside", ANOTHERS.values(), ids=ANOTHERS)
@pytest.mark.parametrize("lay_out", CLASSES.values(), ids=CLASSES)
def test_what_lies_in_an_upload_cannot_be_anothers(lay_out, inside, tmp_path):
    files = lay_out("ada", 1, {NAME: ONE}) | lay_out("eve", 3, inside)
    collection = collect(written(tmp_path, files))
    assert set(collection.students) <= {"ada", "eve"}
    (ada,) = (s for s in collection.submissions if s.student == "ada")
    assert (ada.file.read(), ada.submitted) == (ONE, None)


def test_a_notebook_of_any_name_in_a_flat_download_keeps_its_owner(tmp_path):
    mine = notebook("def layer_norm(x, gamma, beta): ...")
    files = {"ada_1_2_my solution.ipynb": mine, "bob_3_4_Untitled.ipynb": mine}
    assert layer_norms(written(tmp_path, files)) == {"ada": mine, "bob": mine}


def test_two_students_of_one_name_are_two(tmp_path):
    files = {f"smithjohn_12_1_{NAME}": ONE, f"smithjohn_13_2_{NAME}": TWO}
    canvas = written(tmp_path / "canvas", files)
    assert layer_norms(canvas) == {"smithjohn (12)": ONE, "smithjohn (13)": TWO}
    assert [s.person.id for s in collect(canvas).submissions] == ["12", "13"]
    files = {f"John Smith_{n}_assignsubmission_file_/{NAME}": c for n, c in ((7, ONE), (8, TWO))}
    moodle = written(tmp_path / "moodle", files)
    assert layer_norms(moodle) == {"John Smith (7)": ONE, "John Smith (8)": TWO}
    files = {f"{n}-5 - John Smith - Dec 1, 2026 903 AM/{NAME}": c for n, c in ((7, ONE), (8, TWO))}
    brightspace = written(tmp_path / "brightspace", files)
    assert layer_norms(brightspace) == {"John Smith (7)": ONE, "John Smith (8)": TWO}


def test_one_student_whose_name_changed_is_one(tmp_path):
    files = {f"maryjones_7_1_{NAME}": ONE, "marysmith_7_2_03_rms_norm.ipynb": TWO}
    assert collect(written(tmp_path, files)).students == ["maryjones"]


def test_a_number_that_two_students_share_is_no_number_of_canvas(tmp_path):
    files = {f"group_{i}_{j}_x_{NAME}": ONE for i in (1, 2) for j in (1, 2)}
    assert len(layer_norms(written(tmp_path, files))) == 4


@pytest.mark.parametrize("name", ["work", "export", "submission", "download", "submissions", "old"])
def test_a_student_may_be_called_as_anything(name, tmp_path):
    files = {f"{name}/{NAME}": ONE, f"ada/{NAME}": TWO}
    assert layer_norms(written(tmp_path, files)) == {name: ONE, "ada": TWO}


def test_google_drives_words_for_a_copy_are_no_part_of_a_name(tmp_path):
    names = ("Copy of", "Kopie von", "Copie de", "Copia di", "Kopi av")
    files = {f"{word} Ada {i} - {NAME}": ONE for i, word in enumerate(names)}
    assert [*layer_norms(written(tmp_path, files))] == [f"Ada {i}" for i in range(len(names))]


def test_whoever_calls_a_file_as_anothers_costs_nobody_a_point_unseen(tmp_path):
    files = {
        f"ada_{NAME}": ONE,
        "bob_01_layer_norm.ipynb": TWO,
        "ada-01_layer_norm (1).ipynb": THREE,
    }
    collection = collect(written(tmp_path, files))
    assert {s.student: s.file.read() for s in collection.submissions} == {"bob": TWO}
    assert {t.what.rpartition("/")[2] for t in collection.troubles[:2]} == {
        f"ada_{NAME}",
        "ada-01_layer_norm (1).ipynb",
    }


def test_a_file_that_names_nobody_is_told_and_the_others_are_graded(tmp_path):
    files = {f"ada_1_2_{NAME}": ONE, f"bob_3_4_{NAME}": ONE, "Untitled.ipynb": TWO, "a.csv": b""}
    collection = collect(written(tmp_path, files))
    assert collection.students == ["ada", "bob"]
    (trouble,) = collection.troubles
    assert trouble.what.endswith("Untitled.ipynb")
    assert "does not say whose it is" in trouble.reason


def test_who_hands_in_nothing_that_can_be_graded_is_named(tmp_path):
    files = {f"ada/{NAME}": ONE, "bob/report.pdf": b"", "carol/notes.ipynb": TWO}
    files |= {"dan/answers.rar": b"Rar!", "eve/broken.zip": b"PK"}
    written(tmp_path, files)
    (tmp_path / "fay").mkdir()
    troubles = " ".join(trouble.what for trouble in collect(tmp_path).troubles)
    for name in ("bob", "carol", "dan", "eve", "fay"):
        assert name in troubles, name
    assert "ada" not in troubles


# Time


@pytest.mark.parametrize("text", ["aT" * 50_000 + " b c d", "T " * 10**6, "1" * 10**7, " " * 10**7])
def test_no_text_of_a_student_holds_the_grader_up(text, tmp_path):
    files = {f"submitted/ada/w/{NAME}": ONE, f"submitted/eve/w/x/{NAME}": TWO}
    files |= {f"submitted/eve/w/{place}timestamp.txt": text.encode() for place in ("", "x/")}
    started = time.process_time()
    assert {*layer_norms(written(tmp_path, files))} == {"ada", "eve"}
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "word", ["1_", "_", " - ", "copy of ", "anon_", "1-1 - ", "+", "(", "_LATE"]
)
def test_names_of_any_length_are_read_in_time(word):
    started = time.process_time()
    for name in (f"{word * 20_000}.ipynb", f"1-1 - {word * 200}.ipynb", f"{word * 300}.ipynb"):
        owner_by_system(name)
        owner_by_hand(name, is_file=True)
        parse_time(name)
    assert time.process_time() - started < 2


def test_a_students_files_do_not_set_the_time(tmp_path):
    late, early = b"2026-12-06 10:00:00 UTC", b"2026-12-01 10:00:00 UTC"
    files = {f"submitted/ada/w/x/{NAME}": ONE, "submitted/ada/w/x/timestamp.txt": early}
    (ada,) = collect(written(tmp_path, files)).submissions
    assert ada.submitted is None
    (ada,) = collect(written(tmp_path, {"submitted/ada/w/timestamp.txt": late})).submissions
    assert ada.submitted == parse_time("2026-12-06 10:00:00 UTC")


def test_a_zip_file_that_unpacks_without_end_stops_at_the_budget(tmp_path):
    bomb = zipped({f"{i}.zip": zipped({"x": b"\0" * 2**20 * 100}) for i in range(50)})
    files = {"eve_3_4_a.zip": bomb, f"ada_1_2_{NAME}": ONE}
    started = time.process_time()
    collection = collect(written(tmp_path / "a", files))
    assert time.process_time() - started < budget.MOST_SECONDS
    assert collection.students == ["ada"]
    assert any("eve" in trouble.what for trouble in collection.troubles)
    nested = zipped({f"{i}.zip": zipped({f"{j}.txt": b"" for j in range(2000)}) for i in range(9)})
    collection = collect(written(tmp_path / "b", {"eve.zip": nested, "ada.zip": zipped(MAC)}))
    assert collection.students == ["ada"]
    assert any("unpacks to more than" in trouble.reason for trouble in collection.troubles)


def test_a_zip_file_whose_list_is_endless_is_not_read(tmp_path):
    path = tmp_path / "eve.zip"
    with zipfile.ZipFile(path, "w") as file:
        for i in range(45_000):
            file.writestr(f"{i}.txt", b"")
    (tmp_path / "ada.zip").write_bytes(zipped(MAC))
    started = time.process_time()
    collection = collect(tmp_path)
    assert time.process_time() - started < 2
    assert collection.students == ["ada"]
    assert any("holds more files" in trouble.reason for trouble in collection.troubles)


# The roster


CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,01_layer_norm (99)
    Points Possible,,,,,4
"Lovelace, Ada",1,s1,ada@a.b,A,
"Smith, John",12,s2,john1@a.b,A,
"Smith, John",13,s3,john2@a.b,B,
"Absent, Ann",14,s4,ann@a.b,B,
"""
MOODLE = """\
First name;Last name;ID number;Email address;Username;Groups
Ada;Lovelace;s1;ada@a.b;ada;
John;Smith;s2;john@a.b;john;
"""
PLAIN = "Name,Login,Group,Due,Due 03_rms_norm\nAda,ada,g,2027-01-01T00:00:00Z,\nBob,bob,g,,\n"


def roster(folder, text, encoding="utf-8"):
    path = folder / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return read_roster(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_canvass_gradebook_tells_namesakes_apart_and_fills_the_logins(encoding, tmp_path):
    files = {f"lovelaceada_1_1_{NAME}": ONE, f"smithjohn_12_2_{NAME}": TWO}
    files |= {f"smithjohn_13_3_{NAME}": THREE, f"eve_66_4_{NAME}": ONE}
    root = written(tmp_path / "class", files)
    collection = collect(root, roster(tmp_path, CANVAS, encoding))
    people = {s.student: (s.person.login, s.person.section) for s in collection.submissions}
    assert people == {
        "Lovelace, Ada": ("ada@a.b", "A"),
        "Smith, John (12)": ("john1@a.b", "A"),
        "Smith, John (13)": ("john2@a.b", "B"),
        "eve": ("", ""),
    }
    reasons = {trouble.what: trouble.reason for trouble in collection.troubles}
    assert reasons.keys() == {f"eve_66_4_{NAME}", "Absent, Ann"}
    assert "is not on roster.csv" in reasons[f"eve_66_4_{NAME}"]
    assert "has handed in nothing" in reasons["Absent, Ann"]


def test_moodles_participants_are_found_by_name_and_fill_email_and_login(tmp_path):
    files = {f"Ada Lovelace_7_assignsubmission_file_/{NAME}": ONE}
    files |= {f"John Smith_8_assignsubmission_file_/{NAME}": TWO}
    collection = collect(written(tmp_path / "class", files), roster(tmp_path, MOODLE))
    assert collection.troubles == ()
    assert [s.person.email for s in collection.submissions] == ["ada@a.b", "john@a.b"]
    assert [s.person.sis_id for s in collection.submissions] == ["s1", "s2"]


def test_a_plain_roster_knows_who_works_together_and_who_has_more_time(tmp_path):
    root = written(tmp_path / "class", {f"ada/{NAME}": ONE, "bob/03_rms_norm.ipynb": TWO})
    known = roster(tmp_path, PLAIN)
    assert found(root, known) == {
        ("Ada", "01_layer_norm"): ONE,
        ("Bob", "01_layer_norm"): ONE,
        ("Ada", "03_rms_norm"): TWO,
        ("Bob", "03_rms_norm"): TWO,
    }
    ada = collect(root, known).submissions[0].person
    assert ada.due_of("01_layer_norm") == parse_time("2027-01-01T00:00:00+00:00")
    alone = written(tmp_path / "alone", {f"ada/{NAME}": ONE})
    collection = collect(alone, known)
    assert (collection.students, collection.troubles) == (["Ada", "Bob"], ())


def test_a_name_that_two_of_the_roster_have_is_given_to_neither(tmp_path):
    known = roster(tmp_path, "name,login\nJohn Smith,js1\nSmith John,js2\n")
    collection = collect(written(tmp_path / "c", {f"John Smith/{NAME}": ONE}), known)
    assert any("2 rows of roster.csv fit" in trouble.reason for trouble in collection.troubles)
    assert [s.person.login for s in collection.submissions] == [""]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is empty"),
        ("a,b\n1,2\n", "its columns are 'a', 'b'; expected at least one of 'name'"),
        ("name,due\nAda,tomorrow\n", "row 2 has 'tomorrow' as a due date; expected a time"),
        ("name,due\nAda,2026-12-01T10:00:00\n", "with its offset from UTC"),
    ],
)
def test_a_file_that_is_no_roster_is_refused(text, told, tmp_path):
    with pytest.raises(ValueError, match=r"roster\.csv is no roster: ") as error:
        roster(tmp_path, text)
    assert told in str(error.value)


# The command


def test_the_list_says_who_handed_in_what_and_grades_nothing(tmp_path, capsys):
    files = {f"ada_1_2_{NAME}": ONE, f"bob_3_4_{NAME}": TWO}
    root = written(tmp_path / "class", files)
    from normlab import cli

    assert cli.main(["grade", str(root), "--list"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[0] == f"{root} is a Canvas download: 2 students"
    assert f"01_layer_norm  ada_1_2_{NAME}" in told.out
    written(root, {"Untitled.ipynb": THREE})
    assert cli.main(["grade", str(root), "--list"]) == 1
    assert "Untitled.ipynb" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == [root]


def test_what_cannot_be_assigned_ends_the_run_with_1_and_stops_nothing(tmp_path, capsys):
    files = {f"ada_1_2_{NAME}": ONE, f"bob_3_4_{NAME}": ONE, "Untitled.ipynb": TWO}
    root = written(tmp_path / "class", files)
    assert grade(root, tmp_path / "out") == 1
    told = capsys.readouterr()
    assert "2 of 3 files are graded" in told.out
    assert "put it into a folder that is called as the student" in told.err
    assert "Untitled.ipynb" in (tmp_path / "out" / "files.csv").read_text(encoding="utf-8")
    results = (tmp_path / "out" / "students").glob("*/results.json")
    assert {json.loads(r.read_text())["extra_data"]["student"] for r in results} == {"ada", "bob"}
