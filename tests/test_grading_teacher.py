"""What a teacher does with grades: points by hand, what has changed, feedback to hand back."""

import csv
import json
import re
import shutil
import sqlite3
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import pytest
from submissions import RIGHT, WRONG, grade, notebook
from test_grading_marks import DUE, diagnosis, marks

from normlab.grading.changes import since_last_run
from normlab.grading.collect import Collection, Submission
from normlab.grading.collecting.handed_in import HandedIn
from normlab.grading.marks import StudentMarks, marks_of, too_many_points
from normlab.grading.outputs.feedback_zips import canvas_name, moodle_name, write_feedback_zips
from normlab.grading.outputs.gradescope import results
from normlab.grading.outputs.overview import write_overview
from normlab.grading.outputs.tables import questions_of
from normlab.grading.overrides import overrides_for
from normlab.grading.paper import Graded
from normlab.grading.person import Person
from normlab.grading.policy import Policy
from normlab.grading.store import Store
from normlab.grading.summary import what_changed


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def hand_in(root, **sources):
    for student, source in sources.items():
        (root / student).mkdir(parents=True, exist_ok=True)
        (root / student / "01_layer_norm.ipynb").write_bytes(notebook(source))
    return root


def submission(student, exercise="01_layer_norm", **person):
    file = HandedIn((student,), f"{exercise}.ipynb", f"class/{student}/{exercise}.ipynb", bytes)
    return Submission(student, exercise, file, DUE, person=Person(**person))


# Points and comments by hand

BY_HAND = """
["ada"]
layer_norm = { points = 1.5, comment = "The sign <b>." }
"01_layer_norm" = { comment = "Ill that week." }
"""


def test_what_is_given_by_hand_survives_regrading_and_stands_in_every_output(tmp_path, capsys):
    root, out = hand_in(tmp_path / "class", ada=RIGHT, bob=WRONG), tmp_path / "out"
    out.mkdir()
    (out / "overrides.toml").write_text(BY_HAND, encoding="utf-8")
    database = tmp_path / "gradebook.db"
    assert grade(root, out, "--into-nbgrader", database) == 0
    assert grade(root, out, "--again") == 0
    ada, bob = rows(out / "gradebook.csv")
    assert (ada["total"], ada["01_layer_norm.layer_norm"], bob["total"]) == ("1.5", "1.5", "3")
    said = "by hand: layer_norm: 1.5 of 4 points; the checks gave 4. The sign <b>."
    assert said in ada["01_layer_norm remark"]
    assert "Ill that week." in ada["01_layer_norm remark"]
    assert bob["01_layer_norm remark"] == ""
    assert said in rows(out / "nbgrader.csv")[0]["by_hand"]
    assert rows(out / "canvas.csv")[1]["01_layer_norm"] == "1.5"
    found = json.loads((out / "students/ada/results.json").read_text())
    assert found["score"] == 1.5
    assert found["tests"][0]["status"] == "failed"
    assert "by hand: 1.5 of 4 points" in found["tests"][0]["output"]
    assert "your teacher: Ill that week." in found["output"]
    page = (out / "students/ada/feedback.html").read_text(encoding="utf-8")
    assert "1.5 of 4 points; the checks gave 4." in page
    assert "The sign &lt;b&gt;." in page
    assert "✎ ◐</td>" in (out / "overview.html").read_text(encoding="utf-8")
    assert comments(database) == [
        "by hand: 1.5 of 4 points; the checks gave 4.\n"
        "your teacher: The sign <b>.\nyour teacher: Ill that week."
    ]
    # taken back
    (out / "overrides.toml").unlink()
    assert grade(root, out, "--into-nbgrader", database) == 0
    assert comments(database) == []
    assert [row["total"] for row in rows(out / "gradebook.csv")] == ["4", "3"]
    assert "by_hand" not in rows(out / "nbgrader.csv")[0]
    assert "1 with more points" in capsys.readouterr().out


def comments(database):
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT auto_comment FROM comment")
        return [text for (text,) in rows if text is not None]


def test_what_cannot_be_followed_is_told_and_nothing_else_is_lost(tmp_path, capsys):
    root, out = hand_in(tmp_path / "class", ada=RIGHT, bob=WRONG), tmp_path / "out"
    given = tmp_path / "mine.toml"
    given.write_text(
        "[adda]\nlayer_norm = {points = 1}\n"
        "[bob]\nlayer_norm = {points = 40}\nlayer_nrom = {points = 1}\n"
        "[ada]\nlayer_norm = {points = 2}\nrms_norm = {points = 1}\n"
    )
    assert grade(root, out, "--overrides", given) == 1
    said = capsys.readouterr().err
    assert f"{given}: there is no student 'adda'; did you mean 'ada'?" in said
    assert f"{given}: ['bob'] layer_norm points is 40; expected a number from 0 to 4." in said
    assert "['bob'] has the unknown key 'layer_nrom'; did you mean 'layer_norm'?" in said
    assert "03_rms_norm is not handed in. Hand in an empty 03_rms_norm.py" in said
    assert [row["total"] for row in rows(out / "gradebook.csv")] == ["2", "3"]
    assert (out / "students/bob/feedback.html").exists()
    # what is no TOML stops the run before anything is written over
    before = (out / "gradebook.csv").read_bytes()
    given.write_text("[ada")
    assert grade(root, out, "--overrides", given) == 2
    assert str(given) in capsys.readouterr().err
    assert (out / "gradebook.csv").read_bytes() == before
    assert grade(root, out, "--overrides", tmp_path / "none.toml") == 2


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ({"ada": 3}, r"\['ada'\] is 3; expected a table"),
        ({"ada": {"layer_norm": 3}}, r"\['ada'\] layer_norm is 3; expected a table"),
        ({"ada": {"layer_norm": {"points": -1}}}, "points is -1; expected a number from 0"),
        ({"ada": {"layer_norm": {"points": float("nan")}}}, "points is nan; expected a finite"),
        ({"ada": {"layer_norm": {"points": "3"}}}, "points is '3'; expected a number"),
        ({"ada": {"layer_norm": {"comment": 3}}}, "comment is 3; expected a text"),
        ({"ada": {"layer_norm": {"days_late": 0}}}, "unknown key 'days_late'"),
        ({"ada": {"01_layer_norm": {"points": 1}}}, "unknown key 'points'"),
        ({"ada": {"01_layer_norm": {"days_late": -1}}}, "days_late is -1; expected a whole number"),
        ({"ada": {"nothing": {}}}, "unknown key 'nothing'; known are"),
        ({"zoe": {}}, "there is no student 'zoe'; gradebook.csv has all names"),
        ({"Ada L": {}}, "'Ada L' may be each of ada, eve; name one of these"),
        ({"ada": {"layer_norm": {}}, "17": {"layer_norm": {}}}, "ada is given this twice"),
    ],
)
def test_each_problem_is_named_with_the_mend(tables, problem):
    handed_in = [submission("ada", name="Ada L", id="17"), submission("eve", name="Ada L")]
    found = overrides_for(tables, handed_in)
    assert len(found.problems) == 1
    assert re.search(problem, found.problems[0])


def test_a_student_is_found_by_all_that_only_he_is_called():
    handed_in = [submission("ju\u0308rgen", name="Jürgen M", id="17", login="jm", email="j@x.org")]
    for name in ("jürgen", "ju\u0308rgen", "Jürgen M", "17", "jm", "j@x.org"):
        found = overrides_for({name: {"layer_norm": {"points": 1}}}, handed_in)
        assert (found.problems, list(found.given)) == ((), ["ju\u0308rgen"]), name


def marked(tables, points=4, policy=None):
    """The marks of ada, who was graded, with what she is given by hand."""
    ada = submission("ada")
    given = overrides_for(tables, [ada])
    found = diagnosis(passed=True) if points == 4 else diagnosis("eps-outside")
    store = {"key": Graded("01_layer_norm", (found,))}
    batch = SimpleNamespace(keys={ada: "key"}, troubles={})
    return given, next(marks_of(batch, store, policy or Policy(), given))


def test_points_by_hand_are_those_before_lateness_and_the_days_can_be_given_too():
    late = Policy(due={"01_layer_norm": DUE.replace(day=1, month=11)}, per_day=0.01)
    _, ada = marked({"ada": {"layer_norm": {"points": 2}}}, policy=late)
    assert ada.points == pytest.approx(2 * 0.7)
    _, ada = marked({"ada": {"01_layer_norm": {"days_late": 0}}}, policy=late)
    assert (ada.points, ada.exercises[0].days_late) == (4, 0)
    assert "your teacher counts 0 late days." in results(ada)["output"]
    _, ada = marked({"ada": {"01_layer_norm": {"days_late": 10}}}, policy=late)
    assert (ada.points, ada.exercises[0].days_late) == (pytest.approx(3.6), 10)


def test_more_points_than_can_be_had_leave_those_of_the_checks_and_0_is_a_number():
    given, ada = marked({"ada": {"layer_norm": {"points": 4.1, "comment": "good"}}}, points=2)
    assert (ada.points, ada.exercises[0].marks[0].comment) == (2, "")
    assert len(list(too_many_points(given, [ada]))) == 1
    given, ada = marked({"ada": {"layer_norm": {"points": 0}}})
    assert (ada.points, list(too_many_points(given, [ada]))) == (0, [])
    assert results(ada)["tests"][0]["status"] == "failed"
    _, ada = marked({"ada": {"layer_norm": {"points": 4}}}, points=2)
    assert results(ada)["tests"][0]["status"] == "passed"


# What has changed


def test_what_has_changed_since_the_last_run_is_counted_listed_and_named(tmp_path, capsys):
    root, out = hand_in(tmp_path / "class", ada=RIGHT, bob=WRONG, eve=WRONG), tmp_path / "out"
    assert grade(root, out) == 0
    assert "Since" not in capsys.readouterr().out
    assert rows(out / "changes.csv") == []
    assert grade(root, out) == 0
    assert "Since the last run no points have changed." in capsys.readouterr().out
    hand_in(root, ada=WRONG, bob=RIGHT, zoe=RIGHT)
    shutil.rmtree(root / "eve")
    assert grade(root, out) == 0
    printed = capsys.readouterr().out
    counts = "1 with more points, 1 with fewer points, 1 new, 1 gone"
    assert f"Since the last run, by answer: {counts}; changes.csv names them." in printed
    assert "Fewer points than before: ada (4 → 3), eve (3 → 0)." in printed
    found = [(r["student"], r["before"], r["now"], r["change"]) for r in rows(out / "changes.csv")]
    assert found == [
        ("ada", "4", "3", "down"),
        ("bob", "3", "4", "up"),
        ("zoe", "", "4", "new"),
        ("eve", "3", "", "gone"),
    ]


def test_what_a_run_did_not_come_to_has_neither_gone_nor_fallen(tmp_path):
    right, wrong = diagnosis(passed=True), diagnosis("eps-outside")
    with Store(tmp_path) as store:
        assert since_last_run(store, [marks("ada", right), marks("bob", right)]).first
        waiting = marks("ada", graded=None, trouble="interrupted")
        found = since_last_run(store, [waiting, marks("bob", wrong)])
        assert [(c.student, c.before, c.now) for c in found.changes] == [("bob", 4, 2)]
        found = since_last_run(store, [marks("ada", wrong), marks("bob", wrong)])
        assert found.fallen == (("ada", 4, 2),)
        late = since_last_run(store, [marks("ada", wrong, share=0.5), marks("bob", wrong)])
        assert [(c.before, c.now) for c in late.changes] == [(2, 1)]


def test_a_comparison_that_fails_leaves_the_last_run_as_it_was(tmp_path):
    def breaks():
        yield marks("ada", diagnosis("eps-outside"))
        raise OSError("disk full")

    with Store(tmp_path) as store:
        since_last_run(store, [marks("ada", diagnosis(passed=True))])
        with pytest.raises(OSError, match="disk full"):
            since_last_run(store, breaks())
        found = since_last_run(store, [marks("ada\udc80", diagnosis(passed=True))])
    assert {(c.student, c.kind) for c in found.changes} == {("ada\udc80", "new"), ("ada", "gone")}
    assert "ada (4 → 0)" in what_changed(found)


# Feedback that Canvas and Moodle take back


def context_from_filename(name):
    """User and attachment, as Canvas' infer_comment_context_from_filename finds them."""
    parts = [part for part in name.split("_") if part != "LATE"]
    if parts[0] == "anon":
        return tuple(parts[1:3])
    return tuple([part for part in parts if re.fullmatch("[0-9]+", part)][:2])


@pytest.mark.parametrize(
    ("upload", "ids"),
    [
        ("lovelaceada_12_345_01_layer_norm-1.ipynb", ("12", "345")),
        ("lovelaceada_LATE_12_345_Untitled.ipynb", ("12", "345")),
        ("anon_a1B2c_345_work.zip", ("a1B2c", "345")),
        ("LATE_anon_a1B2c_345_work.zip", ("a1B2c", "345")),
        ("o'neill josé_12_345_my answer.v2.py", ("12", "345")),
        ("jürgen_12_345_noending", ("12", "345")),
    ],
)
def test_canvas_finds_student_and_file_by_the_name_that_feedback_gets(upload, ids):
    name = canvas_name(upload)
    assert context_from_filename(name) == ids
    assert name.endswith(".html")
    assert upload.startswith(name.removesuffix(".html"))


@pytest.mark.parametrize("upload", ["", "ada", "01_layer_norm.ipynb", "anon_x_y.ipynb", "a_1_b"])
def test_what_canvas_did_not_name_is_not_handed_back_to_it(upload):
    assert canvas_name(upload) == ""


def participant(path):
    """Participant, plugin and file, as Moodle's is_valid_filename_for_import finds them."""
    first, *others = path.split("/")
    _, number, kind, plugin, *rest = first.split("_", 4)
    return int(number), f"{kind}_{plugin}", "/".join([*rest, *others]).lstrip("/")


@pytest.mark.parametrize(
    "upload",
    [
        "Ada Lovelace_12345_assignsubmission_file_",
        "Ada Lovelace_12345_assignsubmission_file",
        "Ada Lovelace_12345_assignsubmission_file_01_layer_norm.ipynb",
        "Group 1-Ada Lovelace_12345_assignsubmission_file_",
    ],
)
def test_moodle_finds_the_student_by_the_folder_that_feedback_gets(upload):
    assert participant(moodle_name(upload)) == (12345, "assignsubmission_file", "feedback.html")


def test_what_moodle_did_not_name_is_not_handed_back_to_it():
    assert {moodle_name(name) for name in ("", "ada", "Ada_x_assignsubmission_file_")} == {""}


def uploaded(student, *uploads):
    """The marks of a student with an exercise for each upload."""
    exercises = []
    for number, upload in enumerate(uploads):
        (exercise,) = marks(student, diagnosis(passed=True, most=4 + number)).exercises
        file = replace(exercise.submission, upload=upload)
        exercises.append(replace(exercise, submission=file))
    return StudentMarks(student, tuple(exercises))


def write_zips(folder, layout, cls):
    submissions = tuple(e.submission for student in cls for e in student.exercises)
    write_feedback_zips(folder, Collection(submissions, (), layout=layout), lambda: cls)


def test_of_two_who_handed_in_together_the_one_who_uploaded_gets_the_page(tmp_path):
    def named(student, number):
        marks = uploaded(student, "bob_2_12_01_layer_norm.ipynb")
        (exercise,) = marks.exercises
        own = replace(exercise.submission, person=Person(id=number))
        return StudentMarks(student, (replace(exercise, submission=own),))

    write_zips(tmp_path, "canvas", [named("ada", "1"), named("bob", "2"), named("cem", "3")])
    with zipfile.ZipFile(tmp_path / "feedback-canvas.zip") as file:
        (name,) = file.namelist()
        assert b"Feedback for bob" in file.read(name)


def test_each_upload_gets_a_page_on_what_came_with_it(tmp_path):
    two = ("ada_1_10_01_layer_norm.ipynb", "ada_1_11_03_rms_norm.ipynb")
    cls = [uploaded("ada", *two), uploaded("bob", *["bob_2_12_work.zip"] * 2), uploaded("x", "x")]
    write_zips(tmp_path, "canvas", cls)
    with zipfile.ZipFile(tmp_path / "feedback-canvas.zip") as file:
        pages = {name: file.read(name).decode() for name in file.namelist()}
    assert list(pages) == [
        "ada_1_10_01_layer_norm.html",
        "ada_1_11_03_rms_norm.html",
        "bob_2_12_work.html",
    ]
    assert "<p>4 of 4 points</p>" in pages["ada_1_10_01_layer_norm.html"]
    assert "<p>5 of 5 points</p>" in pages["ada_1_11_03_rms_norm.html"]
    assert "<p>9 of 9 points</p>" in pages["bob_2_12_work.html"]
    first = (tmp_path / "feedback-canvas.zip").read_bytes()
    write_zips(tmp_path, "canvas", cls)
    assert (tmp_path / "feedback-canvas.zip").read_bytes() == first


def test_a_zip_is_there_only_for_the_system_that_the_class_came_from(tmp_path):
    cls = [uploaded("Ada", "Ada_7_assignsubmission_file_")]
    write_zips(tmp_path, "canvas", [])
    assert not list(tmp_path.iterdir())
    write_zips(tmp_path, "moodle", cls)
    assert [path.name for path in tmp_path.iterdir()] == ["feedback-moodle.zip"]
    with zipfile.ZipFile(tmp_path / "feedback-moodle.zip") as file:
        assert file.namelist() == ["Ada_7_assignsubmission_file_/feedback.html"]
    both = [*cls, uploaded("bob", "bob_2_12_work.zip"), uploaded("eve", "eve")]
    write_zips(tmp_path, "mixed", both)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["feedback-canvas.zip", "feedback-moodle.zip"]
    write_zips(tmp_path, "folders", both)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("system", "uploads", "read"),
    [
        ("canvas", ("a_12_3_01_layer_norm.ipynb", "b_LATE_13_4_x.ipynb"), context_from_filename),
        (
            "moodle",
            [f"{n}_assignsubmission_file_/x.ipynb" for n in ("Ada L_12", "Bob M_13")],
            lambda name: (str(participant(name)[0]), participant(name)[2]),
        ),
    ],
)
def test_a_download_is_graded_and_the_feedback_goes_back_to_each(tmp_path, system, uploads, read):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as file:
        for upload in uploads:
            file.writestr(upload, notebook(RIGHT))
    assert grade(tmp_path / "class.zip", tmp_path / "out") == 0
    with zipfile.ZipFile(tmp_path / "out" / f"feedback-{system}.zip") as file:
        names = file.namelist()
        assert all(b"4 of 4 points" in file.read(name) for name in names)
    assert [read(name)[0] for name in names] == ["12", "13"]


# The overview


def test_a_name_of_200_characters_is_cut_by_the_page_and_there_as_a_whole(tmp_path):
    name = "W" * 200
    cls = [marks(name, diagnosis(passed=True)), marks("ada", diagnosis(passed=True))]
    write_overview(tmp_path / "o.html", lambda: iter(cls), questions_of(cls), str, [])
    page = (tmp_path / "o.html").read_text(encoding="utf-8")
    assert f'title="{name}" dir="auto">{name}</a>' in page
    assert "<script" not in page
