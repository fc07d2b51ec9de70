"""Policies, points, lateness, and the files that they are written to."""

import csv
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from submissions import paper

from normlab import cli
from normlab.checks.diagnosis import Diagnosis, Example, Fault, reached
from normlab.grading.collect import Submission
from normlab.grading.collecting.handed_in import HandedIn
from normlab.grading.marks import ExerciseMarks, Mark, StudentMarks
from normlab.grading.outputs import tables
from normlab.grading.outputs.feedback import write_feedback
from normlab.grading.outputs.files import Results
from normlab.grading.outputs.gradescope import results
from normlab.grading.outputs.overview import write_overview
from normlab.grading.paper import Graded, Setting
from normlab.grading.person import Person
from normlab.grading.policy import Policy, parse_policy, read_policy
from normlab.grading.store import Store, grade_key

DUE = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def diagnosis(*mistakes, passed=False, attempted=True, function="layer_norm", most=4):
    """Of an answer that has no level, or whose second one is wrong if there is a mistake."""
    example = Example("one token", "x = 1", "y = 2", "y = 3")
    faults = tuple(Fault(name, f"the title of {name}", "the reason", example) for name in mistakes)
    wrong = None if passed else "any input" if mistakes else "the formula"
    levels = reached({"the formula": most - 2, "any input": 2}, wrong)
    return Diagnosis("01_layer_norm", function, attempted, levels, faults)


# Policies


def test_the_example_of_the_help_is_a_policy_and_has_every_key():
    policy = parse_policy(cli.POLICY_EXAMPLE)
    assert policy == Policy(
        20.0,
        2048,
        False,
        policy.points,
        policy.partial,
        policy.due,
        free_days=2,
        per_day=0.1,
        most_days=7,
    )
    assert dict(policy.points) == {"layer_norm": 10.0}
    assert dict(policy.partial) == {"dtype-lost": 0.5}
    assert policy.due["01_layer_norm"].utcoffset() == timedelta(hours=1)


def test_an_empty_policy_is_the_default():
    assert parse_policy("") == Policy()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("secnds = 1", "the file has the unknown key 'secnds'; did you mean 'seconds'"),
        ("seconds = 0", "seconds is 0; expected a number from 0.1 to 3600"),
        ("seconds = true", "seconds is true; expected a number"),
        ("memory_mb = 1.5", "memory_mb is 1.5; expected a whole number from 128 on"),
        ("library_norms = 1", "library_norms is 1; expected true or false"),
        ("points = 3", "points is 3; expected a table"),
        ("points.layer_norm = -1", r"\[points\] layer_norm is -1; expected a number from 0"),
        ("points.nothing_like_it = 1", r"\[points\] has the unknown key 'nothing_like_it'; known"),
        ("partial.dtype-lots = 1", "did you mean 'dtype-lost'"),
        ("partial.dtype-lost = 2", r"\[partial\] dtype-lost is 2; expected a number from 0 to 1"),
        ("due.01_layer_norm = 2026-12-01T12:00:00", "with its offset from UTC"),
        ("due.01_layer_norm = 'soon'", "with its offset from UTC"),
        ("due.layer_norm = 2026-12-01T12:00:00Z", "did you mean '01_layer_norm'"),
        ("late.per_dya = 1", r"\[late\] has the unknown key 'per_dya'; did you mean 'per_day'"),
        ("late.most_days = -1", "expected a whole number from 0 on"),
        ("points = [", "Invalid"),
    ],
)
def test_what_is_no_policy_is_refused_with_the_mend(text, error, tmp_path):
    with pytest.raises(ValueError, match=error):
        parse_policy(text)
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        read_policy(path)


def test_points_are_the_exercises_or_the_policys_and_partial_credit_is_for_small_mistakes_alone():
    policy = parse_policy("points.layer_norm = 10\npartial.dtype-lost = 0.5\npartial.unknown = 0.1")
    assert Policy().points_for(diagnosis(passed=True)) == 4
    assert policy.points_for(diagnosis(passed=True)) == 10
    assert Policy().points_for(diagnosis("dtype-lost")) == 2  # those of the formula
    assert policy.points_for(diagnosis("dtype-lost")) == 7.5  # and half of those of the next level
    assert policy.points_for(diagnosis("dtype-lost", "unknown")) == 5.5
    assert policy.points_for(diagnosis("dtype-lost", "eps-outside")) == 5
    assert policy.points_for(diagnosis(attempted=False)) == 0
    assert policy.max_points(diagnosis(function="another", most=3)) == 3


def test_days_late_begin_with_the_first_second_and_unknown_times_are_not_late():
    policy = Policy(due={"01_layer_norm": DUE})
    late = [
        policy.days_late("01_layer_norm", DUE + d) for d in (-DAY, 0 * DAY, DAY / 9, DAY, 1.1 * DAY)
    ]
    assert late == [0, 0, 1, 1, 2]
    assert policy.days_late("01_layer_norm", None) == 0
    assert policy.days_late("03_rms_norm", DUE + DAY) == 0


def test_free_days_are_used_in_the_order_of_the_due_times_then_each_day_costs():
    due = {"01_layer_norm": DUE, "03_rms_norm": DUE + 10 * DAY}
    policy = Policy(due=due, free_days=3, per_day=0.2, most_days=5)
    shares = policy.late_shares({"03_rms_norm": DUE + 12 * DAY, "01_layer_norm": DUE + 2 * DAY})
    assert shares == {"01_layer_norm": 1.0, "03_rms_norm": 0.8}
    assert policy.late_shares({"01_layer_norm": DUE + 6 * DAY}) == {"01_layer_norm": 0.0}
    steep = Policy(due=due, per_day=0.5)
    assert steep.late_shares({"01_layer_norm": DUE + 9 * DAY}) == {"01_layer_norm": 0.0}
    assert Policy().late_shares({"01_layer_norm": DUE}) == {"01_layer_norm": 1.0}


def test_what_was_due_first_uses_the_free_days_wherever_its_clock_stood_and_whatever_its_name():
    early = datetime(2026, 12, 1, 23, tzinfo=timezone(timedelta(hours=14)))  # 09:00 UTC
    policy = Policy(
        due={"03_rms_norm": early, "01_layer_norm": datetime(2026, 12, 1, 10, tzinfo=UTC)},
        free_days=1,
        per_day=0.5,
    )
    shares = policy.late_shares({name: due + DAY for name, due in policy.due.items()})
    assert shares == {"03_rms_norm": 1.0, "01_layer_norm": 0.5}


# Files


def marks(student, *diagnoses, share=1.0, days=0, graded=..., canvas="", assignment="", trouble=""):
    file = HandedIn((student,), "01_layer_norm.ipynb", f"class/{student}", bytes)
    when, person = DUE if days else None, Person(id=canvas)
    submission = Submission(student, "01_layer_norm", file, when, person, "", assignment)
    if graded is ...:
        graded = Graded("01_layer_norm", diagnoses, notes=("a note <b>",), printed="printed <i>")
    each = tuple(Mark(d, float(d.points), float(d.max_points)) for d in diagnoses)
    exercise = ExerciseMarks(submission, graded, trouble, each, days, share)
    return StudentMarks(student, (exercise,))


RIGHT = diagnosis(passed=True)
CLASS = [
    marks("ada", RIGHT, canvas="17"),
    marks("bob <b>", diagnosis("eps-outside"), assignment="week1"),
    marks("=cmd()", RIGHT, share=0.5, days=3),
    marks("eve", graded=None, trouble="the cluster is gone"),
]
ASKED = tables.questions_of(CLASS)


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_gradebook_has_a_row_for_each_student_and_a_column_for_each_question(tmp_path):
    tables.write_gradebook(tmp_path / "g.csv", CLASS, ASKED)
    header, ada, bob, cmd, eve = rows(tmp_path / "g.csv")
    assert header[:5] == ["student", "total", "of", "01_layer_norm", "01_layer_norm.layer_norm"]
    assert ada == ["ada", "4", "4", "4", "4", "0", ""]
    assert bob[1:5] == ["2", "4", "2", "2"]
    assert cmd == ["'=cmd()", "2", "4", "2", "4", "3", ""]
    assert eve[3:] == ["", "", "", "not graded: the cluster is gone"]


def test_the_export_has_nbgraders_columns(tmp_path):
    from nbgrader.plugins.export import CsvExportPlugin

    policy = Policy(due={"01_layer_norm": DUE})
    tables.write_nbgrader(tmp_path / "n.csv", lambda: iter(CLASS), policy)
    header, *table = rows(tmp_path / "n.csv")
    ada, bob, cmd = (row for row in table if row[2] or row[7] != "0")
    empty = SimpleNamespace(assignments=[], students=[])
    plugin = CsvExportPlugin()
    plugin.to = str(tmp_path / "theirs.csv")
    plugin.export(empty)
    assert header == rows(tmp_path / "theirs.csv")[0]
    due = "2026-12-01 12:00:00"
    assert ada == ["01_layer_norm", due, "", "ada", "", "", "", "4", "0", "4", "4"]
    assert bob[0] == "week1"
    assert cmd[2:4] == [due, "'=cmd()"]
    assert cmd[-4:] == ["4", "2", "2", "4"]


TYPES = {
    "score": float | int,
    "max_score": float | int,
    "name": str,
    "number": str,
    "output": str,
    "tags": list,
    "visibility": str,
    "status": str,
    "output_format": str,
    "extra_data": dict,
    "tests": list,
    "stdout_visibility": str,
}
"""The fields of https://gradescope-autograders.readthedocs.io/en/latest/specs/ that are used."""


@pytest.mark.parametrize("student", CLASS, ids=lambda s: s.student)
def test_results_json_is_what_gradescope_reads(student):
    found = json.loads(json.dumps(results(student)))
    for each in (found, *found["tests"]):
        assert all(isinstance(value, TYPES[name]) for name, value in each.items())
        assert each.get("status", "passed") in ("passed", "failed")
        assert each["visibility"] == "visible"
    assert found["score"] == student.points
    assert "points" in found["output"]


def test_the_json_of_a_student_says_what_is_wrong_how_late_and_what_is_not_graded():
    bob = results(CLASS[1])["tests"][0]
    assert (bob["status"], bob["score"], bob["tags"]) == ("failed", 2, ["eps-outside"])
    assert "the title of eps-outside" in bob["output"]
    assert "3 days late: 50 % of the points count" in results(CLASS[2])["output"]
    eve = results(CLASS[3])
    assert eve["tests"] == []
    assert "the cluster is gone" in eve["output"]


def test_the_feedback_page_shows_all_and_needs_nothing_from_elsewhere(tmp_path):
    path = tmp_path / "feedback.html"
    write_feedback(path, CLASS[1])
    page = path.read_text(encoding="utf-8")
    for text in ("bob &lt;b&gt;", "the title of eps-outside", "the reason", "x = 1", "y = 3"):
        assert text in page
    assert "a note &lt;b&gt;" in page
    assert "printed &lt;i&gt;" in page
    assert not re.search(r"(src|href)=|https?:|<script", page)


def test_the_overview_shows_the_class_and_its_mistakes(tmp_path):
    path = tmp_path / "overview.html"
    write_overview(path, lambda: iter(CLASS), ASKED, lambda s: f"students/{s}", [])
    page = path.read_text(encoding="utf-8")
    assert page.count("✓</td>") == 2
    assert page.count("◐</td>") == 1
    assert "the title of eps-outside" in page
    assert 'href="students/bob%20%3Cb%3E/feedback.html"' in page


def test_every_student_has_a_folder_of_his_own_on_every_system():
    names = ["ada", "Ada", "a/../b", "..", "x" * 300, "x" * 299, "é ü", "a:b", "CON?"]
    collection = SimpleNamespace(students=names)
    folders = Results(None, collection, None, None).folders
    assert len({folder.lower() for folder in folders.values()}) == len(names)
    assert all(re.fullmatch(r"[\w@+-]{1,90}", folder) for folder in folders.values())


def test_the_nbgrader_database_is_read_by_nbgraders_own_export(tmp_path):
    from nbgrader.api import Gradebook

    from normlab.grading.outputs.nbgrader_database import store_grades

    path = tmp_path / "gradebook.db"
    assert store_grades(path, CLASS) == 3
    assert store_grades(path, [marks("ada", diagnosis("eps-outside"))]) == 1  # a later run
    with Gradebook(f"sqlite:///{path}") as gradebook:
        ada = gradebook.find_submission("01_layer_norm", "ada")
        bob = gradebook.find_submission("week1", "bob <b>")
        late = gradebook.find_submission("01_layer_norm", "=cmd()")
        assert (ada.score, ada.max_score, bob.score) == (2, 4, 2)
        assert (late.score, late.late_submission_penalty, str(late.timestamp)) == (
            *(4, 2),
            "2026-12-01 12:00:00",
        )


def test_the_nbgrader_database_takes_a_notebook_that_came_later_to_an_assignment(tmp_path):
    from nbgrader.api import Gradebook

    from normlab.grading.outputs.nbgrader_database import store_grades

    path = tmp_path / "gradebook.db"
    store_grades(path, [marks("ada", RIGHT, assignment="w")])
    (exercise,) = marks(
        "ada", diagnosis(passed=True, function="rms_norm"), assignment="w"
    ).exercises
    other = Submission("ada", "03_rms_norm", exercise.submission.file, assignment="w")
    store_grades(path, [StudentMarks("ada", (ExerciseMarks(other, *_rest(exercise)),))])
    with Gradebook(f"sqlite:///{path}") as gradebook:
        assert gradebook.find_submission("w", "ada").score == 8


def _rest(exercise):
    return exercise.graded, exercise.trouble, exercise.marks, exercise.days_late, exercise.share


# The store


def test_a_grade_comes_back_as_it_was(tmp_path):
    graded = Graded("01_layer_norm", (diagnosis("eps-outside"), RIGHT), "p", ("n\ud800",), "out")
    with Store(tmp_path) as store:
        store.put("key", graded)
    with Store(tmp_path) as store:
        assert store.get("key") == graded
        assert store.has("key")
        assert store.get("other") is None


def test_the_seed_is_drawn_once_and_kept_unless_another_is_wanted(tmp_path):
    with Store(tmp_path) as store:
        drawn = store.seed(None)
    with Store(tmp_path) as store:
        assert store.seed(None) == drawn
        assert store.seed(7) == 7
        assert store.seed(None) == 7


def test_two_runs_cannot_write_to_one_folder(tmp_path):
    with Store(tmp_path), pytest.raises(BlockingIOError, match="another run is grading"):
        Store(tmp_path).__enter__()
    with Store(tmp_path):
        pass


def test_a_file_that_is_no_store_is_refused_and_kept(tmp_path):
    (tmp_path / "grades.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(ValueError, match="is no file of grades"):
        Store(tmp_path).__enter__()
    assert (tmp_path / "grades.sqlite").read_bytes().startswith(b"something else")


def test_a_grade_belongs_to_the_content_and_to_all_that_decides_it():
    one, setting = paper("x = 1"), Setting(seed=1)
    keys = {grade_key(one, setting), grade_key(paper("x = 2"), setting)}
    keys |= {grade_key(one, Setting(seed=2)), grade_key(one, Setting(seed=1, library_norms=True))}
    keys.add(grade_key(paper("x = 1", exercise="03_rms_norm"), setting))
    assert len(keys) == 5
    assert grade_key(replace(one), Setting(seed=1)) in keys
