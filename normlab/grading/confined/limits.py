"""What a student's process may use, and how it ended."""

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform.startswith("linux")
FILE_BYTES = 16 * 2**20
OPEN_FILES = 64
TASKS = 64


@dataclass(frozen=True)
class Limits:
    """What a student's process may use.

    Args:
        seconds: of processor time.
        wall_seconds: until it is ended.
        memory: bytes beyond those that NumPy and torch take.
    """

    seconds: float
    wall_seconds: float
    memory: int

    def accept(self, other_tasks: int = 0) -> None:
        """Put this process under the limits, as far as the system has them.

        Besides: files of 16 MB, 64 open ones, no core dumps, and on Linux 64 processes and
        threads beyond the `other_tasks` of this user.
        """
        try:
            import resource
        except ModuleNotFoundError:  # Windows
            return
        seconds = max(1, round(self.seconds))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU, then SIGKILL
        limits = {
            resource.RLIMIT_FSIZE: FILE_BYTES,
            resource.RLIMIT_NOFILE: OPEN_FILES,
            resource.RLIMIT_CORE: 0,
        }
        if LINUX:
            limits[resource.RLIMIT_AS] = memory_mapped() + self.memory
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
        by_us: "" if it ended by itself, "wall" if its time was up, else "asked".
        seconds: of processor time.
        memory: greatest resident size, in bytes.
    """

    code: int
    by_us: str
    seconds: float
    memory: int
