"""Every layout of a class is known for what it is, and everybody in it keeps what is theirs."""

import io
import unicodedata
import zipfile
from functools import cache

import pytest
from classes import EXERCISES, LAYOUTS, PEOPLE, class_files, login, number, written, zipped
from submissions import notebook

from normlab.grading.collect import collect


@cache
def files_of(name):
    """Two notebooks, which nobody else has."""
    return {f"{each}.ipynb": notebook(f"name = {name!r}") for each in EXERCISES}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("as_zip", [False, True], ids=["folder", "zip"])
def test_a_class_of_thirty_gives_thirty_rows_with_the_right_files(layout, as_zip, tmp_path):
    files = class_files(layout, files_of)
    root = tmp_path / "class"
    if as_zip:
        root = tmp_path / "class.zip"
        root.write_bytes(zipped(files | {"__MACOSX/._class": b"\0"}))
    else:
        written(root, files)
    _, called, said = LAYOUTS[layout]
    collection = collect(root)
    assert collection.troubles == ()
    assert collection.said == said
    found = {(s.student, s.exercise): s.file.read() for s in collection.submissions}
    assert found == {
        (called(name), exercise): files_of(name)[f"{exercise}.ipynb"]
        for name in PEOPLE
        for exercise in EXERCISES
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_that_macos_has_taken_apart_are_the_same_names(layout, tmp_path):
    files = class_files(layout, files_of)
    apart = {unicodedata.normalize("NFD", path): content for path, content in files.items()}
    both = [collect(written(tmp_path / str(i), each)) for i, each in enumerate((files, apart))]
    assert both[0].students == both[1].students
    assert len(both[0].students) == 30


def test_utf_8_in_a_zip_file_that_does_not_say_so_is_read_as_macos_wrote_it(tmp_path):
    data = zipped({"Jürgen/01_layer_norm.ipynb": notebook("1"), "Ada/01_layer_norm.ipynb": b"{}"})
    unflagged = data.replace(b"\x14\0\0\x08", b"\x14\0\0\0")
    assert "Jürgen" not in zipfile.ZipFile(io.BytesIO(unflagged)).namelist()[0]
    (tmp_path / "class.zip").write_bytes(unflagged)
    assert collect(tmp_path / "class.zip").students == ["Ada", "Jürgen"]


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "Gradescope"])
def test_who_hands_in_again_is_one_row_and_the_newest_counts(layout, tmp_path):
    name, lay_out = PEOPLE[0], LAYOUTS[layout][0]
    first, second = notebook("1"), notebook("2")
    files = class_files(layout, files_of)
    files |= lay_out(name, {"01_layer_norm.ipynb": first})
    later = lay_out(name, {"01_layer_norm (1).ipynb": second})
    collection = collect(written(tmp_path / "class", files | later))
    mine = [s for s in collection.submissions if s.file.read() in (first, second)]
    if layout == "Google Classroom":  # here everybody chooses the whole name
        assert not mine
        assert {trouble.what.rpartition("/")[2] for trouble in collection.troubles} == {
            f"{name} - 01_layer_norm.ipynb",
            f"{name} - 01_layer_norm (1).ipynb",
            name,
        } - {name}
    else:
        assert [s.file.read() for s in mine] == [second]
        assert len(collection.students) == 30


def test_a_second_attempt_is_no_second_student(tmp_path):
    again = {
        "Blackboard": {
            "Week 1_adalovelace_attempt_2026-12-09-10-00-00_01_layer_norm.ipynb": notebook("9"),
            "Week 1_adalovelace_attempt_2026-12-08-10-00-00_01_layer_norm.ipynb": notebook("8"),
        },
        "Brightspace": {
            f"{number('Ada Lovelace')}-77 - Ada Lovelace - Dec {day}, 2026 0903 AM"
            "/01_layer_norm.ipynb": notebook(str(day))
            for day in (10, 9)
        },
        "nbgrader, collected": {
            f"adalovelace+week1+2026-12-{day:02} 10:00:00 UTC/01_layer_norm.ipynb": notebook(
                str(day)
            )
            for day in (10, 9)
        },
    }
    for layout, more in again.items():
        root = written(tmp_path / layout, class_files(layout, files_of) | more)
        collection = collect(root)
        assert len(collection.students) == 30
        ada = LAYOUTS[layout][1]("Ada Lovelace")
        (mine,) = (
            s for s in collection.submissions if s.student == ada and s.exercise == "01_layer_norm"
        )
        assert mine.file.read() == max(more.values(), key=len), layout


def test_a_mixture_is_called_one(tmp_path):
    files = {
        "ada_12_345_01_layer_norm.ipynb": notebook("1"),
        "bob/01_layer_norm.ipynb": notebook("2"),
        "carol_01_layer_norm.ipynb": notebook("3"),
    }
    collection = collect(written(tmp_path, files))
    assert collection.students == ["ada", "bob", "carol"]
    assert collection.said.startswith("a mixture of ")
    assert collection.layout == "mixed"


def test_several_downloads_in_one_folder_are_one_class(tmp_path):
    files = {
        f"{exercise}.zip": zipped(
            {
                path: content
                for name in PEOPLE
                for path, content in LAYOUTS["Moodle"][0](
                    name, {f"{exercise}.ipynb": notebook(name)}
                ).items()
            }
        )
        for exercise in EXERCISES
    }
    collection = collect(written(tmp_path, files))
    assert (len(collection.students), len(collection.submissions)) == (30, 60)
    assert collection.said == "a Moodle download"


def test_folders_of_weeks_with_the_same_students_are_one_class(tmp_path):
    files = {
        f"week{week}/{login(name)}/{exercise}.ipynb": notebook(name)
        for week, exercise in enumerate(EXERCISES)
        for name in PEOPLE
    }
    collection = collect(written(tmp_path, files))
    assert (len(collection.students), len(collection.submissions)) == (30, 60)


def test_a_course_of_nbgrader_is_graded_from_what_was_submitted_alone(tmp_path):
    files = class_files("nbgrader, submitted", files_of)
    files |= {f"{each}/week1/01_layer_norm.ipynb": notebook("x") for each in ("source", "release")}
    collection = collect(written(tmp_path, files))
    assert len(collection.students) == 30
    assert {s.assignment for s in collection.submissions} == {"week1"}
    assert all(s.submitted for s in collection.submissions)
