"""`normlab grade` as a teacher calls it: batches, kills, clusters, nbgrader, Gradescope."""

import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path

import dask
import psutil
import pytest
from distributed import LocalCluster
from nbgrader_course import nbgrader
from submissions import RIGHT, ROOT, WRONG, grade, mark_of, notebook, solved

from normlab.grading import workers
from normlab.grading.batch import grade_missing, keys_of
from normlab.grading.collect import collect
from normlab.grading.command import Options, grade_command
from normlab.grading.paper import Graded, Setting
from normlab.grading.store import Store
from normlab.grading.workers import ForkedWorker
from normlab.setup.venv import RECORD, write_record

pytestmark = pytest.mark.skipif(
    sys.platform != "linux",
    reason="workers of this kind need Linux; test_grading_honest.py tries those of other systems",
)
NORMLAB = [sys.executable, "-m", "normlab.cli"]


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def totals(out):
    return {row["student"]: row["total"] for row in rows(out / "gradebook.csv")}


def hand_in(root, **students):
    """student=content for exercise 01, or a dict of file names and contents."""
    for student, contents in students.items():
        files = contents if isinstance(contents, dict) else {"01_layer_norm.ipynb": contents}
        (root / student).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (root / student / name).write_bytes(content)
    return root


@pytest.fixture
def small_class(tmp_path):
    both = {
        "01_layer_norm.ipynb": notebook(RIGHT),
        "03_rms_norm.ipynb": solved("03_rms_norm").content,
    }
    return hand_in(
        tmp_path / "class",
        ada=both,
        bob=notebook(WRONG),
        eve=b"{",
        mallory=notebook("import os\nos._exit(0)", RIGHT),
    )


def test_a_class_is_graded_and_everything_is_written(small_class, tmp_path, capsys):
    out = tmp_path / "out"
    assert grade(small_class, out, "--workers", 2) == 0
    assert totals(out) == {"ada": "15", "bob": "3", "eve": "0", "mallory": "4"}
    assert {path.name for path in out.iterdir()} >= {
        *("gradebook.csv", "canvas.csv", "nbgrader.csv", "files.csv", "overview.html"),
        *("grades.sqlite", "students"),
    }
    for student in ("ada", "bob", "eve", "mallory"):
        folder = out / "students" / student
        found = json.loads((folder / "results.json").read_text())
        assert str(found["score"]) in (totals(out)[student], f"{totals(out)[student]}.0")
        assert "points" in (folder / "feedback.html").read_text()
    assert "cancellation" in (out / "students/bob/results.json").read_text()
    assert "cut off" in (out / "students/eve/results.json").read_text()
    printed = capsys.readouterr().out
    assert "is a folder for each student: 4 students" in printed.splitlines()[0]
    assert "5 of 5 files are graded" in printed
    assert "Confinement: limits ✓" in printed
    assert re.search(r"layer_norm +2 +1 +0 +1 +cancellation \(1\)", printed)


def test_what_is_graded_is_not_graded_again_unless_it_is_asked_for(small_class, tmp_path, capsys):
    out = tmp_path / "out"
    grade(small_class, out)
    before = (out / "gradebook.csv").read_text()
    capsys.readouterr()
    assert grade(small_class, out) == 0
    assert "5 of 5 are graded already." in capsys.readouterr().out
    hand_in(small_class, bob=notebook(RIGHT))
    assert grade(small_class, out) == 0
    assert "4 of 5 are graded already." in capsys.readouterr().out
    assert totals(out)["bob"] == "4"
    hand_in(small_class, bob=notebook(WRONG))
    assert grade(small_class, out, "--again") == 0
    assert "already" not in capsys.readouterr().out
    assert (out / "gradebook.csv").read_text() == before


def test_the_same_content_is_graded_once_whoever_hands_it_in(tmp_path):
    content = notebook(RIGHT)
    hand_in(tmp_path / "class", **{f"student{i}": content for i in range(20)})
    assert grade(tmp_path / "class", tmp_path / "out") == 0
    assert set(totals(tmp_path / "out").values()) == {"4"}
    with sqlite3.connect(tmp_path / "out" / "grades.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM graded").fetchone() == (1,)


def test_a_policy_gives_points_partial_credit_and_takes_them_for_lateness(tmp_path):
    root = tmp_path / "submitted"
    lost = RIGHT.replace(".astype(x.dtype)\n", "\n").replace("np.float32))", "np.float64))")
    for student, source in {"ada": RIGHT, "bob": lost, "late": RIGHT}.items():
        folder = root / student / "week1"
        folder.mkdir(parents=True)
        (folder / "01_layer_norm.ipynb").write_bytes(notebook(source))
        day = 4 if student == "late" else 1
        (folder / "timestamp.txt").write_text(f"2026-12-0{day} 10:00:00 UTC")
    policy = tmp_path / "policy.toml"
    policy.write_text(
        "points.layer_norm = 10\npartial.dtype-lost = 0.6\nlate.per_day = 0.25\n"
        "due.01_layer_norm = 2026-12-02T12:00:00Z\n"
    )
    assert grade(root, tmp_path / "out", "--policy", policy) == 0
    assert totals(tmp_path / "out") == {"ada": "10", "bob": "9", "late": "5"}
    late = rows(tmp_path / "out" / "nbgrader.csv")[2]
    assert (late["assignment"], late["raw_score"], late["score"]) == ("week1", "10", "5")
    assert late["late_submission_penalty"] == "5"
    # another policy needs no grading
    policy.write_text("points.layer_norm = 1")
    assert grade(root, tmp_path / "out", "--policy", policy) == 0
    assert totals(tmp_path / "out")["late"] == "1"


def test_a_results_folder_in_use_is_refused(small_class, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    with Store(tmp_path / "out"):
        assert grade(small_class, tmp_path / "out") == 2
    assert "another run is grading" in capsys.readouterr().err


def slow_class(root, size=12):
    """Each takes a while, and is another file."""
    return hand_in(
        root,
        **{
            f"s{i:02}": notebook(f"import time\ntime.sleep(0.4)  # {i}", RIGHT) for i in range(size)
        },
    )


def graded_so_far(out):
    try:
        with sqlite3.connect(out / "grades.sqlite") as connection:
            return connection.execute("SELECT count(*) FROM graded").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def started(root, out):
    """The command in a process group of its own, after it has graded something."""
    command = [*NORMLAB, "grade", str(root), "--out", str(out), "--workers", "1"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while graded_so_far(out) < 2:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.05)
    return process


def started_by(pid=None):
    """What a process, this one by default, has started, and what was started by that."""
    return psutil.Process(pid).children(recursive=True)


def end_soon(processes):
    _, left = psutil.wait_procs(processes, timeout=20)
    assert not left, "processes are left"


def test_a_run_that_is_killed_leaves_nothing_running_and_goes_on_where_it_was(tmp_path, capsys):
    root, out = slow_class(tmp_path / "class"), tmp_path / "out"
    process = started(root, out)
    all_of_it = started_by(process.pid)
    process.kill()
    process.wait()
    there = graded_so_far(out)
    assert 2 <= there < 12
    for student in ("s00", "s11"):  # Gradescope finds a result also after a crash
        assert json.loads((out / f"students/{student}/results.json").read_text())["output"]
    assert all_of_it
    end_soon(all_of_it)
    assert grade(root, out) == 0
    assert re.search(rf"\b{there} of 12 are graded already", capsys.readouterr().out)
    assert set(totals(out).values()) == {"4"}


def test_ctrl_c_writes_what_is_graded_and_says_how_to_go_on(tmp_path):
    # so many that a busy machine does not come to the end before the signal
    root, out = slow_class(tmp_path / "class", size=40), tmp_path / "out"
    process = started(root, out)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=20) == 130
    graded = [row for row in rows(out / "gradebook.csv") if row["total"] == "4"]
    assert 2 <= len(graded) < 40
    waiting = next(r for r in rows(out / "gradebook.csv") if r["total"] != "4")
    assert "grading did not come to it" in waiting["01_layer_norm remark"]


def test_a_worker_that_dies_is_replaced_and_its_paper_graded(monkeypatch, tmp_path):
    root = slow_class(tmp_path / "class", size=4)
    real, killed = ForkedWorker.grade, []

    def grade_once_dead(self, paper, setting):
        if not killed:
            killed.append(self)
            self.end()
        return real(self, paper, setting)

    monkeypatch.setattr(ForkedWorker, "grade", grade_once_dead)
    assert grade(root, tmp_path / "out", "--workers", 1) == 0
    assert killed
    assert set(totals(tmp_path / "out").values()) == {"4"}


def test_what_the_grader_cannot_grade_is_not_charged_to_the_student(monkeypatch, tmp_path, capsys):
    root = hand_in(tmp_path / "class", ada=notebook(RIGHT), bob=notebook("# b", RIGHT))
    real = ForkedWorker.grade

    def dies_over_bob(self, paper, setting):
        if b"# b" in paper.content:
            self.end()
        return real(self, paper, setting)

    monkeypatch.setattr(ForkedWorker, "grade", dies_over_bob)
    out = tmp_path / "out"
    assert grade(root, out, "--workers", 1) == 1
    assert "Not graded: class/bob/01_layer_norm.ipynb" in capsys.readouterr().err
    bob = rows(out / "gradebook.csv")[1]
    assert (bob["01_layer_norm"], bob["01_layer_norm.layer_norm"]) == ("", "")
    assert "ended twice over this file" in bob["01_layer_norm remark"]
    assert "Ask your teacher" in (out / "students/bob/results.json").read_text()
    assert [row["Student"] for row in rows(out / "canvas.csv")][1:] == ["ada"]
    monkeypatch.undo()
    assert grade(root, out) == 0
    assert totals(out)["bob"] == "4"


def test_a_submission_reads_neither_grades_nor_submissions(small_class, tmp_path):
    out = tmp_path / "out"
    assert grade(small_class, out) == 0
    wanted = [
        *(out / "gradebook.csv", out / "grades.sqlite", out / "students/ada/results.json"),
        *(small_class / "ada/01_layer_norm.ipynb", ROOT / "solutions/01_layer_norm.ipynb"),
    ]
    assert all(path.exists() for path in wanted)
    look = (
        f"for path in {[str(path) for path in wanted]}:\n    try:\n"
        "        print(open(path).read())\n"
        "    except OSError as error:\n        print(type(error).__name__)"
    )
    hand_in(small_class, zoe=notebook(look, RIGHT))
    assert grade(small_class, out) == 0
    assert totals(out)["zoe"] == "4"
    page = (out / "students/zoe/feedback.html").read_text()
    assert len(re.findall("PermissionError|FileNotFoundError", page)) == len(wanted)


def test_a_module_beside_a_notebook_takes_no_librarys_place(tmp_path):
    files = {"01_layer_norm.ipynb": notebook(RIGHT), "numpy.py": b"raise SystemExit"}
    hand_in(tmp_path / "class", ada=files)
    assert grade(tmp_path / "class", tmp_path / "out") == 0
    assert totals(tmp_path / "out") == {"ada": "4"}
    assert {row["file"]: row["exercise"] for row in rows(tmp_path / "out/files.csv")} == {
        "class/ada/01_layer_norm.ipynb": "01_layer_norm",
        "class/ada/numpy.py": "",
    }


def test_any_number_of_workers_and_a_cluster_give_the_same_grades(small_class, tmp_path):
    hand_in(small_class, zed=notebook("import random\nprint(random.random())", RIGHT))
    written = {}
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        for where in (
            ["--workers", 1],
            ["--workers", 3],
            ["--scheduler", cluster.scheduler_address],
        ):
            out = tmp_path / str(len(written))
            assert grade(small_class, out, *where, "--seed", 5) == 0
            written[str(where)] = {
                str(path.relative_to(out)): path.read_text(encoding="utf-8")
                for path in out.rglob("*")
                if path.suffix in (".csv", ".json", ".html") and path.name != "overview.html"
            }
    one, three, cluster = written.values()
    assert one == three == cluster


def test_a_cluster_that_is_not_there_is_told(small_class, tmp_path, capsys):
    arguments = ["--scheduler", "tcp://127.0.0.1:9"]
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        assert grade(small_class, tmp_path / "out", *arguments) == 2
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_memory_does_not_grow_with_the_class(tmp_path):
    """As many papers wait as there are workers for, whatever the size of the class."""
    waiting, most = [], 0

    class Counting:
        def submit(self, function, paper, setting):
            nonlocal most
            waiting.append(future := Future())
            most = max(most, len(waiting))
            return future

        def shutdown(self, **options): ...

    class Kept(dict):
        one_write = staticmethod(nullcontext)

        def put(self, key, graded):
            self[key] = graded

    sources = {f"s{i}": notebook(f"x = {i}") for i in range(60)}
    submissions = collect(hand_in(tmp_path, **sources)).submissions
    keys, store = keys_of(submissions, Setting(seed=1)), Kept()

    def finish():
        while len(store) < 60:
            if waiting:
                waiting.pop(0).set_result("graded")
            time.sleep(0.001)

    thread = threading.Thread(target=finish)
    thread.start()
    seen = []
    assert grade_missing(keys, Setting(seed=1), store, Counting(), 4, seen.append) == {}
    thread.join()
    assert set(seen) == set(submissions)
    assert len(store) == 60
    assert most <= 4


def test_a_grade_is_kept_whatever_ends_the_run_before_it_is_compared(tmp_path):
    """Both reach the disk together, since each write waits for it."""

    class AtOnce:
        def submit(self, function, paper, setting):
            future = Future()
            future.set_result(Graded(paper.exercise, ()))
            return future

        def shutdown(self, **options): ...

    def interrupted(submission):
        assert store.connection.in_transaction
        raise KeyboardInterrupt

    submissions = collect(hand_in(tmp_path, ada=notebook("x = 1"))).submissions
    keys = keys_of(submissions, Setting(seed=1))
    with Store(tmp_path) as store, pytest.raises(KeyboardInterrupt):
        grade_missing(keys, Setting(seed=1), store, AtOnce(), 2, interrupted)
    with Store(tmp_path) as store:
        assert all(map(store.has, keys.values()))


# With other tools


def test_grades_go_into_nbgraders_gradebook_and_out_by_nbgraders_own_export(tmp_path):
    root = tmp_path / "course"
    (root / "source" / "week1").mkdir(parents=True)
    shutil.copy(ROOT / "solutions" / "03_rms_norm.ipynb", root / "source" / "week1")
    (root / "nbgrader_config.py").write_text('get_config().CourseDirectory.course_id = "n"\n')
    nbgrader(root, "generate_assignment", "week1")
    released = json.loads((root / "release" / "week1" / "03_rms_norm.ipynb").read_text())
    answers = {mark_of(c): c["source"] for c in json.loads(solved("03_rms_norm").content)["cells"]}
    for student in ("ada", "bob"):
        for cell in released["cells"]:
            if mark_of(cell) in ("rms_norm", "RMSNorm")[: 1 + (student == "ada")]:
                cell["source"] = answers[mark_of(cell)]
        folder = root / "submitted" / student / "week1"
        folder.mkdir(parents=True)
        (folder / "03_rms_norm.ipynb").write_text(json.dumps(released))
        (folder / "timestamp.txt").write_text("2026-12-01 10:00:00 UTC")
    # ada's cells stay solved in what bob gets: he only lacks nothing more than she does
    assert (
        grade(root / "submitted", tmp_path / "out", "--into-nbgrader", root / "gradebook.db") == 0
    )
    nbgrader(root, "export")
    exported = rows(root / "grades.csv")
    ours = rows(tmp_path / "out" / "nbgrader.csv")
    for theirs, own in zip(exported, ours, strict=True):
        for name in ("assignment", "student_id", "timestamp"):
            assert theirs[name] == own[name]
        for name in ("raw_score", "score", "max_score", "late_submission_penalty"):
            assert float(theirs[name]) == float(own[name])
    assert [row["score"] for row in exported] == ["7.0", "7.0"]
    assert {row["max_score"] for row in exported} == {"11.0"}


@pytest.fixture
def autograder(tmp_path):
    """What Gradescope makes of the zip file: /autograder, and programs that need no network."""
    made = subprocess.run(
        ["make", "gradescope", f"PYTHON={sys.executable}"], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    root = tmp_path / "autograder"
    with zipfile.ZipFile(ROOT / "dist" / "gradescope.zip") as file:
        file.extractall(root / "source")
        for name in ("setup.sh", "run_autograder"):
            mode = file.getinfo(name).external_attr >> 16
            assert mode & 0o100, f"{name} is not executable in the zip file"
            (root / "source" / name).chmod(mode)  # zipfile does not
    shutil.copy(root / "source" / "run_autograder", root)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apt-get").write_text('#!/bin/sh\necho "$@" >> "$LOG"\n')
    (programs / "apt-get").chmod(0o755)
    environment = os.environ | {
        "AUTOGRADER": str(root),
        "PATH": f"{programs}:{Path(sys.executable).parent}:/usr/bin:/bin",
        "LOG": str(tmp_path / "apt.log"),
    }
    return root, environment


def installed(root):
    """The environment of these tests, where setup.sh would put its own."""
    venv = root / "source" / "normlab" / ".venv"
    venv.mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != RECORD:
            (venv / part.name).symlink_to(part)
    write_record(root / "source" / "normlab", "course")


def run(script, environment):
    done = subprocess.run([script], env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_gradescopes_setup_installs_what_grading_needs(autograder, tmp_path):
    root, environment = autograder
    installed(root)
    code, printed = run(root / "source" / "setup.sh", environment)
    assert code == 0, printed
    asked = (tmp_path / "apt.log").read_text()
    assert "update" in asked
    assert "bubblewrap libseccomp2" in asked


def test_gradescopes_run_grades_the_submission_by_the_policy_beside_it(autograder):
    root, environment = autograder
    installed(root)
    (root / "source" / "policy.toml").write_text("points.layer_norm = 10\n")
    (root / "submission").mkdir()
    (root / "submission" / "01_layer_norm.ipynb").write_bytes(notebook(RIGHT))
    (root / "submission_metadata.json").write_text(
        json.dumps({"users": [{"email": "ada@a.b"}], "created_at": "2026-12-01T10:00:00Z"})
    )
    code, printed = run(root / "run_autograder", environment)
    assert code == 0, printed
    found = json.loads((root / "results" / "results.json").read_text())
    assert (found["score"], found["extra_data"]) == (10, {"student": "ada@a.b"})
    (root / "submission" / "01_layer_norm.ipynb").write_bytes(notebook(WRONG))
    run(root / "run_autograder", environment)
    found = json.loads((root / "results" / "results.json").read_text())
    assert (found["score"], found["tests"][0]["tags"]) == (7.5, ["cancellation"])


def test_gradescope_gets_a_result_also_where_nothing_can_be_graded(autograder):
    root, environment = autograder  # nothing is installed
    (root / "submission").mkdir()
    for content in (None, b"{"):
        if content:
            installed(root)
            (root / "submission" / "01_layer_norm.ipynb").write_bytes(content)
        run(root / "run_autograder", environment)
        found = json.loads((root / "results" / "results.json").read_text())
        assert found["score"] == 0
        assert found["output"]


def test_without_nbgrader_the_option_says_how_to_get_it(small_class, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    monkeypatch.setitem(sys.modules, "nbgrader.api", None)
    assert grade(small_class, tmp_path / "out", "--into-nbgrader", tmp_path / "g.db") == 2
    assert 'pip install --editable ".[nbgrader]"' in capsys.readouterr().err


def test_warnings_are_loud_where_a_level_is_missing(small_class, tmp_path, capsys):
    levels = frozenset({"landlock", "user"})
    assert grade_command(Options(small_class, tmp_path / "out", levels=levels)) == 0
    printed = capsys.readouterr().out
    assert "seccomp MISSING" in printed
    assert "WARNING: seccomp is missing. it is switched off. A student's code can start" in printed
    page = (tmp_path / "out" / "overview.html").read_text()
    assert "MISSING: it is switched off" in page


def test_the_workers_of_a_run_end_with_it(small_class, tmp_path):
    before = {*started_by()}
    grade(small_class, tmp_path / "out")
    assert all(shop.closed for shop in workers._open.values())
    end_soon([each for each in started_by() if each not in before])
