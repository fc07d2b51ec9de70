"""Workers on this machine: started when they are needed, replaced when they die."""

import contextlib
import sys
import threading
from itertools import cycle
from typing import Protocol

from normlab.grading.confined.level import Level, missing
from normlab.grading.confined.limits import LINUX
from normlab.grading.forked_workers import ForkedWorker, Zygote
from normlab.grading.paper import Graded, Paper, Setting

AT_A_WORKER = 3 if LINUX else 1
"""Papers that are with one worker: one is judged, the next one's process works, one waits."""


class WorkerDied(RuntimeError):
    """A worker has ended, twice, before it had graded its paper; or none can be started."""


class Worker(Protocol):
    """Grades one paper after the other.

    Attributes:
        levels: of confinement, each with what is to be said of it.
    """

    levels: list[Level]

    def grade(self, paper: Paper, setting: Setting) -> Graded: ...

    def end(self) -> None: ...


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

    def end(self) -> None:
        """Nothing of it outlives a paper."""


class _Place:
    """Where threads find their worker."""

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.lock = threading.Lock()


class Workshop:
    """The workers of this process.

    Args:
        levels: of confinement that are used where the system has them.
        most: workers, which threads share; without it each thread that grades has one of its own.
    """

    def __init__(self, levels: frozenset[str], most: int | None = None) -> None:
        self.levels = levels
        self.own = threading.local()
        self.places = cycle([_Place() for _ in range(most)]) if most else iter(_Place, None)
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
        place = self._place()
        with place.lock:
            if place.worker is None:
                place.worker = self._new_worker()
            return place.worker

    def grade(self, paper: Paper, setting: Setting) -> Graded:
        """Grade a paper in this thread's worker; if that dies, in one that has no other paper.

        Raises:
            WorkerDied: if that one dies too.
        """
        for grade in (self._grade_among_others, self._grade_alone):
            if self.closed:
                break
            with contextlib.suppress(EOFError, OSError):
                return grade(paper, setting)
        raise WorkerDied("the processes that grade have ended twice over this file.")

    def close(self) -> None:
        """End all processes. What is being graded is not, and no more can be."""
        self.closed = True
        for worker in self.workers:
            worker.end()
        if self.zygote is not None:
            self.zygote.close()

    def _place(self) -> _Place:
        """That of this thread."""
        if not hasattr(self.own, "place"):
            with self.lock:
                self.own.place = next(self.places)
        place: _Place = self.own.place
        return place

    def _grade_among_others(self, paper: Paper, setting: Setting) -> Graded:
        worker, place = self.worker(), self._place()
        try:
            return worker.grade(paper, setting)
        except (EOFError, OSError):
            worker.end()
            with place.lock:
                if place.worker is worker:
                    place.worker = None
            raise

    def _grade_alone(self, paper: Paper, setting: Setting) -> Graded:
        worker = self._new_worker()
        try:
            return worker.grade(paper, setting)
        finally:
            worker.end()

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


def workshop(levels: frozenset[str], most: int | None = None) -> Workshop:
    """The one of this process, for these levels; opened if it is not open, with so many workers."""
    with _opening:
        if levels not in _open or _open[levels].closed:
            _open[levels] = Workshop(levels, most)
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
