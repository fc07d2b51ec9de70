"""Workers that are forked from a zygote (Linux), and the way to them."""

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

from normlab.grading.confined.level import Level
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


class ForkedWorker:
    """A judge and its servers, forked from the zygote (Linux). Threads may share it."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.channel = Connection(os.dup(link.fileno()))
        self.asking = threading.Lock()
        self.last_heard = threading.Event()
        self.last_heard.set()
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
        """Grade a paper; the grades come in the order in which the papers were sent."""
        heard = threading.Event()
        try:
            with self.asking:
                before, self.last_heard = self.last_heard, heard
                self.channel.send((paper, setting))
            before.wait()
            graded: Graded = self.channel.recv()
        finally:
            heard.set()
        return graded


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
