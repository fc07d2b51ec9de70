"""Runs of students' code, each in a process of its own: forked and confined."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
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
        torch: whether it may be imported.
        load: modules that its code will import, and that take long.
    """

    exercise: str
    questions: bytes
    limits: Limits
    torch: bool = True
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
        with _server_lives():
            _, descriptors, _, _ = socket.recv_fds(self.server, LONGEST_ANSWER, 1)
        if not descriptors:
            raise ServerDied
        return Connection(descriptors[0])

    def _send(self, request: dict[str, object], *descriptors: int) -> None:
        with _server_lives():
            socket.send_fds(self.server, [json.dumps(request).encode()], descriptors)

    def _receive(self) -> bytes:
        with _server_lives():
            data = self.server.recv(LONGEST_ANSWER)
        if not data:
            raise ServerDied
        return data


@contextmanager
def _server_lives() -> Iterator[None]:
    try:
        yield
    except (BrokenPipeError, ConnectionResetError):
        raise ServerDied from None
