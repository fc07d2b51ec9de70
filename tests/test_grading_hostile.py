"""Whatever a submission does, it costs only itself, and earns only what it has answered.

Each is graded between two good ones by the same worker; both must keep full marks.
"""

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest
from hostile_submissions import CELLS, COUNTED, FORGED, FUNCTIONS, LOOPS
from submissions import QUICK, RIGHT, mark_of, paper, solved

from normlab.grading.command import Options, grade_command
from normlab.grading.confined.confinement import FIRST_USER
from normlab.grading.paper import LEVELS
from normlab.grading.workers import Workshop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines")
GOOD = paper(RIGHT)


@pytest.fixture
def between_good_ones(workshop):
    """Grade a paper; the ones before and after it get full marks, by the same worker."""
    worker = workshop.worker()

    def graded(one):
        assert workshop.grade(GOOD, QUICK).diagnoses[0].passed
        result = workshop.grade(one, QUICK)
        assert workshop.grade(GOOD, QUICK).diagnoses[0].passed
        assert workshop.worker() is worker
        return result

    return graded


def processes_of_students(workshop):
    """A workshop's processes that have become users of their own; none if they cannot."""
    found = []
    for process in psutil.Process(workshop.zygote.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.uids().real >= FIRST_USER:
                found.append(process.pid)
    return found


def eventually(holds, seconds=5):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_level_that_this_system_can_have_is_active(workshop):
    active = {level.name for level in workshop.worker().levels if level.active}
    assert {"limits", "landlock", "seccomp"} <= active
    with_bwrap = subprocess.run(["which", "bwrap"], capture_output=True).returncode == 0
    if with_bwrap:
        assert active == {"limits", "user", "apart", "landlock", "seccomp", "namespaces"}


@pytest.mark.parametrize("source", LOOPS.values(), ids=LOOPS)
def test_an_endless_answer_is_ended_and_told_so(source, between_good_ones):
    (diagnosis,) = between_good_ones(paper(source)).diagnoses
    assert not diagnosis.passed
    assert diagnosis.mistakes == ["time-limit"]
    assert "when layer_norm was called" in diagnosis.message


@pytest.mark.parametrize("source", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_hostile_answer_earns_nothing(source, between_good_ones):
    (diagnosis,) = between_good_ones(paper(source)).diagnoses
    assert not diagnosis.passed
    assert diagnosis.attempted
    assert diagnosis.mistakes
    assert str(diagnosis)


@pytest.mark.parametrize("source", FORGED.values(), ids=FORGED)
def test_forged_messages_earn_nothing(source, between_good_ones):
    (diagnosis,) = between_good_ones(paper(source)).diagnoses
    assert not diagnosis.passed
    (diagnosis,) = between_good_ones(paper(source, function_after)).diagnoses
    assert not diagnosis.passed


function_after = "def layer_norm(x, gamma, beta, eps=1e-5):\n    return x"


@pytest.mark.parametrize("source", FORGED.values(), ids=FORGED)
def test_messages_forged_by_an_answer_earn_nothing(source, between_good_ones):
    body = "\n".join(f"    {line}" for line in source.splitlines())
    (diagnosis,) = between_good_ones(paper(f"def layer_norm(*arguments):\n{body}")).diagnoses
    assert not diagnosis.passed
    assert diagnosis.attempted


@pytest.mark.parametrize("source", CELLS.values(), ids=CELLS)
def test_a_hostile_cell_costs_at_most_its_own_paper_and_not_the_answer_beside_it(
    source, between_good_ones, workshop
):
    graded = between_good_ones(paper(source, RIGHT))
    assert graded.diagnoses[0].passed, graded
    assert len(graded.printed) <= 2000
    assert "\x1b" not in graded.printed
    eventually(lambda: len(processes_of_students(workshop)) <= 1)  # it waits for the next paper


@pytest.mark.parametrize(("most", "source"), COUNTED.values(), ids=COUNTED)
def test_a_cell_gets_no_more_than_its_limit(most, source, between_good_ones):
    graded = between_good_ones(paper(source, RIGHT))
    assert graded.diagnoses[0].passed, graded
    assert int(graded.printed) <= most


@pytest.mark.parametrize(
    "source", [CELLS["leaves a daemon"], FUNCTIONS["forks 200 times"]], ids=["daemon", "forks"]
)
def test_where_processes_can_be_started_they_are_ended(source):
    levels = LEVELS - {"seccomp"}
    workshop = Workshop(levels)
    setting = replace(QUICK, levels=levels)
    try:
        if not any(level.name == "user" and level.active for level in workshop.worker().levels):
            pytest.skip("students' processes have no user of their own to be found by")
        assert workshop.grade(GOOD, setting).diagnoses[0].passed
        workshop.grade(paper(source, "pass" if "layer_norm" in source else RIGHT), setting)
        eventually(lambda: len(processes_of_students(workshop)) == 1)  # it waits for the next paper
        assert workshop.grade(GOOD, setting).diagnoses[0].passed
    finally:
        workshop.close()


def test_a_dead_process_costs_one_question(between_good_ones):
    def edit(cells):
        for cell in cells:
            if mark_of(cell) == "rms_norm_backward":
                cell["source"] = (
                    "def rms_norm_backward(*arguments):\n    import os\n    os._exit(0)"
                )
        return cells

    verdicts = {
        d.function: d.passed for d in between_good_ones(solved("03_rms_norm", edit)).diagnoses
    }
    assert verdicts == {"rms_norm": True, "rms_norm_backward": False, "RMSNorm": True}


def test_a_cell_that_dies_costs_its_own_question_and_not_one_that_needs_another_cell(
    between_good_ones,
):
    def edit(cells):
        for cell in cells:
            if mark_of(cell) == "rms_norm_backward":
                cell["source"] = "import os\nos._exit(0)\ndef rms_norm_backward(): ..."
            if mark_of(cell) == "rms_norm":
                cell["source"] = "".join(cell["source"]) + "\nimport torch.nn as layers\n"
            if mark_of(cell) == "RMSNorm":
                cell["source"] = "".join(cell["source"]).replace("nn.Module", "layers.Module")
        return cells

    graded = between_good_ones(solved("03_rms_norm", edit))
    verdicts = {d.function: d.passed for d in graded.diagnoses}
    assert verdicts == {"rms_norm": True, "rms_norm_backward": False, "RMSNorm": True}


def test_what_one_student_leaves_is_not_there_for_the_next(between_good_ones):
    between_good_ones(paper("open('left', 'w').write('x')\nimport os\nprint(os.getcwd())"))
    seen = between_good_ones(
        paper("import os\nprint(os.listdir('.'), os.listdir('..') if os.access('..', 4) else [])")
    )
    assert "left" not in seen.printed


def test_the_environment_and_the_memory_hold_nothing_of_the_teacher(monkeypatch):
    monkeypatch.setenv("A_SECRET_OF_THE_TEACHER", "hunter2")
    workshop = Workshop(LEVELS)
    try:
        seen = workshop.grade(paper("import os, sys\nprint(dict(os.environ), sys.argv)"), QUICK)
    finally:
        workshop.close()
    assert "OMP_NUM_THREADS" in seen.printed
    assert "SECRET" not in seen.printed
    assert "hunter2" not in seen.printed


def test_no_reference_and_no_exercise_is_loaded_where_students_code_runs():
    code = (
        "import sys; from normlab.grading.confined import zygote, server; "
        "zygote.load_with_torch(); "
        "print(*[m for m in sys.modules if m.startswith('normlab')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    allowed = (
        *("normlab.checks", "normlab.grading.confined", "normlab.exercises.drivers"),
        *("normlab.checks.cells",),
    )
    parents = {"normlab", "normlab.grading", "normlab.exercises"}
    assert [m for m in loaded if m not in parents and not m.startswith(allowed)] == []


def test_grading_as_root_without_any_confinement_is_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "01_layer_norm.ipynb").write_bytes(GOOD.content)
    options = Options(tmp_path / "ada", tmp_path / "out", levels=frozenset())
    assert grade_command(options) == 2
    assert "as root" in capsys.readouterr().err
