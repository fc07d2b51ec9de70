"""Nothing that one student's code does can be felt by the next student's."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from next_student import ATTACKS, VICTIM, attack
from ordinary_user import missing_for_it, run_as_ordinary_user
from submissions import QUICK, RIGHT, paper

from normlab.grading.confined.confinement import NEVER, Confinement
from normlab.grading.paper import LEVELS
from normlab.grading.workers import Workshop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines")
SHARED = LEVELS - {"apart"}
SURROUNDINGS = """
import os
print(os.getuid(), os.getpid(), os.getppid(), os.listdir('.'), os.path.exists('/proc/self'))
print(os.statvfs('.').f_blocks * os.statvfs('.').f_frsize)
"""


def harmed(workshop, source):
    """What became of a student whose work came after an attack; "" if all is well."""
    worker, setting = workshop.worker(), replace(QUICK, levels=workshop.levels)
    workshop.grade(paper(attack(source)), setting)
    graded = workshop.grade(paper(VICTIM + RIGHT), setting)
    if workshop.worker() is not worker:
        return "the worker has died of it"
    well = graded.diagnoses[0].passed and "unharmed" in graded.printed
    return "" if well else str(graded)


def all_attacks():
    """(levels that are active, attack -> what became of the next student), as JSON."""
    for levels in (LEVELS, LEVELS - {"namespaces"}, SHARED):
        workshop = Workshop(levels)
        active = [level.name for level in workshop.worker().levels if level.active]
        found = {name: harmed(workshop, source) for name, source in ATTACKS.items()}
        workshop.close()
        print(json.dumps([active, found]))


@pytest.fixture(scope="module")
def shared_workshop():
    """Workers whose students are not apart."""
    made = Workshop(SHARED)
    yield made
    made.close()


@pytest.mark.parametrize("source", ATTACKS.values(), ids=ATTACKS)
def test_the_next_student_is_not_harmed(source, workshop):
    assert harmed(workshop, source) == ""


@pytest.mark.parametrize("source", ATTACKS.values(), ids=ATTACKS)
def test_the_next_student_is_not_harmed_where_students_cannot_be_apart(source, shared_workshop):
    levels = shared_workshop.worker().levels
    missing = next(level for level in levels if level.name == "apart")
    assert not missing.active
    assert "So each is made only when the last one is gone" in missing.detail
    assert harmed(shared_workshop, source) == ""


@pytest.mark.skipif(bool(missing_for_it()), reason=missing_for_it())
def test_the_students_of_an_ordinary_user_are_not_harmed(tmp_path):
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
    program += "import test_grading_next; test_grading_next.all_attacks()"
    told = run_as_ordinary_user("-c", program, home=tmp_path / "home")
    runs = [json.loads(line) for line in told.splitlines()]
    assert [set(active) - {"limits", "user", "landlock", "seccomp"} for active, _ in runs] == [
        {"apart", "namespaces"},
        {"apart"},
        {"namespaces"},
    ]
    assert [found for _, found in runs] == 3 * [dict.fromkeys(ATTACKS, "")]


def test_each_student_has_a_user_and_a_disk_of_its_own(workshop):
    seen = [workshop.grade(paper(SURROUNDINGS), QUICK).printed.split("\n") for _ in range(3)]
    users = {lines[0].split()[0] for lines in seen}
    assert {tuple(lines[0].split()[1:]) for lines in seen} == {("1", "0", "[]", "False")}
    assert {lines[1] for lines in seen} == {str(256 * 2**20)}
    assert len(users) == 3 or os.getuid()


WITHOUT_USER_NAMESPACES = """
echo 0 > /proc/sys/user/max_user_namespaces || exit 77
exec "$@"
"""


def test_where_the_system_refuses_user_namespaces_the_level_is_missing():
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
    program += "import test_grading_next; test_grading_next.one_attack()"
    inside = ["sh", "-c", WITHOUT_USER_NAMESPACES, "sh", sys.executable, "-c", program]
    done = subprocess.run(["unshare", "-Ur", *inside], capture_output=True, text=True, check=False)
    if done.returncode in (1, 77) and not done.stdout:
        pytest.skip(f"here it cannot be tried: {done.stderr}")
    detail, harm = json.loads(done.stdout)
    assert "unshare" in detail
    assert "user.max_user_namespaces" in detail
    assert harm == ""


def one_attack():
    """(why the level is missing, what became of the next student), as JSON."""
    workshop = Workshop(LEVELS)
    (apart,) = (level for level in workshop.worker().levels if level.name == "apart")
    harm = harmed(workshop, ATTACKS["closes its folder"])
    workshop.close()
    print(json.dumps([apart.detail, harm]))


def test_a_process_that_says_it_is_apart_but_is_not_is_not_believed(tmp_path):
    from normlab.grading.confined import trial

    (tmp_path / "answers").mkdir()
    assert not trial.attempts(Confinement(), tmp_path / "answers")["is apart"]
    confinement, levels = trial.strongest(
        tmp_path / "answers", tmp_path, frozenset(), "there are no user namespaces", torch=True
    )
    assert confinement.apart is None
    apart = next(level for level in levels if level.name == "apart")
    assert apart.detail.startswith("there are no user namespaces. ")


def test_the_next_process_is_made_when_the_last_is_gone_if_they_are_not_apart(shared_workshop):
    """It would be older than the attack that waits for it."""
    born = "import os\nprint(os.stat('.').st_ctime_ns)"
    last = "import os, time\ntime.sleep(1)\nopen('x', 'w').close()\nprint(os.stat('x').st_ctime_ns)"
    setting = replace(QUICK, levels=SHARED)  # both are dated by the clock of files
    first = shared_workshop.grade(paper(last), setting)
    second = shared_workshop.grade(paper(born), setting)
    assert int(second.printed) >= int(first.printed)


def test_torch_computes_for_students_as_it_does_elsewhere(workshop):
    import torch

    source = "import torch\nprint(torch.backends.cpu.get_cpu_capability())\ntorch.ones(2).half()"
    graded = workshop.grade(paper(source, exercise="05_gradient_flow"), QUICK)
    assert graded.printed.strip() == torch.backends.cpu.get_cpu_capability()
    assert not any("code cell 1" in note and "Error" in note for note in graded.notes)


def test_no_call_that_sets_when_or_where_others_run_is_left():
    assert {"sched_setaffinity", "setpriority", "ioprio_set", "sched_setscheduler"} <= {*NEVER}


CALLS = {
    "messages": "socket.socket(fileno=os.dup(channel)).sendmsg([b''])",
    "out-of-band data": "socket.socket(fileno=os.dup(channel)).send(b'x', socket.MSG_OOB)",
    "a lease of a file": "fcntl.fcntl(os.open('own', os.O_CREAT), fcntl.F_SETLEASE, fcntl.F_WRLCK)",
    "notes of a folder": "fcntl.fcntl(os.open('.', 0), fcntl.F_NOTIFY, fcntl.DN_CREATE)",
    "a file in memory": "os.memfd_create('x')",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_holds_up_others_or_the_judge_is_refused(call, workshop):
    if "seccomp" not in {level.name for level in workshop.worker().levels if level.active}:
        pytest.skip("this system filters no calls")
    source = (
        "import fcntl, os, socket, stat\n"
        "def kind(n):\n"
        "    try: return stat.S_ISSOCK(os.fstat(n).st_mode)\n"
        "    except OSError: return False\n"
        "channel = next(filter(kind, range(3, 64)))\n"
        f"try: {call}\n"
        "except PermissionError: print('refused')"
    )
    graded = workshop.grade(paper(source), QUICK)
    assert graded.printed == "refused\n"
