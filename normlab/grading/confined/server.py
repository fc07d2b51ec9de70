"""A worker's server: it forks one process for each run of a student's code, and sees it end.

It is itself forked from the zygote, so it has NumPy and torch loaded. It knows which questions an
exercise asks and on which known inputs, and nothing of any student: its memory is the memory that
students' code runs in.
"""

import contextlib
import ctypes
import importlib
import json
import os
import select
import shutil
import signal
import socket
import traceback
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from normlab.checks.silence import silent_descriptors
from normlab.grading.confined.answers import Question, prepare, read_questions, run_answers
from normlab.grading.confined.confinement import Confinement
from normlab.grading.confined.leftovers import end_children, remove_tree
from normlab.grading.confined.limits import Ending, Limits
from normlab.grading.confined.trial import strongest

PR_SET_CHILD_SUBREAPER = 36
LONGEST_REQUEST = 4096
PAUSE = 0.05
"""Seconds without a request, after which there is time to clean up."""
LOADED_ON_REQUEST = ("IPython.display", "matplotlib.pyplot")


def serve(
    control: socket.socket, folder: Path, allowed: frozenset[str], before: dict[str, Any]
) -> None:
    """Answer requests until the other side is gone.

    Args:
        control: to the judge of this worker.
        folder: this server's own; what students write stays below it.
        allowed: levels of confinement that may be used.
        before: the `Level` that was entered before this process began, as a dict.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    answers, shared = folder / "answers", folder / "shared"
    for each in (answers, shared):
        each.mkdir(parents=True)
    os.environ |= {"HOME": str(shared), "MPLCONFIGDIR": str(shared)}  # what is loaded reads them
    confinement, found = strongest(answers, shared, allowed)
    prepare()
    control.send(json.dumps([*map(asdict, found), before]).encode())
    Server(control, answers, confinement).work()
    shutil.rmtree(folder, ignore_errors=True)  # the grader removes it too


@dataclass(frozen=True)
class Child:
    """A student's process that waits for its task.

    Args:
        order: what it was made for.
        pid: its number.
        folder: in which it may write.
        channel: the other end of its channel.
    """

    order: dict[str, Any]
    pid: int
    folder: Path
    channel: socket.socket


class Server:
    """Forks, watches and cleans up. One process runs at a time; the next one waits already.

    Requests are datagrams:
        "exercise": comes with a descriptor of its questions, which are kept.
        "run": the descriptor of a channel to a student's process goes back.
        "end": ends that process.
        "ending": ends it, and its `Ending` goes back.
    """

    def __init__(self, control: socket.socket, answers: Path, confinement: Confinement) -> None:
        self.control, self.answers, self.confinement = control, answers, confinement
        self.questions: dict[str, list[Question]] = {}
        self.spare: Child | None = None
        self.killed: Child | None = None
        self.alive: set[int] = set()
        self.number = 0

    def work(self) -> None:
        while True:
            if not select.select([self.control], [], [], PAUSE)[0]:
                self._bury_if_any()
            request, descriptors = self._receive()
            if not request:
                break
            if request["what"] == "exercise":
                with os.fdopen(descriptors[0], "rb") as file:
                    self.questions[request["name"]] = read_questions(file.read())
            else:
                self._run(request["order"])
        self._drop_spare()

    def _run(self, order: dict[str, Any]) -> None:
        if self.spare is None or self.spare.order != order:
            self._drop_spare()
            self.spare = self._fork(order)
        child = self.spare
        socket.send_fds(self.control, [b"run"], [child.channel.fileno()])
        child.channel.close()
        self._bury_if_any()  # the one before; it and a new one need some milliseconds
        self.spare = self._fork(order)  # while the other one works
        by_us = self._wait(child)
        self._kill(child)
        lonely = self.confinement.calls is not None  # it could start no other process
        ending = None if lonely and by_us == "asked" else self._bury(by_us)
        request, _ = self._receive()
        if request.get("what") == "ending":
            with contextlib.suppress(BrokenPipeError):  # the judge is gone
                self.control.send(json.dumps(asdict(ending or self._bury(by_us))).encode())

    def _drop_spare(self) -> None:
        self._bury_if_any()
        if self.spare is not None:
            self._kill(self.spare)
            self.spare = None
            self._bury("asked")

    def _receive(self) -> tuple[dict[str, Any], list[int]]:
        """A request and its descriptors; nothing if the judge is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.control, LONGEST_REQUEST, 1)
        except ConnectionResetError:
            return {}, []
        return json.loads(data or "{}"), descriptors

    def _fork(self, order: dict[str, Any]) -> Child:
        with silent_descriptors():  # matplotlib runs fc-list, which may complain
            for module in order["load"]:
                if module in LOADED_ON_REQUEST:
                    importlib.import_module(module)
        self.number += 1
        folder = self.answers / str(self.number)
        folder.mkdir(mode=0o700)
        if self.confinement.user is not None:
            os.chown(folder, self.confinement.user, self.confinement.user)
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            limits, questions = Limits(**order["limits"]), self.questions[order["exercise"]]
            _become_answer(theirs.detach(), folder, self.confinement, limits, questions)
        theirs.close()
        self.alive.add(pid)
        return Child(order, pid, folder, ours)

    def _wait(self, child: Child) -> str:
        """Why the run is over: "" if it ended by itself."""
        watched = select.poll()
        ended = os.pidfd_open(child.pid)
        try:
            watched.register(ended, select.POLLIN)
            watched.register(self.control, select.POLLIN)
            seconds = child.order["limits"]["wall_seconds"]
            ready = [descriptor for descriptor, _ in watched.poll(1000 * seconds)]
        finally:
            os.close(ended)
        if self.control.fileno() in ready:
            return "asked"
        return "" if ready else "wall"

    def _kill(self, child: Child) -> None:
        os.kill(child.pid, signal.SIGKILL)  # it has not been waited for, so the number is its own
        self.alive.remove(child.pid)
        self.killed = child

    def _bury_if_any(self) -> None:
        if self.killed is not None:
            self._bury("asked")

    def _bury(self, by_us: str) -> Ending:
        """See the killed one end, end all that it has started, and remove its files."""
        assert self.killed is not None
        child, self.killed = self.killed, None
        _, status, usage = os.wait4(child.pid, 0)
        child.channel.close()
        end_children(but=self.alive)
        remove_tree(child.folder)
        seconds = usage.ru_utime + usage.ru_stime
        return Ending(os.waitstatus_to_exitcode(status), by_us, seconds, usage.ru_maxrss * 1024)


def _become_answer(
    channel: int,
    folder: Path,
    confinement: Confinement,
    limits: Limits,
    questions: list[Question],
) -> NoReturn:
    """In the new process: let go of everything, run the answers, and end without any cleaning."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        os.environ |= {"HOME": str(folder), "TMPDIR": str(folder)}
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with contextlib.suppress(OSError):  # the first to go if the machine runs out of memory
            Path("/proc/self/oom_score_adj").write_text("1000")
        confinement.enter(limits)
        keep_only(channel)
        run_answers(Connection(channel), questions)
        code = 0
    except Exception:
        traceback.print_exc()  # seen only if it comes from before `keep_only`
    finally:
        os._exit(code)


def keep_only(descriptor: int) -> None:
    """Close all others; the standard ones lead nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
