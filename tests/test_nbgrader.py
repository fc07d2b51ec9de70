"""A class that lives in nbgrader: our notebook is handed out, collected and graded by nbgrader."""

import csv
import shutil
from pathlib import Path

import nbformat
from nbgrader_course import nbgrader
from submissions import ONE_PASS

ROOT = Path(__file__).parent.parent
NAME = "01_layer_norm.ipynb"
CONFIG = 'get_config().CourseDirectory.course_id = "norms"\n'


def submit(course, student, edit):
    folder = course / "submitted" / student / "week1"
    folder.mkdir(parents=True)
    notebook = nbformat.read(course / "release" / "week1" / NAME, as_version=4)
    solution = nbformat.read(ROOT / "solutions" / NAME, as_version=4)
    for mine, solved in zip(notebook.cells, solution.cells, strict=True):
        if mine.metadata.get("nbgrader", {}).get("solution"):
            mine.source = edit(mine.source, solved.source)
    nbformat.write(notebook, folder / NAME)


def test_nbgrader_gives_the_points_of_the_levels_that_an_answer_has(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text(CONFIG)
    source = tmp_path / "source" / "week1"
    source.mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / NAME, source)
    nbgrader(tmp_path, "generate_assignment", "week1")
    submit(tmp_path, "right", lambda stub, solved: solved)
    submit(tmp_path, "wrong", lambda stub, solved: solved.replace("- mean", "+ mean"))
    two_passes = "(centered**2).mean(axis=-1, keepdims=True)"
    submit(tmp_path, "partly", lambda stub, solved: solved.replace(two_passes, ONE_PASS))
    submit(tmp_path, "missing", lambda stub, solved: stub)
    nbgrader(tmp_path, "autograde", "week1")
    nbgrader(tmp_path, "export")
    with open(tmp_path / "grades.csv") as file:
        grades = {
            row["student_id"]: (row["score"], row["max_score"]) for row in csv.DictReader(file)
        }
    points = {"right": "4.0", "partly": "3.0", "wrong": "0.0", "missing": "0.0"}
    assert grades == {student: (score, "4.0") for student, score in points.items()}
