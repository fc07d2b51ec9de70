"""The clock of a run, which stands while the student's process or the judge computes.

On a busy machine a right answer waits for a processor, and so does the judge between two of its
calls; neither is the answer's fault. So what counts is the time in which nobody did anything. Time
that is used for computing has a limit of its own.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from normlab.grading.confined.limits import Limits

TICK = 0.25
"""Seconds between two looks."""
SCHEDSTAT = Path("/proc/self/schedstat")
SHARE = 0.1
"""Of a processor. Where the system does not say how long a process has waited for one, it is taken
to work all the time if it gets that much."""


class Clock:
    """Begins to run at once.

    Args:
        limits: of the run.
        worked: seconds that all who take part have computed, or waited for a processor.
    """

    def __init__(self, limits: Limits, worked: Callable[[], float]) -> None:
        self.limits, self.worked = limits, worked
        self.begun = self.seen = time.monotonic()
        self.before, self.idle = worked(), 0.0

    def over(self) -> str:
        """ "idle" or "wall" if one of these limits is reached; else ""."""
        now, worked = time.monotonic(), self.worked()
        self.idle += max(0.0, now - self.seen - max(0.0, worked - self.before))
        self.seen, self.before = now, worked
        if self.idle >= self.limits.idle_seconds:
            return "idle"
        return "wall" if now - self.begun >= self.limits.wall_seconds else ""


class Worker:
    """A process whose work can be read (Linux).

    Args:
        pid: its number in this process's PID namespace.

    Raises:
        OSError: if there is no such process.
    """

    def __init__(self, pid: int) -> None:
        self.clock = ~pid << 3 | 2  # see clock_getcpuclockid(3)
        self.threads = Path("/proc", _number_in_proc(pid), "task")
        self.waits_are_told = _waits_are_told()
        self.computed = self.waited = self.last_sum = 0.0

    def worked(self) -> float:
        """Seconds that its threads have computed, or waited for a processor."""
        with contextlib.suppress(OSError):  # it has ended
            self.computed = time.clock_gettime(self.clock)
            if not self.waits_are_told:
                return self.computed / SHARE
            now = sum(map(_waited, self.threads.iterdir()))
            self.waited += max(0.0, now - self.last_sum)  # a thread that ends takes its own along
            self.last_sum = now
        return self.computed + self.waited


def _number_in_proc(pid: int) -> str:
    """/proc may be that of another PID namespace, in which a process has another number."""
    descriptor = os.pidfd_open(pid)
    try:
        told = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    finally:
        os.close(descriptor)
    return next(line.split()[1] for line in told.splitlines() if line.startswith("Pid:"))


def _waits_are_told() -> bool:
    """Some kernels have no such file, others write zeros into it."""
    try:
        return not SCHEDSTAT.read_text().startswith("0 ")
    except OSError:
        return False


def _waited(thread: Path) -> float:
    """Seconds that a thread could have run, while others did."""
    with contextlib.suppress(OSError):  # it has ended
        _, nanoseconds, _ = (thread / "schedstat").read_text().split()
        return int(nanoseconds) / 1e9
    return 0.0
