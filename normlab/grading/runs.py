"""Runs of students' code, each in a process of its own: forked and confined, or started anew."""

import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeAlias

from normlab.grading.confined.limits import Ending, Limits

LONGEST_ANSWER = 65536


class ServerDied(RuntimeError):
    """The process that forks students' processes has ended."""


@dataclass(frozen=True)
class Order:
    """What a student's process has to be ready for.

    Args:
        exercise: its name.
        questions: the message that describes its questions.
        limits: that it is under.
        load: modules that its code will import, and that take long.
    """

    exercise: str
    questions: bytes
    limits: Limits
    load: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A student's process.

    Args:
        channel: to talk with it.
        ending: ends it, and says how it ended.
    """

    channel: Connection
    ending: Callable[[], Ending]


Start: TypeAlias = Callable[[Order], AbstractContextManager[Run]]
"""Start a run, which ends with the context."""


class ForkedRuns:
    """Runs that a server forks (Linux); see `normlab.grading.confined.server`.

    How a run ended is asked only where it matters: else the server cleans up after one run while
    the next one is under way.
    """

    def __init__(self, server: socket.socket) -> None:
        self.server = server
        self.told: set[str] = set()

    @contextmanager
    def __call__(self, order: Order) -> Iterator[Run]:
        """Start a run.

        Raises:
            ServerDied: if the server has ended.
        """
        channel = self._start(order)
        try:
            yield Run(channel, lambda: self._ending(channel))
        finally:
            self._end(channel)

    def _end(self, channel: Connection) -> None:
        if not channel.closed:
            channel.close()
            self._send({"what": "end"})

    def _ending(self, channel: Connection) -> Ending:
        channel.close()
        self._send({"what": "ending"})
        return Ending(**json.loads(self._receive()))

    def _start(self, order: Order) -> Connection:
        if order.exercise not in self.told:
            with os.fdopen(os.memfd_create("questions"), "w+b") as file:
                file.write(order.questions)
                file.flush()
                file.seek(0)
                self._send({"what": "exercise", "name": order.exercise}, file.fileno())
            self.told.add(order.exercise)
        wanted = {
            "exercise": order.exercise,
            "limits": asdict(order.limits),
            "load": list(order.load),
        }
        self._send({"what": "run", "order": wanted})
        _, descriptors, _, _ = socket.recv_fds(self.server, LONGEST_ANSWER, 1)
        if not descriptors:
            raise ServerDied
        return Connection(descriptors[0])

    def _send(self, request: dict[str, object], *descriptors: int) -> None:
        try:
            socket.send_fds(self.server, [json.dumps(request).encode()], descriptors)
        except (BrokenPipeError, ConnectionResetError):
            raise ServerDied from None

    def _receive(self) -> bytes:
        data = self.server.recv(LONGEST_ANSWER)
        if not data:
            raise ServerDied
        return data


@contextmanager
def fresh_run(order: Order) -> Iterator[Run]:
    """A run that shares nothing, on any system: slow to start, and under limits alone."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory(prefix="normlab-", ignore_cleanup_errors=True) as folder:
        process = context.Process(target=_answer, args=(theirs, folder, order), daemon=True)
        process.start()
        theirs.close()
        out_of_time, begun = threading.Event(), time.monotonic()
        timer = threading.Timer(order.limits.wall_seconds, _kill, (process, out_of_time))
        timer.start()

        def ending() -> Ending:
            ours.close()
            process.join(timeout=1)
            timer.cancel()
            asked = process.is_alive()
            _kill(process)
            by_us = "wall" if out_of_time.is_set() else "asked" if asked else ""
            return Ending(process.exitcode or 0, by_us, time.monotonic() - begun, memory=0)

        yield Run(ours, ending)
        ending()


def _kill(process: BaseProcess, because: threading.Event | None = None) -> None:
    if because:
        because.set()
    process.kill()
    process.join()


def _answer(channel: Connection, folder: str, order: Order) -> None:
    """In a new process: let go of the environment, accept the limits, and answer."""
    import torch

    from normlab.grading.confined.answers import (
        load_drivers,
        prepare,
        read_questions,
        run_answers,
    )

    torch.set_num_threads(1)
    load_drivers()
    questions = read_questions(order.questions)
    os.environ.clear()
    os.environ |= {"HOME": folder, "TMPDIR": folder, "MPLCONFIGDIR": folder}
    os.chdir(folder)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    prepare()
    order.limits.accept()
    run_answers(channel, questions)
