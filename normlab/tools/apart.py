"""Work that may do anything, in a process of its own: under limits, and heard by nobody."""

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from normlab.checks.silence import silent_descriptors
from normlab.tools.processes import end_with_parent

LINUX = sys.platform.startswith("linux")
PAUSE = 0.1
"""Seconds between two looks whether the process is still there."""


class OutOfTime(RuntimeError):
    """The time is up; the message says how much processor time was used, where that is known."""


class ProcessEnded(RuntimeError):
    """The process ended before its work did; the message says how."""


class WorkFailed(RuntimeError):
    """The work raised; the message is the traceback."""


@dataclass(frozen=True)
class Limits:
    """What the work may take.

    Args:
        seconds: until it is ended.
        memory_mb: of memory of its own beyond what it starts with (Linux).
    """

    seconds: float
    memory_mb: int


def apart(
    work: Callable[..., None], *arguments: Any, limits: Limits, loaded: Sequence[str] = ()
) -> Iterator[Any]:
    """Yield what `work(send, *arguments)` sends from a process of its own, as it comes.

    The process is in a session of its own, so that Ctrl-C at the terminal stops this process
    alone. Its standard descriptors lead nowhere. It ends with this generator, together with the
    processes that it has started.

    Args:
        work: a function at the top of a module. It sends what can be pickled.
        limits: what it may take.
        loaded: modules that a process imports once, of which those that work are then forked,
            where the system can.

    Raises:
        OutOfTime, ProcessEnded, WorkFailed: after what was sent before.
    """
    context = _context(loaded)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(theirs, limits, work, arguments))
    with _without_interrupts(), _allowed_children():
        process.start()
    theirs.close()
    try:
        yield from _heard(ours, process, limits.seconds)
    finally:
        _end(process)
        ours.close()


def _context(loaded: Sequence[str]) -> Any:
    """How processes are started: anew, or forked of one that has imported modules."""
    if not loaded or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(loaded))
    return context


@contextlib.contextmanager
def _allowed_children() -> Iterator[None]:
    """A process of multiprocessing that is a daemon, as Dask's are, may have children for once.

    They end with it all the same, see `end_with_parent`.
    """
    settings = vars(multiprocessing.current_process())["_config"]
    daemon = settings.pop("daemon", None)
    try:
        yield
    finally:
        if daemon is not None:
            settings["daemon"] = daemon


def _heard(ours: Connection, process: BaseProcess, seconds: float) -> Iterator[Any]:
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        alive = process.is_alive()
        if ours.poll(max(0, min(PAUSE, left)) if alive else 0):
            try:
                kind, value = ours.recv()
            except (EOFError, OSError, pickle.UnpicklingError):
                process.join(PAUSE)  # the code that ran has closed or spoilt the pipe
                raise ProcessEnded(_how(process)) from None
            if kind == "done":
                return
            if kind == "failed":
                raise WorkFailed(value)
            yield value
        elif not alive:
            raise ProcessEnded(_how(process))
        elif left <= 0:
            raise OutOfTime(_processor_time(process))


def _how(process: BaseProcess) -> str:
    code = process.exitcode
    if code is None:
        return "it closed its connection"
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}" + (": memory?" if code == -9 else "")


def _processor_time(process: BaseProcess) -> str:
    before = _of_children()
    _end(process)
    used = _of_children() - before
    return f"{used:.0f} s of processor time" if used else ""


def _of_children() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _end(process: BaseProcess) -> None:
    """End it and its group."""
    if sys.platform != "win32" and process.pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left of it
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """A Ctrl-C waits. A process that is started here inherits that, until it allows them."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _do(
    channel: Connection, limits: Limits, work: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    """In the new process: do the work, and end without any cleaning."""
    if sys.platform != "win32":
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # also of one that has waited
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=end_with_parent, daemon=True).start()
    with silent_descriptors():
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            limit_memory(limits.memory_mb)
            work(lambda value: channel.send(("sent", value)), *arguments)
            last: tuple[str, Any] = ("done", None)
        except BaseException:  # also one that comes late, from a thread
            last = ("failed", traceback.format_exc())
        try:
            channel.send(last)
        finally:
            os._exit(0)


def limit_memory(megabytes: int) -> None:
    """Let this process take so much more memory of its own (Linux; elsewhere there is no limit).

    Counted is what it may write and shares with none, as `VmData` in /proc. The limit on all
    addresses, which grading has, would refuse libraries that reserve many and use few, such as
    CUDA's.
    """
    if not LINUX:
        return
    import resource

    status = Path("/proc/self/status").read_text()
    taken = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData"))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    limit = taken * 1024 + megabytes * 2**20
    if most != resource.RLIM_INFINITY:
        limit = min(limit, most)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
