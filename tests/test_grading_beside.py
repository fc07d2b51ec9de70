"""Papers that one worker has under way at the same time: neither can tell of the other."""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from submissions import QUICK, RIGHT, WRONG, function, paper, solved

from normlab.grading import judge
from normlab.grading.forked_workers import ForkedWorker
from normlab.grading.paper import LEVELS
from normlab.grading.workers import AT_A_WORKER, WorkerDied, Workshop

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks")
NEIGHBOURS = (
    solved("03_rms_norm"),
    paper("# after", RIGHT),
    paper("# last", WRONG),
    solved("01_layer_norm"),
)
FLOOD = (
    "import os, stat\n"
    "for number in range(3, 64):\n"
    "    try:\n"
    "        while stat.S_ISSOCK(os.fstat(number).st_mode):\n"
    "            os.write(number, bytes(100_000))\n"
    "    except OSError: pass"
)
HOLDS_ON = """
import array, os, socket, stat

def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False

channel = next(filter(is_socket, range(3, 64)))
own, kept = socket.socket(fileno=os.dup(channel)), array.array("i", [channel])
own.send(b"ab")
own.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, kept)], socket.MSG_OOB)
"""
"""In a message that nobody takes out of its queue lies the channel, which so has no end."""
BAD = {
    "dies in a cell": ("import os\nos._exit(0)", RIGHT),
    "dies when it is called": (function("os._exit(3)"),),
    "crashes": (function("ctypes.string_at(0)"),),
    "sleeps": (function("time.sleep(1000)"),),
    "sleeps in a cell": ("import time\ntime.sleep(1000)", RIGHT),
    "computes": (function("while True: pass"),),
    "floods the channel": (FLOOD, RIGHT),
    "takes memory": (function("kept = [np.ones(2**24) for _ in range(1000)]"),),
}


@pytest.fixture(scope="module")
def shared():
    """Grades papers at the same time, by one worker."""
    workshop = Workshop(LEVELS, most=1)

    def graded(papers, setting=QUICK):
        with ThreadPoolExecutor(AT_A_WORKER) as threads:
            return [*threads.map(lambda each: workshop.grade(each, setting), papers)]

    yield SimpleNamespace(workshop=workshop, grade=graded)
    workshop.close()


@pytest.fixture(scope="module")
def one_by_one(workshop):
    return {each: workshop.grade(each, QUICK) for each in NEIGHBOURS}


@linux
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_the_neighbours_of_a_bad_paper_are_graded_as_if_alone(bad, shared, one_by_one, workshop):
    worker = shared.workshop.worker()
    first, second, *others = NEIGHBOURS
    before, *graded = shared.grade([first, paper(*bad), second, *others])
    assert [before, *graded[1:]] == [*one_by_one.values()]
    assert graded[0].diagnoses == workshop.grade(paper(*bad), QUICK).diagnoses
    assert shared.workshop.worker() is worker


@linux
@pytest.mark.parametrize("last", ["os._exit(0)", "import time; time.sleep(1000)", "while 1: pass"])
def test_a_channel_that_is_kept_open_by_what_lies_in_it_ends_with_its_process(last, one_by_one):
    """Where there is no filter of system calls, which refuses to send it."""
    before, after = NEIGHBOURS[:2]
    workshop = Workshop(LEVELS - {"seccomp"}, most=1)
    with ThreadPoolExecutor(AT_A_WORKER) as threads:
        papers = before, paper(f"{HOLDS_ON}\n{last}", RIGHT), after
        futures = [threads.submit(workshop.grade, each, QUICK) for each in papers]
        try:
            graded = [future.result(timeout=240) for future in futures]
        finally:
            workshop.close()
    assert [graded[0], graded[2]] == [one_by_one[before], one_by_one[after]]
    assert any("All in one run" in note for note in graded[1].notes)


@linux
def test_a_paper_that_waited_for_its_neighbour_too_long_is_run_once_more(shared, one_by_one):
    """The other one's answer sleeps in several runs, each as long as a process may wait."""
    sleeps, waits = paper(*BAD["sleeps"]), NEIGHBOURS[0]
    slow, quick = shared.grade([sleeps, waits])
    assert slow.diagnoses[0].mistakes == ["time-limit"]
    assert quick == one_by_one[waits]


def finishing(said, name):
    def finish(beside):
        said.append(f"end {name}{' beside' if beside else ''}")
        return name

    return finish


def under_way(places, papers, monkeypatch):
    """What a judge does with papers that are there from the start."""
    said, sent, waiting = [], [], [*papers]

    def receive():
        if not waiting:
            raise EOFError
        return waiting.pop(0), QUICK

    def begin(name, setting, start):
        said.append(f"begin {name} {start}")
        return finishing(said, name)

    channel = SimpleNamespace(recv=receive, poll=lambda: bool(waiting), send=sent.append)
    monkeypatch.setattr(judge, "begin", begin)
    with pytest.raises(EOFError):
        judge._grade_all(channel, places)
    assert sent == papers
    return said


def test_the_next_paper_begins_before_the_last_one_is_judged(monkeypatch):
    assert under_way(["one", "two"], ["a", "b", "c"], monkeypatch) == [
        *("begin a one", "begin b two"),
        *("end a beside", "begin c one"),
        *("end b beside", "end c beside"),
    ]


def test_with_one_place_a_paper_begins_when_the_last_one_is_judged(monkeypatch):
    said = under_way(["one"], ["a", "b"], monkeypatch)
    assert said == ["begin a one", "end a", "begin b one", "end b"]


@pytest.mark.parametrize(("missing", "places"), [("", 2), ("apart", 1)])
@pytest.mark.parametrize("where", range(4))
def test_where_students_are_not_apart_there_is_one_place(missing, places, where):
    """One server that cannot keep them apart is enough."""
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(4)]
    for number, (_, server) in enumerate(pairs):
        levels = [
            {"name": name, "active": number != where or name != missing, "detail": ""}
            for name in ("apart", "landlock")
        ]
        server.send(json.dumps(levels).encode())
    of_judge = [ours for ours, _ in pairs]
    told = []
    channel = SimpleNamespace(send=told.append)
    starts = judge._starts(channel, [(of_judge[0], of_judge[1]), (of_judge[2], of_judge[3])])
    assert len(starts) == places
    assert len(told) == 1
    for each in (end for pair in pairs for end in pair):
        each.close()


@linux
def test_a_worker_that_dies_of_a_paper_costs_its_neighbours_nothing(monkeypatch, one_by_one):
    """They were with it; so was the second worker's only paper, the one that it dies of."""
    real, deadly = ForkedWorker.grade, paper("# deadly", RIGHT)

    def dies(self, paper, setting):
        if paper == deadly:
            self.end()
        return real(self, paper, setting)

    monkeypatch.setattr(ForkedWorker, "grade", dies)
    workshop = Workshop(LEVELS, most=1)
    try:
        with ThreadPoolExecutor(AT_A_WORKER) as threads:
            first, dead, *others = [
                threads.submit(workshop.grade, each, QUICK)
                for each in (NEIGHBOURS[0], deadly, *NEIGHBOURS[1:])
            ]
            with pytest.raises(WorkerDied):
                dead.result()
            graded = [future.result() for future in (first, *others)]
    finally:
        workshop.close()
    assert graded == [*one_by_one.values()]
