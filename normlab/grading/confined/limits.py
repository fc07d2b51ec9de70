"""What a student's process may use, and how it ended."""

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform.startswith("linux")
FILE_BYTES = 16 * 2**20
OPEN_FILES = 64
TASKS = 64
LONGEST = 10
"""Times the limit for waiting, after which a run is ended although it computes."""


@dataclass(frozen=True)
class Limits:
    """What a student's process may use.

    Args:
        seconds: of processor time.
        idle_seconds: in which neither it nor the judge computes.
        memory: bytes beyond those that NumPy and torch take.
    """

    seconds: float
    idle_seconds: float
    memory: int

    @property
    def wall_seconds(self) -> float:
        """Until it is ended, whatever it does. Only on a very busy machine does a process that
        computes come so far."""
        return LONGEST * self.idle_seconds

    def accept(self, mapped: int = 0, other_tasks: int = 0) -> None:
        """Put this process under the limits, as far as the system has them.

        Besides: files of 16 MB, 64 open ones, no core dumps, and on Linux 64 processes and
        threads.

        Args:
            mapped: bytes of address space that the process had at the start (Linux).
            other_tasks: processes and threads of this user, which the system counts too.
        """
        try:
            import resource
        except ModuleNotFoundError:  # Windows
            return
        seconds = max(1, round(self.seconds + time.process_time()))  # what was used does not count
        cpu = (seconds, seconds if LINUX else seconds + 1)  # SIGKILL; elsewhere SIGXCPU comes first
        resource.setrlimit(resource.RLIMIT_CPU, cpu)
        limits = {
            resource.RLIMIT_FSIZE: FILE_BYTES,
            resource.RLIMIT_NOFILE: OPEN_FILES,
            resource.RLIMIT_CORE: 0,
        }
        if LINUX:
            limits[resource.RLIMIT_AS] = mapped + self.memory
            limits[resource.RLIMIT_NPROC] = other_tasks + TASKS
        for what, limit in limits.items():
            resource.setrlimit(what, (limit, limit))


def memory_mapped() -> int:
    """Bytes of address space that this process has (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def tasks_of_this_user() -> int:
    """Processes and threads of the user, for the limit counts them all (Linux)."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if process.stat().st_uid == os.getuid():
                count += sum(1 for _ in (process / "task").iterdir())
    return count


@dataclass(frozen=True)
class Ending:
    """How a student's process ended.

    Args:
        code: the exit code, or minus the signal that ended it.
        by_us: "" if it ended by itself; "idle" or "wall" if that limit was reached; else "asked".
        seconds: of processor time.
        memory: greatest resident size, in bytes.
    """

    code: int
    by_us: str
    seconds: float
    memory: int
