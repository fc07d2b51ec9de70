"""A busy machine costs no marks; whoever waits, or computes too long, is ended in time."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from submissions import QUICK, RIGHT, function, paper

from normlab.grading import workers
from normlab.grading.confined import clock
from normlab.grading.confined.clock import Clock, Worker
from normlab.grading.confined.limits import LONGEST, Limits
from normlab.grading.paper import LEVELS
from normlab.grading.workers import Workshop

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks and confines")
LIMITS = Limits(seconds=2, idle_seconds=6, memory=0)
COMPUTES = """
import time
while time.process_time() < start + {seconds}: pass
"""


@pytest.fixture
def machine(monkeypatch):
    """A machine on which time passes, and is worked, as the test says."""
    told = {"now": 100.0, "worked": 5.0}
    monkeypatch.setattr(clock.time, "monotonic", lambda: told["now"])

    def passes(seconds, worked):
        told["now"] += seconds
        told["worked"] += worked

    made = Clock(LIMITS, lambda: told["worked"])
    return made, passes


@pytest.mark.parametrize(
    ("looks", "worked"), [(24, 0), (48, 0.125)], ids=["waits", "computes half of the time"]
)
def test_who_waits_is_ended_after_the_idle_time(looks, worked, machine):
    made, passes = machine
    for _ in range(looks - 1):
        passes(0.25, worked)
        assert made.over() == ""
    passes(0.25, worked)
    assert made.over() == "idle"


def test_who_computes_or_waits_for_a_processor_is_not(machine):
    made, passes = machine
    for _ in range(200):
        passes(0.25, worked=0.25)
        assert made.over() == ""


def test_work_of_many_threads_is_not_kept_for_later(machine):
    made, passes = machine
    passes(0.25, worked=64 * 0.25)
    assert made.over() == ""
    passes(6, worked=0)
    assert made.over() == "idle"


def test_there_is_an_end_to_everything(machine):
    made, passes = machine
    for _ in range(4 * LONGEST * 6 - 1):
        passes(0.25, worked=0.25)
        assert made.over() == ""
    passes(0.25, worked=0.25)
    assert made.over() == "wall"


@contextmanager
def running(code):
    process = subprocess.Popen([sys.executable, "-S", "-c", code])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def worked_in(worker, seconds):
    before, begun = worker.worked(), time.monotonic()
    time.sleep(seconds)
    return (worker.worked() - before) / (time.monotonic() - begun)


@linux
def test_a_process_that_computes_works_all_the_time_however_busy_the_machine_is():
    with running("while True: pass") as busy, load(2 * len(os.sched_getaffinity(0))):
        worker = Worker(busy)
        assert worked_in(worker, 1) > 0.9


@linux
def test_a_process_that_sleeps_does_not_work():
    with running("import time\ntime.sleep(100)") as lazy:
        time.sleep(0.5)  # it starts
        assert worked_in(Worker(lazy), 0.5) < 0.1


@linux
def test_threads_that_compute_are_seen():
    code = (
        "import threading\ndef loop():\n    while True: pass\nthreading.Thread(target=loop).start()"
    )
    with running(code) as busy:
        time.sleep(0.5)
        assert worked_in(Worker(busy), 1) > 0.9


@linux
@pytest.mark.parametrize("content", [None, "0 0 0\n"], ids=["no file", "zeros"])
def test_where_waits_are_not_told_a_tenth_of_a_processor_is_work(content, tmp_path, monkeypatch):
    monkeypatch.setattr(clock, "SCHEDSTAT", tmp_path / "schedstat")
    if content is not None:
        (tmp_path / "schedstat").write_text(content)
    with running("while True: pass") as busy:
        assert worked_in(Worker(busy), 0.5) > 1


@linux
def test_a_process_that_has_ended_works_no_more():
    with running("pass") as pid:
        worker = Worker(pid)
        before = worker.worked()
    assert worker.worked() >= before


@linux
@pytest.mark.parametrize(
    ("judge", "over"),
    [("import time\ntime.sleep(100)", "idle"), ("while True: pass", "wall")],
    ids=["waits", "computes"],
)
def test_an_answer_does_not_pay_for_the_judge(judge, over, tmp_path):
    from normlab.grading.confined.child import Child
    from normlab.grading.confined.confinement import Confinement
    from normlab.grading.confined.server import Server

    limits = Limits(seconds=1, idle_seconds=0.3, memory=0)
    ours, theirs = socket.socketpair()
    with ours, theirs, running("import time\ntime.sleep(100)") as student, running(judge) as pid:
        time.sleep(0.5)  # they start
        server = Server(ours, Worker(pid), tmp_path, Confinement())
        assert server.wait(Child(limits, frozenset(), student, theirs)) == over


@contextmanager
def load(processes):
    """Others that want this processor, each in a session of its own, as those of other users."""
    code = "while True: pass"
    others = [
        subprocess.Popen([sys.executable, "-S", "-c", code], start_new_session=True)
        for _ in range(processes)
    ]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.fixture
def one_processor():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    yield
    os.sched_setaffinity(0, before)


@linux
def test_a_right_answer_on_a_busy_machine_keeps_its_marks(one_processor):
    """It needs six tenths of its processor time, and more than its idle time to get it."""
    cell = f"import time\nstart = time.process_time(){COMPUTES.format(seconds=0.6)}"
    workshop = Workshop(LEVELS)  # its processes stay on this processor
    try:
        assert workshop.grade(paper(RIGHT), QUICK).diagnoses[0].passed
        with load(8):
            begun = time.monotonic()
            graded = workshop.grade(paper(cell + RIGHT), QUICK)
            took = time.monotonic() - begun
    finally:
        workshop.close()
    assert took > 3, "the machine was not busy enough to show anything"
    assert graded.diagnoses[0].passed, graded


@linux
def test_an_answer_that_sleeps_is_ended_and_told_so(workshop):
    begun = time.monotonic()
    graded = workshop.grade(paper(function("time.sleep(1000)")), QUICK)
    assert time.monotonic() - begun < 20
    assert graded.diagnoses[0].mistakes == ["time-limit"]
    assert "waited for more than 3 seconds and computed nothing" in graded.diagnoses[0].message


@linux
def test_an_answer_that_sends_half_a_message_is_ended(workshop):
    """The judge is in the middle of reading it."""
    source = (
        "import os, stat, struct, time\n"
        "for number in range(3, 64):\n"
        "    try:\n"
        "        if stat.S_ISSOCK(os.fstat(number).st_mode):\n"
        "            os.write(number, struct.pack('!i', 1000) + b'{')\n"
        "    except OSError: pass\n"
        "time.sleep(1000)"
    )
    begun = time.monotonic()
    workshop.grade(paper(source, RIGHT), QUICK)
    assert time.monotonic() - begun < 30
    assert workshop.grade(paper(RIGHT), QUICK).diagnoses[0].passed


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("time.sleep(1000)", "waited for more than 3 seconds"),
        ("while True: pass", "used more than 1 seconds of processor time"),
    ],
    ids=["sleeps", "computes"],
)
def test_where_nothing_can_be_forked_the_clock_is_the_same(body, told, monkeypatch):
    monkeypatch.setattr(workers, "LINUX", False)
    graded = workers.FreshWorker().grade(paper(function(body)), replace(QUICK, levels=frozenset()))
    assert graded.diagnoses[0].mistakes == ["time-limit"]
    assert told in graded.diagnoses[0].message
