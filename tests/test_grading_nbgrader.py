"""nbgrader's database, read back with nbgrader's own programs and its API."""

import csv
import os
import sys
from pathlib import Path

import pytest
from nbgrader_course import nbgrader
from students_marks import exercise_marks, student_marks

from normlab.grading.marks import StudentMarks
from normlab.grading.outputs import tables
from normlab.grading.outputs.nbgrader_database import store_grades
from normlab.grading.policy import Policy

WEEK = [
    StudentMarks(
        "ada",
        tuple(
            exercise_marks("ada", e, assignment="week1") for e in ("01_layer_norm", "03_rms_norm")
        ),
    ),
    student_marks("bob", passed=False, share=0.5, days=3, assignment="week1", email="bob@b.edu"),
    student_marks("eve", "03_rms_norm", assignment="week2"),
    student_marks("-x", graded=False, assignment="week1"),
]
NUMBERS = ("raw_score", "late_submission_penalty", "score", "max_score")


def test_nbgraders_export_of_the_database_has_the_rows_of_our_csv(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text('get_config().CourseDirectory.course_id = "n"\n')
    assert store_grades(tmp_path / "gradebook.db", WEEK) == 4
    nbgrader(tmp_path, "export")
    tables.write_nbgrader(tmp_path / "ours.csv", lambda: iter(WEEK), Policy())
    found = []
    for name in ("grades.csv", "ours.csv"):
        with (tmp_path / name).open(newline="") as file:
            rows = list(csv.DictReader(file))
        found.append(
            {
                (row["assignment"], row["student_id"]): (
                    *(float(row[number]) for number in NUMBERS),
                    *(row["timestamp"], row["email"]),
                )
                for row in rows
            }
        )
    theirs, ours = found
    assert theirs == ours
    assert theirs["week1", "ada"] == (11, 0, 11, 11, "", "")
    assert theirs["week1", "bob"] == (2, 1, 1, 11, "2026-12-01 12:00:00", "bob@b.edu")
    assert theirs["week1", "eve"] == (0, 0, 0, 11, "", "")


def test_formgrader_waits_for_nobody_to_grade_by_hand(tmp_path):
    from nbgrader.api import Gradebook

    store_grades(tmp_path / "gradebook.db", WEEK)
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        shown = [d for name in ("week1", "week2") for d in gradebook.submission_dicts(name)]
        assert {d["student"]: (d["score"], d["max_score"]) for d in shown} == {
            "ada": (11, 11),
            "bob": (2, 11),
            "eve": (7, 7),
        }
        assert not any(d["needs_manual_grade"] for d in shown)
        bob = gradebook.find_submission_notebook("01_layer_norm", "week1", "bob")
        assert bob.late_submission_penalty == 1


@pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # nbgrader's own
def test_what_people_have_entered_in_nbgrader_stays(tmp_path, monkeypatch):
    from nbgrader.api import Gradebook

    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", programs)  # nbgrader runs alembic

    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    where = "01_layer_norm", "week1", "ada"
    ada = student_marks("ada", assignment="week1", email="new@b.edu")
    with Gradebook(url) as gradebook:
        gradebook.add_assignment("week1")
        gradebook.add_notebook("01_layer_norm", "week1")
        gradebook.add_grade_cell("check_layer_norm", *where[:2], max_score=1, cell_type="code")
        gradebook.add_grade_cell("essay", *where[:2], max_score=2, cell_type="markdown")
        gradebook.add_solution_cell("layer_norm", *where[:2])
        gradebook.add_student("ada", first_name="Ada", last_name="L.", email="old@b.edu")
        gradebook.add_submission("week1", "ada", timestamp="2026-11-30 10:00:00 UTC")
        gradebook.find_comment("layer_norm", *where).manual_comment = "nice"
        gradebook.find_grade("check_layer_norm", *where).manual_score = 3.5
        gradebook.db.commit()
    store_grades(tmp_path / "gradebook.db", [ada])
    with Gradebook(url) as gradebook:
        submission = gradebook.find_submission("week1", "ada")
        assert str(submission.timestamp) == "2026-11-30 10:00:00"
        assert (submission.student.first_name, submission.student.email) == ("Ada", "old@b.edu")
        assert gradebook.find_comment("layer_norm", *where).comment == "nice"
        grade = gradebook.find_grade("check_layer_norm", *where)
        assert (grade.auto_score, grade.manual_score, grade.score) == (4, 3.5, 3.5)
        assert gradebook.find_grade("essay", *where).needs_manual_grade  # it is a teacher's to read


def test_a_notebook_that_came_later_can_be_commented_on(tmp_path):
    from nbgrader.api import Gradebook

    store_grades(tmp_path / "gradebook.db", [student_marks("ada", assignment="w")])
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        gradebook.add_notebook("03_rms_norm", "w")
        gradebook.add_solution_cell("rms_norm", "03_rms_norm", "w")
    both = student_marks("ada", "01_layer_norm", "03_rms_norm", assignment="w")
    store_grades(tmp_path / "gradebook.db", [both])
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        comment = gradebook.find_comment("rms_norm", "03_rms_norm", "w", "ada")
        assert comment.comment is None
        assert gradebook.find_submission("w", "ada").score == 11
