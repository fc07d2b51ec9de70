"""A large class on two Dask workers, killed once in the middle and resumed: time and memory.

    make bench-grading ARGS="--dask 10000"

The submissions are of all exercises; some are wrong, unsolved, broken, or end their own process.
When half of them are graded, `normlab grade` is killed (SIGKILL), and the same command goes on.
Memory is the proportional set size of all processes of a kind, once a second, as a mean over the
first and over the last quarter of the time: what grows with the number of submissions shows there.
"""

import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import psutil

from benchmarks.mixed_class import hand_in_mixed
from normlab.tools.processes import available_cores
from normlab.tools.table import Table

WORKERS = 2
SECONDS_TO_START = 60
PAUSE = 1
"""Seconds between two looks at the processes."""


@dataclass
class Watched:
    """Bytes that processes of one kind have held, with the time."""

    seen: list[tuple[float, int]] = field(default_factory=list)

    def add(self, when: float, held: int) -> None:
        self.seen.append((when, held))

    def quarter(self, number: int) -> str:
        """The mean in MB over a quarter of the time, from 1 to 4."""
        if not self.seen:
            return ""
        begin, end = self.seen[0][0], self.seen[-1][0]
        edges = [begin + (end - begin) * part / 4 for part in (number - 1, number)]
        part = [held for when, held in self.seen if edges[0] <= when <= edges[1]]
        return f"{mean(part) / 2**20:.0f}" if part else ""

    @property
    def most(self) -> str:
        return f"{max((held for _, held in self.seen), default=0) / 2**20:.0f}"


@dataclass(frozen=True)
class Outcome:
    """What came of a class.

    Args:
        size: submissions.
        seconds: of both runs.
        killed_at: submissions that were graded when the first one was killed.
        kept: of these, how many the second one found.
        graded: in the end.
        memory: kind of process -> what they held.
    """

    size: int
    seconds: float
    killed_at: int
    kept: int
    graded: int
    memory: Mapping[str, Watched]

    def __str__(self) -> str:
        rows = [
            [kind, each.quarter(1), each.quarter(4), each.most]
            for kind, each in self.memory.items()
        ]
        columns = ("processes", "MB, first quarter", "MB, last quarter", "greatest MB")
        rate = self.size / self.seconds
        return (
            f"{self.graded} of {self.size} submissions graded in {self.seconds:.0f} seconds, "
            f"{rate:.1f} a second on {WORKERS} workers and {available_cores()} cores.\n"
            f"Killed after {self.killed_at}; the second run found {self.kept} of them graded.\n\n"
            f"{Table(columns, rows)}"
        )


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, dict[str, psutil.Process]]]:
    """(address, kind -> process) of a scheduler and its workers."""
    file = folder / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    scheduler = [*dask, "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file)]
    worker += ["--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
    with ExitStack() as stack:
        processes = {"the scheduler": stack.enter_context(_started(scheduler))}
        for number in range(1, WORKERS + 1):
            processes[f"worker {number}"] = stack.enter_context(_started(worker))
        end = time.monotonic() + SECONDS_TO_START
        while not file.exists():
            if time.monotonic() > end:
                raise TimeoutError(f"no scheduler has written {file}.")
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], processes


@contextmanager
def _started(command: list[str]) -> Iterator[psutil.Process]:
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=nowhere, stderr=nowhere) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def held_by(process: psutil.Process) -> int:
    """Bytes that a process and all that it has started hold."""
    total = 0
    try:
        for each in [process, *process.children(recursive=True)]:
            try:
                total += each.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue  # it has ended meanwhile
    except psutil.NoSuchProcess:
        pass
    return total


def graded_in(out: Path) -> int:
    """How many different submissions a results folder has the grades of."""
    if not (out / "grades.sqlite").exists():
        return 0
    uri = f"file:{out / 'grades.sqlite'}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as grades:
            return int(grades.execute("SELECT count(*) FROM graded").fetchone()[0])
    except sqlite3.OperationalError:  # its table is not there yet
        return 0


def grade_and_kill(folder: Path, size: int) -> Outcome:
    """Grade a class on a cluster, kill the grader in the middle, and run it again."""
    hand_in_mixed(folder / "class", size)
    out, printed = folder / "out", folder / "printed.txt"
    with cluster(folder) as (address, processes):
        command = [str(Path(sys.executable).parent / "normlab"), "grade", str(folder / "class")]
        command += ["--out", str(out), "--scheduler", address]
        memory = {kind: Watched() for kind in (*processes, "normlab grade")}
        start, killed_at = time.monotonic(), 0
        for kill_at in (size // 2, None):
            with printed.open("wb") as file:
                grader = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
            everything = processes | {"normlab grade": psutil.Process(grader.pid)}
            while grader.poll() is None:
                there = graded_in(out)
                if kill_at is not None and there >= kill_at:
                    killed_at = there
                    grader.kill()
                elif there:  # before, they have not begun
                    for kind, process in everything.items():
                        memory[kind].add(time.monotonic(), held_by(process))
                time.sleep(PAUSE)
        seconds = time.monotonic() - start
    text = printed.read_text(encoding="utf-8", errors="replace")
    if grader.returncode:
        raise RuntimeError(f"{' '.join(command)}: {text[-2000:]}")
    kept = re.search(r"^(\d+) of \d+ are graded already", text, re.MULTILINE)
    (graded,) = re.findall(r"^(\d+) of \d+ \w+ are graded;", text, re.MULTILINE)
    return Outcome(size, seconds, killed_at, int(kept[1]) if kept else 0, int(graded), memory)


def measure(size: int) -> Outcome:
    """The outcome for a class of this size, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="normlab-bench-", ignore_cleanup_errors=True) as folder:
        return grade_and_kill(Path(folder), size)
