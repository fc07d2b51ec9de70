"""Canvas, Moodle and Gradescope read what is written for them, each by its own rules."""

import json

import jsonschema
import pytest
from importers import ImportFailed, canvas_import, moodle_import, schema
from students_marks import exercise_marks, student_marks
from submissions import RIGHT, WRONG, function, grade, notebook, solved

from normlab.grading.marks import StudentMarks
from normlab.grading.outputs import tables
from normlab.grading.outputs.feedback import write_feedback
from normlab.grading.outputs.gradescope import results as results_of
from normlab.grading.outputs.gradescope import write_results
from normlab.grading.outputs.learning_systems import write_canvas, write_moodle

NAMES = (
    *("Ada Lovelace", "Lovelace, Ada", 'Ada "the first"', "ada; drop", "Ädä 愛 עדה", "O'Ada"),
    *(
        "=cmd()",
        "-ada",
        "+ada",
        "@ada",
        "\tada",
        "line\nbreak",
        "Points Possible",
        " Points Possible",
    ),
    *("12.345", "1,5", "Muted", "Test Student, 2", "x" * 200, "<b>ada</b>", "\\", '"', ";;;", "EX"),
)
LOGINS = (
    "ada",
    "-ada",
    "+49151",
    "@ada",
    "ada@b.edu",
    "0012",
    "ADA",
    "ada lovelace",
    "o'ada",
    "愛",
)


def written(write, students, path, **how):
    asked = tables.questions_of(students)
    return write(path, lambda: iter(students), asked, **how)


# Canvas


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("known", ["id", "sis_id", "login"])
def test_canvas_finds_everybody_by_what_is_known_whatever_the_name(name, known, tmp_path):
    course = [
        {"id": str(i), "name": n, "login": f"login{i}", "sis_id": f"S{i}"}
        for i, n in enumerate((name, "Bob", "Eve"), 17)
    ]
    students = [
        student_marks(s["name"], passed=i != 1, name=s["name"], **{known: s[known]})
        for i, s in enumerate(course)
    ]
    assert written(write_canvas, students, tmp_path / "canvas.csv") == []
    grades, possible = canvas_import(tmp_path / "canvas.csv", course)
    points = {i: float(g["01_layer_norm"]) for i, g in grades.items()}
    assert points == {"17": 4, "18": 2, "19": 4}
    assert possible == {"01_layer_norm": 4}


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_is_written_as_it_is(login, tmp_path):
    course = [{"id": "5", "name": "A", "login": login, "sis_id": ""}]
    for of in ({"login": login}, {"sis_id": "", "name": "Z", "login": login}):
        written(write_canvas, [student_marks("ada", **of)], tmp_path / "canvas.csv")
        assert [*canvas_import(tmp_path / "canvas.csv", course)[0]] == ["5"]
    moodle = [{"id": "5", "email": "", "login": login, "sis_id": ""}]
    written(write_moodle, [student_marks("ada", login=login)], tmp_path / "moodle.csv")
    assert [*moodle_import(tmp_path / "moodle.csv", moodle, "Username")] == ["5"]


@pytest.mark.parametrize("login", ["=1+1", "=cmd|'/C calc'!A0", "-1+cmd()", "@SUM(A1)", "a\nb"])
def test_no_cell_of_a_file_for_import_is_computed(login, tmp_path):
    students = [student_marks(login, name=login, login=login, sis_id=login, section=login)]
    written(write_canvas, students, tmp_path / "canvas.csv")
    row = (tmp_path / "canvas.csv").read_text().splitlines()[2]
    assert not any(cell.strip('"').startswith(("=", "@", "-1")) for cell in row.split(","))
    assert written(write_moodle, students, tmp_path / "moodle.csv") == []
    assert not (tmp_path / "moodle.csv").exists()  # it would end the import for all


def test_canvas_has_the_number_of_the_download_or_the_name_for_a_login(tmp_path):
    students = [student_marks("ada", id="17"), student_marks("bob")]
    written(write_canvas, students, tmp_path / "canvas.csv")
    course = [
        {"id": "17", "name": "A", "login": "a", "sis_id": ""},
        {"id": "18", "name": "B", "login": "bob", "sis_id": ""},
    ]
    assert {*canvas_import(tmp_path / "canvas.csv", course)[0]} == {"17", "18"}


@pytest.mark.parametrize("layout", ["moodle", "gradescope", "Blackboard", "brightspace"])
def test_another_systems_numbers_are_none_of_canvas(layout, tmp_path):
    """They would be those of somebody else there."""
    course = [
        {"id": "17", "name": "Eve", "login": "eve", "sis_id": ""},
        {"id": "99", "name": "Ada", "login": "ada", "sis_id": ""},
    ]
    students = [student_marks("ada", id="17", login="ada")]
    written(write_canvas, students, tmp_path / "canvas.csv", layout=layout)
    assert [*canvas_import(tmp_path / "canvas.csv", course)[0]] == ["99"]


def test_letters_are_no_number_of_canvas_which_would_read_the_digits_before_them(tmp_path):
    course = [
        {"id": "12", "name": "Eve", "login": "eve", "sis_id": ""},
        {"id": "99", "name": "Ada", "login": "ada", "sis_id": ""},
    ]
    written(write_canvas, [student_marks("ada", id="12b", login="ada")], tmp_path / "c.csv")
    assert [*canvas_import(tmp_path / "c.csv", course)[0]] == ["99"]


@pytest.mark.parametrize("write", [write_canvas, write_moodle])
def test_who_is_not_graded_is_left_out_and_told_since_an_empty_cell_takes_a_grade_away(
    write, tmp_path
):
    bob = StudentMarks(
        "bob",
        (
            exercise_marks("bob", "01_layer_norm", login="bob"),
            exercise_marks("bob", "03_rms_norm", graded=False, login="bob"),
        ),
    )
    students = [student_marks("ada", "01_layer_norm", "03_rms_norm", login="ada"), bob]
    (told,) = written(write, students, tmp_path / "out.csv")
    assert told.startswith("out.csv leaves out 1 of the class (bob): not all of their files")
    assert "ada" in (tmp_path / "out.csv").read_text()
    assert "bob" not in (tmp_path / "out.csv").read_text()


def test_a_name_in_no_alphabet_costs_nobody_a_file(tmp_path):
    """A file's name on Linux is bytes; this one's are no UTF-8."""
    students = [student_marks("ad\udcff"), student_marks("bob")]
    written(write_canvas, students, tmp_path / "canvas.csv")
    tables.write_gradebook(tmp_path / "g.csv", students, tables.questions_of(students))
    write_results(tmp_path / "results.json", students[0])
    write_feedback(tmp_path / "feedback.html", students[0])
    for path in tmp_path.iterdir():
        assert "ad?" in path.read_text(encoding="utf-8")


# Moodle


@pytest.mark.parametrize("column", ["Email address", "ID number", "Username"])
def test_moodle_finds_everybody_by_any_column_that_is_there(column, tmp_path):
    course = [
        {"id": i, "email": f"s{i}@b.edu", "login": f"s{i}", "sis_id": f"00{i}"} for i in range(3)
    ]
    students = [
        student_marks(
            f"student {s['id']}",
            passed=s["id"] != 1,
            days=s["id"],
            share=1 - s["id"] / 10,
            **{field: s[field] for field in ("email", "login", "sis_id")},
        )
        for s in course
    ]
    assert written(write_moodle, students, tmp_path / "moodle.csv") == []
    found = moodle_import(tmp_path / "moodle.csv", course, column)
    assert {i: each["01_layer_norm"][0] for i, each in found.items()} == {0: 4, 1: 1.8, 2: 3.2}
    assert found[1]["01_layer_norm"][1] == (
        "layer_norm: 2 of 4 (eps-outside); days late: 1, 90 % of the points count"
    )


def test_a_column_that_is_not_full_is_not_there_and_who_has_none_is_left_out(tmp_path):
    """A row with nothing in the column would give its grades to the student before it."""
    people = [
        {"login": "a", "email": "a@b.edu"},
        {"login": "b"},
        {"login": "c", "email": "c@b.edu"},
        {"email": "d@b.edu"},
    ]
    students = [student_marks(f"s{i}", passed=i != 1, **p) for i, p in enumerate(people)]
    (told,) = written(write_moodle, students, tmp_path / "moodle.csv")
    course = [{"id": i, "email": "", "sis_id": "", "login": ""} | p for i, p in enumerate(people)]
    header = (tmp_path / "moodle.csv").read_text().splitlines()[0]
    (column,) = set(header.split(",")) & {"Email address", "ID number", "Username"}
    found = moodle_import(tmp_path / "moodle.csv", course, column)
    assert len(found) == 3
    assert all(each["01_layer_norm"][0] == (2 if i == 1 else 4) for i, each in found.items())
    assert f"(s{({0, 1, 2, 3} - {*found}).pop()}): {column} is not known" in told


def test_an_older_file_for_moodle_does_not_stay_when_nobody_is_known(tmp_path):
    (tmp_path / "moodle.csv").write_text("old")
    assert written(write_moodle, [student_marks("ada")], tmp_path / "moodle.csv") == []
    assert not (tmp_path / "moodle.csv").exists()


def test_addresses_that_stand_for_names_are_addresses_unless_there_are_two(tmp_path):
    students = [student_marks("ada@b.edu"), student_marks("ada@b.edu + bob@b.edu")]
    (told,) = written(write_moodle, students, tmp_path / "moodle.csv")
    course = [{"id": 1, "email": "ada@b.edu", "sis_id": "", "login": ""}]
    assert [*moodle_import(tmp_path / "moodle.csv", course, "Email address")] == [1]
    assert "(ada@b.edu + bob@b.edu): Email address is not known" in told


def test_the_importers_of_these_tests_refuse_what_the_real_ones_refuse(tmp_path):
    path = tmp_path / "bad.csv"
    course = [{"id": "1", "name": "Ada", "login": "ada", "sis_id": "", "email": "a@b"}]
    path.write_text("Student,ID,SIS User ID,SIS Login ID,Section,x\nBob,,,'ada,,1\n")
    with pytest.raises(ImportFailed, match="new student"):
        canvas_import(path, course)
    path.write_text("Name,ID,SIS User ID,SIS Login ID,Section,x\n")
    with pytest.raises(ImportFailed, match="header"):
        canvas_import(path, course)
    for row in ("'a@b,1,", "a@b,one,", ",1,"):
        path.write_text(f"Email address,x,x feedback\n{row}\n")
        with pytest.raises(ImportFailed):
            moodle_import(path, course, "Email address")


# Gradescope

HOSTILE = (
    r'raise ValueError("\x00\x1b[31m\ud800 </script><b> =cmd()" + "x" * 10**6)',
    r'print("\x00\ud800" * 10**5)',
)
HANDED_IN = {
    "right": notebook(RIGHT),
    "wrong": notebook(WRONG),
    "partly": solved("03_rms_norm").content.replace(b"(gamma * normalized)", b"(normalized)"),
    "empty": b"",
    "unreadable": b"{",
    "binary": bytes(range(256)),
    "no cells": notebook(),
    "ends": notebook("import os\nos._exit(0)", RIGHT),
    "hostile text": notebook(function(*HOSTILE)),
    "hostile cell": notebook(*HOSTILE, RIGHT),
    "=cmd()": notebook("# late", RIGHT),
    "ädä 愛 עדה": notebook("# 2", RIGHT),
}


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory):
    """All kinds of work, some of it late."""
    root = tmp_path_factory.mktemp("formats")
    for student, content in HANDED_IN.items():
        exercise = "03_rms_norm" if student == "partly" else "01_layer_norm"
        folder = root / "submitted" / student / "week1"
        folder.mkdir(parents=True)
        (folder / f"{exercise}.ipynb").write_bytes(content)
        (folder / "timestamp.txt").write_text("2026-12-03 10:00:00 UTC")
    (root / "policy.toml").write_text(
        "seconds = 5\n[due]\n01_layer_norm = 2026-12-01T12:00:00Z\n[late]\nper_day = 0.3\n"
    )
    out = root / "out"
    assert grade(root / "submitted", out, "--policy", root / "policy.toml") == 0
    return out


def test_every_results_json_is_what_gradescope_publishes(graded_class):
    found = sorted(graded_class.glob("students/*/results.json"))
    assert len(found) == len(HANDED_IN)
    scores = {}
    for path in found:
        results = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.validate(results, schema("gradescope_results"))
        scores[results["extra_data"]["student"]] = results["score"]
        most = sum(test["max_score"] for test in results["tests"])
        assert f"of {most:g} points" in results["output"]
        assert all(t["status"] == "failed" for t in results["tests"] if t["score"] < t["max_score"])
    assert scores["right"] == scores["=cmd()"] == 1.6  # two days late
    assert scores["unreadable"] == scores["empty"] == scores["hostile text"] == 0


def test_a_student_who_is_not_graded_yet_has_a_results_json_too():
    for student in (student_marks("ada", graded=False), student_marks("ada", days=2, share=0.4)):
        jsonschema.validate(
            json.loads(json.dumps(results_of(student))), schema("gradescope_results")
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": "4"},
        {"score": 4, "visibility": "shown"},
        {"score": 4, "grade": 4},
        {"tests": []},
        {"score": 4, "tests": [{"status": "partly"}]},
        {"score": 4, "output": "\0"},
    ],
)
def test_the_schema_refuses_what_gradescope_does_not_know(wrong):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema("gradescope_results"))
