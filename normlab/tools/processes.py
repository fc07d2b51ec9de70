"""An executor of processes, in which a process that dies costs its own run only.

`ProcessPoolExecutor` gives up all of its work when one process dies. Here every thread of a
`ThreadPoolExecutor` has a `ProcessPoolExecutor` of one process, and starts another if it dies.
pebble's pool would replace most of this, but it is no `Executor`, its processes outlive a parent
that is killed, and it does not try work again.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class WorkerDied(RuntimeError):
    """The process of a run died, twice."""


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Processes(ThreadPoolExecutor):
    """So many processes, started when there is work for them.

    The processes are spawned, so they share nothing with this one. They end with this process,
    however that ends. Work whose process dies (killed, or out of memory) is tried once more in a
    new process; then its future raises `WorkerDied`.

    Args:
        workers: number of processes, at least 1.

    Raises:
        ValueError: if `workers` is below 1.

    Example:
        >>> with Processes(1) as processes:
        ...     processes.submit(abs, -1).result()
        1
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}; expected at least 1.")
        super().__init__(workers, thread_name_prefix="sweep")
        self._own = threading.local()
        self._pools: dict[ProcessPoolExecutor, int] = {}  # and the id of its process
        self._stopping = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return super().submit(self._run, partial(fn, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes: after their work, or at once if `wait` is false."""
        if not wait:
            self._stopping = True
            for pid in list(self._pools.values()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        super().shutdown(wait, cancel_futures=cancel_futures)
        for pool in list(self._pools):
            pool.shutdown(wait)

    def _run(self, work: Callable[[], T]) -> T:
        """In one of the threads: do the work in the thread's process."""
        for _ in range(2):
            try:
                pool = self._pool()
                if self._stopping:
                    break
                return pool.submit(work).result()
            except BrokenProcessPool:
                self._pools.pop(self._own.__dict__.pop("pool"), None)
        raise WorkerDied(
            "the process of this run died twice, as it does when it is killed or memory runs out."
        )

    def _pool(self) -> ProcessPoolExecutor:
        if not hasattr(self._own, "pool"):
            spawn = multiprocessing.get_context("spawn")
            self._own.pool = ProcessPoolExecutor(1, spawn, initializer=_start)
            self._pools[self._own.pool] = self._own.pool.submit(os.getpid).result()
        pool: Any = self._own.pool
        return pool


def _start() -> None:
    """In a new process: leave Ctrl-C to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """In a thread of a process that multiprocessing has started: end it when its parent ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
