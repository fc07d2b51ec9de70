"""Which files are whose, of which exercise; and that none is passed over in silence."""

import io
import json
import os
import zipfile

import pytest
from submissions import ROOT, grade, notebook

from normlab.grading.batch import paper_of
from normlab.grading.collect import collect
from normlab.grading.collecting.owners import owner_by_system
from normlab.grading.collecting.times import parse_time

NOTEBOOK = notebook("x = 1")


def put(folder, *names, content=NOTEBOOK):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zipped(*names, content=NOTEBOOK):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name in names:
            file.writestr(name, content)
    return data.getvalue()


def pairs(collection):
    return [(s.student, s.exercise) for s in collection.submissions]


TWO = [("ada", "01_layer_norm"), ("bob", "01_layer_norm")]
SHAPES = {
    "folders": ["ada/01_layer_norm.ipynb", "bob/01_layer_norm.ipynb"],
    "deeper folders": ["ada/work/01_layer_norm.ipynb", "bob/a/b/c/01_layer_norm.ipynb"],
    "nbgrader": ["submitted/ada/w1/01_layer_norm.ipynb", "submitted/bob/w1/01_layer_norm.ipynb"],
    "nbgrader's submitted": ["ada/w1/01_layer_norm.ipynb", "bob/w1/01_layer_norm.ipynb"],
    "Canvas": ["ada_12_345_01_layer_norm.ipynb", "bob_LATE_13_346_01_layer_norm-2.ipynb"],
    "flat": ["ada_01_layer_norm.ipynb", "bob-01_layer_norm.ipynb"],
    "in one folder": ["week1/ada/01_layer_norm.ipynb", "week1/bob/01_layer_norm.ipynb"],
    "flat in one folder": ["week1/ada_1_2_01_layer_norm.ipynb", "week1/bob_3_4_01_layer_norm.py"],
    "capitals": ["ada/01_Layer_Norm.IPYNB", "bob/01_layer_norm.ipynb"],
    "browsers' copies": ["ada/01_layer_norm (1).ipynb", "bob/Copy of 01_layer_norm.ipynb"],
}


@pytest.mark.parametrize("names", SHAPES.values(), ids=SHAPES)
def test_every_usual_shape_is_understood_as_a_folder_and_as_a_zip_file(names, tmp_path):
    assert pairs(collect(put(tmp_path / "class", *names))) == TWO
    path = tmp_path / "submissions.zip"
    path.write_bytes(zipped(*names))
    assert pairs(collect(path)) == TWO


@pytest.mark.parametrize(
    ("names", "inside"),
    [
        (["ada.zip", "bob.zip"], ["01_layer_norm.ipynb"]),
        (["ada.zip", "bob.zip"], ["homework/01_layer_norm.ipynb"]),
        (["ada/work.zip", "bob/my work.zip"], ["01_layer_norm.ipynb"]),
        (["ada_12_345_work.zip", "bob_13_346_work-1.zip"], ["01_layer_norm.ipynb"]),
    ],
)
def test_a_zip_file_of_one_student_is_a_folder(names, inside, tmp_path):
    root = put(tmp_path / "class", *names, content=zipped(*inside))
    assert pairs(collect(root)) == TWO
    both = tmp_path / "class.zip"
    both.write_bytes(zipped(*names, content=zipped(*inside)))
    assert pairs(collect(both)) == TWO


def test_what_canvas_says_in_a_file_name_is_kept():
    owner = owner_by_system("lovelaceada_LATE_12_345_01_layer_norm-3.ipynb")
    assert (owner.name, owner.id, owner.late) == ("lovelaceada", "12", True)
    assert owner.rest == "01_layer_norm-3.ipynb"


def test_of_what_was_handed_in_twice_the_last_counts_and_the_other_is_named(tmp_path):
    root = put(tmp_path, "ada_1_2_01_layer_norm.ipynb", "ada_1_3_01_layer_norm-1.ipynb")
    put(root, "bob/01_layer_norm.ipynb", "bob/01_layer_norm-Copy1.ipynb")
    collection = collect(root)
    chosen = {s.student: s.file.name for s in collection.submissions}
    assert chosen == {"ada": "ada_1_3_01_layer_norm-1.ipynb", "bob": "01_layer_norm.ipynb"}
    named = {reason.rpartition("/")[2] for _, reason in collection.others}
    assert named == {*chosen.values()}
    assert all(reason.startswith("another version counts: ") for _, reason in collection.others)


def test_the_time_of_nbgraders_file_decides_and_is_the_submissions(tmp_path):
    first = "submitted/ada/w1/01_layer_norm.ipynb"
    put(tmp_path, first, "submitted/bob/w1/01_layer_norm.ipynb")
    put(tmp_path, "submitted/ada/w1/timestamp.txt", content=b"2026-12-01 10:00:00.5 UTC\n")
    ada, bob = collect(tmp_path).submissions
    assert ada.submitted == parse_time("2026-12-01T10:00:00.5+00:00")
    assert bob.submitted is None


def test_a_later_time_counts_for_more_than_a_higher_version(tmp_path):
    for week, name in {"w1": "01_layer_norm-3", "w2": "01_layer_norm"}.items():
        put(tmp_path, f"submitted/ada/{week}/{name}.ipynb")
        time = f"2026-12-0{week[1]} 10:00:00 UTC".encode()
        put(tmp_path, f"submitted/ada/{week}/timestamp.txt", content=time)
    put(tmp_path, "submitted/bob/w1/01_layer_norm.ipynb")
    ada, bob = collect(tmp_path).submissions
    assert bob.submitted is None
    assert ada.file.name == "01_layer_norm.ipynb"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-12-01 10:00:00 UTC", "2026-12-01T10:00:00+00:00"),
        ("2026-12-01 10:00:00 Europe/Paris", "2026-12-01T10:00:00+01:00"),
        ("2026-12-01 10:00:00 +0100", "2026-12-01T10:00:00+01:00"),
        ("2018-07-01T14:22:32.365935-07:00", "2018-07-01T14:22:32.365935-07:00"),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_with_their_zone(text, iso):
    time = parse_time(text)
    assert (time and time.isoformat()) == iso


def test_gradescopes_export_names_people_and_times(tmp_path):
    root = tmp_path / "assignment_7_export"
    put(root, "submission_1/01_layer_norm.ipynb", "submission_2/01_layer_norm.ipynb")
    (root / "submission_metadata.yml").write_text(
        "submission_1:\n  :submitters:\n  - :name: Ada\n    :sid: '1'\n    :email: ada@a.b\n"
        "  :created_at: 2026-12-01 10:00:00 UTC\n"
        "submission_2:\n  :submitters:\n  - :name: Bob\n    :sid: '2'\n"
    )
    collection = collect(root)
    assert collection.students == ["2", "ada@a.b"]
    assert collection.submissions[1].submitted == parse_time("2026-12-01T10:00:00+00:00")


def test_the_one_submission_of_gradescopes_autograder_is_its_users(tmp_path):
    put(tmp_path / "submission", "01_layer_norm.ipynb", "03_rms_norm.ipynb")
    metadata = {
        "created_at": "2026-12-01T10:00:00+00:00",
        "users": [{"email": "ada@a.b", "id": 1, "name": "Ada"}],
    }
    (tmp_path / "submission_metadata.json").write_text(json.dumps(metadata))
    collection = collect(tmp_path / "submission")
    assert pairs(collection) == [("ada@a.b", "01_layer_norm"), ("ada@a.b", "03_rms_norm")]
    assert collection.submissions[0].submitted


@pytest.mark.parametrize("text", ["[]", "{", '{"users": 3}', '{"users": [3], "created_at": ""}'])
def test_metadata_that_are_none_are_refused_with_the_mend(text, tmp_path):
    put(tmp_path / "submission", "01_layer_norm.ipynb")
    (tmp_path / "submission_metadata.json").write_text(text)
    with pytest.raises(ValueError, match=r"is no metadata of Gradescope.*move it away"):
        collect(tmp_path / "submission")


def test_a_student_alone_has_the_name_of_the_folder(tmp_path):
    assert collect(put(tmp_path / "ada", "01_layer_norm.ipynb")).students == ["ada"]
    assert collect(put(tmp_path / "x", "bob/01_layer_norm.ipynb", "bob/a.py")).students == ["bob"]


def test_a_notebook_of_another_name_is_known_by_what_it_defines(tmp_path):
    put(tmp_path, "ada/mine.ipynb", content=notebook("def rms_norm(x): ...", "class RMSNorm: ..."))
    put(tmp_path, "bob/mine.py", content=b"def layer_norm(x): ...")
    assert pairs(collect(tmp_path)) == [("ada", "03_rms_norm"), ("bob", "01_layer_norm")]


def test_what_is_not_graded_is_listed_with_the_reason(tmp_path):
    put(tmp_path, "ada/01_layer_norm.ipynb", "bob/01_layer_norm.ipynb")
    put(tmp_path, "ada/report.pdf", "ada/.ipynb_checkpoints/01_layer_norm-checkpoint.ipynb")
    put(tmp_path, "ada/scratch.ipynb", "bob/.DS_Store")
    put(tmp_path, "bob/broken.zip", content=b"PK no zip")
    collection = collect(tmp_path)
    assert pairs(collection) == TWO
    reasons = {origin.rpartition("/")[2]: reason for origin, reason in collection.others}
    assert reasons.keys() == {
        *("report.pdf", "01_layer_norm-checkpoint.ipynb", "scratch.ipynb", ".DS_Store"),
    }
    (broken,) = collection.troubles
    assert broken.what.endswith("bob/broken.zip")
    assert "no zip file" in broken.reason
    assert "neither a notebook" in reasons["report.pdf"]
    assert "neither its name nor what it defines" in reasons["scratch.ipynb"]
    assert str(collection.reasons()).count("\n") >= 3


def test_neither_a_folder_nor_a_zip_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="none does not exist"):
        collect(tmp_path / "none")
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(ValueError, match="neither a folder nor a zip file"):
        collect(tmp_path / "a.txt")


# A student cannot be somebody else


def test_a_students_file_is_the_folders_owners_whatever_its_name_says(tmp_path):
    root = put(tmp_path, "ada/bob_01_layer_norm.ipynb", "bob/01_layer_norm.ipynb")
    put(root, "ada/bob_13_346_01_layer_norm-9.ipynb")
    chosen = {s.student: s.file.origin for s in collect(root).submissions}
    assert chosen["bob"].endswith("bob/01_layer_norm.ipynb")


def test_the_id_that_canvas_wrote_counts_not_one_in_the_students_own_file_name():
    owner = owner_by_system("mallory_12_345_bob_1_2_01_layer_norm.ipynb")
    assert (owner.name, owner.id) == ("mallory", "12")


def test_metadata_and_times_in_a_students_folder_do_not_count(tmp_path):
    root = put(tmp_path, "ada/x/01_layer_norm.ipynb", "bob/01_layer_norm.ipynb")
    yml = b"x:\n  :submitters:\n  - :email: bob\nada:\n  :submitters:\n  - :email: bob\n"
    put(root, "ada/submission_metadata.yml", content=yml)
    put(root, "ada/x/timestamp.txt", content=b"2000-01-01 00:00:00 UTC")
    ada, bob = collect(root).submissions
    assert (ada.student, bob.student, ada.submitted) == ("ada", "bob", None)


def reason(root):
    (submission,) = collect(root).submissions
    paper = paper_of(submission)
    assert paper.content == b""
    return paper.problem


def test_links_are_not_followed(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "01_layer_norm.ipynb").symlink_to(ROOT / "solutions/01_layer_norm.ipynb")
    (tmp_path / "bob").symlink_to(ROOT / "solutions")
    assert "is a link" in reason(tmp_path)
    assert [s.student for s in collect(tmp_path).submissions] == ["ada"]


def test_a_link_in_a_zip_file_is_not_followed(tmp_path):
    with zipfile.ZipFile(tmp_path / "ada.zip", "w") as file:
        link = zipfile.ZipInfo("01_layer_norm.ipynb")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    assert "is a link" in reason(tmp_path)


def test_a_pipe_and_a_very_large_file_are_refused_without_being_read(tmp_path):
    (tmp_path / "ada").mkdir()
    os.mkfifo(tmp_path / "ada" / "01_layer_norm.ipynb")
    assert "is no file" in reason(tmp_path)
    os.unlink(tmp_path / "ada" / "01_layer_norm.ipynb")
    with (tmp_path / "ada" / "01_layer_norm.ipynb").open("wb") as file:
        file.truncate(2**40)
    assert "is larger than 20 MB" in reason(tmp_path)


def test_a_zip_file_cannot_unpack_to_more_than_it_may_nor_name_files_outside(tmp_path):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("../../01_layer_norm.ipynb", b"0" * 50 * 2**20)
    (tmp_path / "ada.zip").write_bytes(data.getvalue())
    assert "is larger than 20 MB" in reason(tmp_path)
    (submission,) = collect(tmp_path).submissions
    assert (submission.student, submission.file.folders) == ("ada", ())


def test_a_damaged_member_of_a_zip_file_is_told(tmp_path):
    data = bytearray(zipped("01_layer_norm.ipynb", content=os.urandom(1000)))
    data[200] ^= 255
    (tmp_path / "ada.zip").write_bytes(data)
    assert "cannot be read from its zip file" in reason(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--workers", "0"], "--workers is 0; expected at least 1"),
        (["--policy", "none.toml"], "none.toml"),
    ],
)
def test_wrong_options_are_refused_with_the_mend(arguments, error, tmp_path, capsys):
    put(tmp_path / "class", "ada/01_layer_norm.ipynb")
    assert grade(tmp_path / "class", tmp_path / "out", *arguments) == 2
    assert error in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_submissions_is_refused(tmp_path, capsys):
    (tmp_path / "class").mkdir()
    assert grade(tmp_path / "class", tmp_path / "out") == 2
    assert "there is no submission" in capsys.readouterr().err
    assert grade(tmp_path / "none", tmp_path / "out") == 2
    assert "none does not exist" in capsys.readouterr().err
