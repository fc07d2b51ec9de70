"""Runs of students' code on any system: each starts Python anew, under limits alone."""

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import psutil

from normlab.grading.confined.clock import SHARE, TICK, Clock
from normlab.grading.confined.limits import LINUX, Ending, Limits, memory_mapped
from normlab.grading.runs import Order, Run


@contextmanager
def fresh_run(order: Order) -> Iterator[Run]:
    """A run that shares nothing with this process; slow to start."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory(prefix="normlab-", ignore_cleanup_errors=True) as folder:
        process = context.Process(target=_answer, args=(theirs, folder, order), daemon=True)
        process.start()
        theirs.close()
        watch = _Watch(process, order.limits)

        def ending() -> Ending:
            ours.close()
            process.join(timeout=1)
            asked = process.is_alive()
            watch.end()
            by_us = watch.over or ("asked" if asked else "")
            return Ending(process.exitcode or 0, by_us, watch.computed, memory=0)

        yield Run(ours, ending)
        ending()


class _Watch(threading.Thread):
    """Ends a process of its own when its time is over."""

    def __init__(self, process: BaseProcess, limits: Limits) -> None:
        super().__init__(daemon=True)
        self.process, self.limits = process, limits
        self.seen, self.over, self.computed = psutil.Process(process.pid), "", 0.0
        self.stopped = threading.Event()
        self.start()

    def run(self) -> None:
        clock = Clock(self.limits, self._worked)
        while not self.stopped.wait(TICK):
            self.over = clock.over()
            if self.over:
                self.process.kill()
                return

    def _worked(self) -> float:
        """Of the student's process and of this one, which judges."""
        with contextlib.suppress(psutil.Error):  # it has ended
            times = self.seen.cpu_times()
            self.computed = times.user + times.system
        return (self.computed + time.process_time()) / SHARE

    def end(self) -> None:
        self.stopped.set()
        self.join()
        self.process.kill()
        self.process.join()


def _answer(channel: Connection, folder: str, order: Order) -> None:
    """In a new process: let go of the environment, accept the limits, and answer."""
    from normlab.grading.confined.answers import (
        load_drivers,
        load_torch,
        prepare,
        read_questions,
        run_answers,
    )

    load_torch()
    load_drivers()
    questions = {order.exercise: read_questions(order.questions)}
    os.environ.clear()
    os.environ |= {"HOME": folder, "TMPDIR": folder, "MPLCONFIGDIR": folder}
    os.chdir(folder)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    prepare()
    order.limits.accept(memory_mapped() if LINUX else 0)
    run_answers(channel, questions)
