"""A worker's server: it forks one process for each run of a student's code, and sees it end.

It is itself forked from a zygote, so it has NumPy loaded, and torch or not. It knows which
questions an exercise asks and on which known inputs, and nothing of any student: its memory is the
memory that students' code runs in.
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
import sys
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from normlab.checks.interpreter import SWITCH
from normlab.checks.silence import silent_descriptors
from normlab.grading.confined.answers import Question, prepare, read_questions
from normlab.grading.confined.child import Child, start
from normlab.grading.confined.clock import TICK, Clock, Worker
from normlab.grading.confined.confinement import Confinement
from normlab.grading.confined.large_pages import gather
from normlab.grading.confined.leftovers import Folders, end_children
from normlab.grading.confined.limits import Ending, Limits
from normlab.grading.confined.trial import strongest

PR_SET_CHILD_SUBREAPER = 36
LONGEST_REQUEST = 4096
PAUSE = 0.05
"""Seconds without a request, after which there is time to clean up."""
LOADED_ON_REQUEST = ("IPython.display", "matplotlib.pyplot", "triton.language")


def serve(control: socket.socket, wanted: dict[str, Any]) -> None:
    """Answer requests until the other side is gone.

    Args:
        control: to the judge of this worker.
        wanted: the number of the judge's process ("judge"); a "folder" of this server's own, below
            which stays what students write; "levels" that may be used; why this process cannot make
            others that are apart ("not_moved"); and the `Level` that was entered before it began
            ("namespaces").
    """
    folder = Path(wanted["folder"])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    answers, shared = folder / "answers", folder / "shared"
    for each in (answers, shared):
        each.mkdir(parents=True)
    os.environ |= {"HOME": str(shared), "MPLCONFIGDIR": str(shared)}  # what is loaded reads them
    os.environ |= {SWITCH: "1", "TRITON_CACHE_DIR": str(shared)}
    levels = frozenset(wanted["levels"])
    torch = "torch" in sys.modules
    confinement, found = strongest(answers, shared, levels, wanted["not_moved"], torch)
    prepare()
    control.send(json.dumps([*map(asdict, found), wanted["namespaces"]]).encode())
    gather()  # while the first paper is read
    Server(control, Worker(wanted["judge"]), answers, confinement).work()
    shutil.rmtree(folder, ignore_errors=True)  # the grader removes it too


class Server:
    """Forks, watches and cleans up. One process runs at a time.

    Where students are apart, the next one's process waits already, and does not yet know for which
    exercise; else it is made when nothing is left of the last one.

    Requests are datagrams:
        "exercise": comes with a descriptor of its questions, which are kept.
        "run": the descriptor of a channel to a student's process goes back.
        "end": ends that process.
        "ending": ends it, and its `Ending` goes back.
    """

    def __init__(
        self, control: socket.socket, judge: Worker, answers: Path, confinement: Confinement
    ) -> None:
        self.control, self.judge, self.confinement = control, judge, confinement
        self.apart, self.folders = confinement.apart, Folders(answers)
        self.questions: dict[str, list[Question]] = {}
        self.spare: Child | None = None
        self.killed: Child | None = None
        self.loaded: set[str] = set()
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
        self._load(order["load"])
        limits = Limits(**order["limits"])
        child = self._ready(limits, {order["exercise"], *order["load"]})
        socket.send_fds(self.control, [b"run"], [child.channel.fileno()])
        if self.apart:
            self._bury_if_any()  # the one before; it and a new one need some milliseconds
            self.spare = self._start(limits)  # while the other one works
        by_us = self.wait(child)
        self._kill(child)
        lonely = self.confinement.calls is not None  # it could start no other process
        ending = None if lonely and self.apart and by_us == "asked" else self._bury(by_us)
        request, _ = self._receive()
        if request.get("what") == "ending":
            with contextlib.suppress(BrokenPipeError):  # the judge is gone
                self.control.send(json.dumps(asdict(ending or self._bury(by_us))).encode())
        if not self.apart:
            self.spare = self._start(limits)

    def _load(self, modules: Collection[str]) -> None:
        """Import what takes long, once."""
        for module in set(modules) - self.loaded:
            assert module in LOADED_ON_REQUEST
            with silent_descriptors():  # matplotlib runs fc-list, which may complain
                importlib.import_module(module)
            self.loaded.add(module)

    def _ready(self, limits: Limits, needed: Collection[str]) -> Child:
        """A process under these limits that knows the exercise and has the modules."""
        child = self.spare
        if child is None or child.limits != limits or not child.ready_for.issuperset(needed):
            self._drop_spare()
            child = self._start(limits)
        return child

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

    def _start(self, limits: Limits) -> Child:
        self.number += 1
        confinement = self.confinement.for_student(self.number)
        folder = self.apart.folder if self.apart else self.folders.new(confinement.user)
        ready_for = frozenset({*self.questions, *self.loaded})
        return Child(limits, ready_for, *start(limits, folder, confinement, self.questions))

    def wait(self, child: Child) -> str:
        """Wait until a run is over, and return why: "" if it ended by itself."""
        watched, ended = select.poll(), os.pidfd_open(child.pid)
        watched.register(ended, select.POLLIN)
        watched.register(self.control, select.POLLIN)
        try:
            ready, over = watched.poll(1000 * TICK), ""
            if not ready:  # most runs are over by then
                workers = (self.judge, Worker(child.pid))
                clock = Clock(child.limits, lambda: sum(worker.worked() for worker in workers))
            while not ready and not over:
                ready, over = watched.poll(1000 * TICK), clock.over()
        finally:
            os.close(ended)
        if not ready:
            return over
        return "asked" if self.control.fileno() in dict(ready) else ""

    def _kill(self, child: Child) -> None:
        os.kill(child.pid, signal.SIGKILL)  # it has not been waited for, so the number is its own
        # a process can put its end of the channel into a message that nobody takes out, and so
        # keep it open after its own end: the judge would wait for ever
        with contextlib.suppress(OSError):  # it is shut already
            child.channel.shutdown(socket.SHUT_RDWR)
        self.killed = child

    def _bury_if_any(self) -> None:
        if self.killed is not None:
            self._bury("asked")

    def _bury(self, by_us: str) -> Ending:
        """See the killed one end, with all that it has started, and remove its files."""
        assert self.killed is not None
        child, self.killed = self.killed, None
        _, status, usage = os.wait4(child.pid, 0)
        child.channel.close()
        if not self.apart:  # else they are gone with it
            end_children()
            self.folders.clear()
        seconds = usage.ru_utime + usage.ru_stime
        return Ending(os.waitstatus_to_exitcode(status), by_us, seconds, usage.ru_maxrss * 1024)
