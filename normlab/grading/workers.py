"""Workers on this machine: started when they are needed, replaced when they die."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from normlab.grading.confined.level import Level, missing
from normlab.grading.confined.limits import LINUX
from normlab.grading.paper import Graded, Paper, Setting

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "MPLBACKEND": "agg",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # large pages: half the time to fork and to end
}
"""All that students' code finds in its environment."""
KEPT = ("LD_LIBRARY_PATH",)
TRIES = 2


class WorkerDied(RuntimeError):
    """A worker has ended, twice, before it had graded its paper; or none can be started."""


class Worker(Protocol):
    """Grades one paper after the other.

    Attributes:
        levels: of confinement, each with what is to be said of it.
    """

    levels: list[Level]

    def grade(self, paper: Paper, setting: Setting) -> Graded: ...


class ForkedWorker:
    """A judge and its server, forked from the zygote (Linux)."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.channel = Connection(os.dup(link.fileno()))
        try:
            self.levels: list[Level] = self.channel.recv()
        except (EOFError, OSError):
            self.channel.close()
            self.end()
            raise

    def end(self) -> None:
        """Break the link; whoever waits for an answer gets an EOFError."""
        with contextlib.suppress(OSError):  # it is broken already
            self.link.shutdown(socket.SHUT_RDWR)
        self.link.close()

    def grade(self, paper: Paper, setting: Setting) -> Graded:
        self.channel.send((paper, setting))
        graded: Graded = self.channel.recv()
        return graded


class FreshWorker:
    """Judges in this process, and starts a new Python for each run (any system)."""

    def __init__(self) -> None:
        limits = Level("limits", True, "time; where the system has them also sizes of files")
        without = ("user", "apart", "landlock", "seccomp", "namespaces")
        reason = f"it needs Linux, this is {sys.platform}"
        self.levels = [limits, *(missing(name, reason) for name in without)]

    def grade(self, paper: Paper, setting: Setting) -> Graded:
        from normlab.grading.fresh_runs import fresh_run
        from normlab.grading.grade import grade  # loads the references

        return grade(paper, setting, fresh_run)


class Zygote:
    """The process that all workers of this process are forked from.

    Args:
        levels: of confinement that are used where the system has them.
    """

    def __init__(self, levels: frozenset[str]) -> None:
        from normlab.grading.namespaces import namespaces  # Linux only

        self.folder = tempfile.TemporaryDirectory(prefix="normlab-", ignore_cleanup_errors=True)
        os.chmod(self.folder.name, 0o711)  # students' users pass through it
        before, level = namespaces(Path(self.folder.name), "namespaces" in levels)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control = ours
        with theirs:
            number = str(theirs.fileno())
            program = [sys.executable, "-P", "-m", "normlab.grading.confined.zygote", number]
            program += sorted(levels)
            kept = {name: os.environ[name] for name in KEPT if name in os.environ}
            self.process = subprocess.Popen(
                [*before, *program],
                env=ENVIRONMENT | kept,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        request = {
            "folder": self.folder.name,
            "levels": sorted(levels),
            "namespaces": asdict(level),
        }
        self.request = json.dumps(request).encode()

    def worker(self) -> ForkedWorker:
        """A new worker.

        Raises:
            EOFError, OSError: if the zygote has ended.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self.control, [self.request], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ForkedWorker(ours)

    def close(self) -> None:
        """End it; all that was forked from it ends with it, or when its grader is gone."""
        self.control.close()
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


class Workshop:
    """The workers of this process: one for each thread that grades."""

    def __init__(self, levels: frozenset[str]) -> None:
        self.levels = levels
        self.own = threading.local()
        self.lock = threading.Lock()
        self.closed = False
        self.workers: list[ForkedWorker] = []
        self.zygote: Zygote | None = None
        self.prepare()

    def prepare(self) -> None:
        """Start the zygote, so that it can import while other things are done."""
        if LINUX and self.zygote is None:
            self.zygote = Zygote(self.levels)

    def worker(self) -> Worker:
        """The worker of this thread."""
        if not hasattr(self.own, "worker"):
            self.own.worker = self._new_worker()
        worker: Worker = self.own.worker
        return worker

    def grade(self, paper: Paper, setting: Setting) -> Graded:
        """Grade a paper in this thread's worker; if that dies, in another one.

        Raises:
            WorkerDied: if that one dies too.
        """
        for _ in range(TRIES):
            if self.closed:
                break
            try:
                return self.worker().grade(paper, setting)
            except (EOFError, OSError):
                self.own.__dict__.pop("worker", None)
        raise WorkerDied("the processes that grade have ended twice over this file.")

    def close(self) -> None:
        """End all processes. What is being graded is not, and no more can be."""
        self.closed = True
        for worker in self.workers:
            worker.end()
        if self.zygote is not None:
            self.zygote.close()

    def _new_worker(self) -> Worker:
        if not LINUX:
            return FreshWorker()
        with self.lock:
            if self.zygote is not None and self.zygote.process.poll() is not None:
                self.zygote.close()
                self.zygote = None
            self.prepare()
            assert self.zygote is not None
            zygote = self.zygote
        worker = zygote.worker()
        self.workers.append(worker)
        return worker


_open: dict[frozenset[str], Workshop] = {}
_opening = threading.Lock()


def workshop(levels: frozenset[str]) -> Workshop:
    """The one of this process, for these levels; opened if it is not open."""
    with _opening:
        if levels not in _open or _open[levels].closed:
            _open[levels] = Workshop(levels)
        return _open[levels]


def grade_here(paper: Paper, setting: Setting) -> Graded:
    """Grade a paper in a worker of the process and thread that this is called in.

    Raises:
        WorkerDied: if two workers die over it.
    """
    return workshop(setting.levels).grade(paper, setting)


def levels_here(setting: Setting) -> list[Level]:
    """The levels of confinement where this is called.

    Raises:
        WorkerDied: if no worker can be started.
    """
    try:
        return workshop(setting.levels).worker().levels
    except (EOFError, OSError) as error:
        raise WorkerDied(
            "the process that grades did not start; nothing is graded. What stands above says why, "
            "if it could. Mend it, or free memory, and run the same command again."
        ) from error
