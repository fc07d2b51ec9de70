"""The judge of a worker: a process that holds the references, and has answers run elsewhere."""

import json
import socket
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection

import torch

from normlab.grading.confined.level import Level
from normlab.grading.grade import grade
from normlab.grading.runs import LONGEST_ANSWER, ForkedRuns, Order, Run, ServerDied, Start


def work(channel: Connection, server: socket.socket, without_torch: socket.socket) -> None:
    """Tell the grader which levels of confinement there are, then grade paper after paper.

    Ends when the grader is gone, or the server: then the grader has no answer to its paper, and
    tries it with another worker.

    Args:
        channel: to the grader.
        server: forks the students' processes.
        without_torch: forks those that need no torch, and have none.
    """
    torch.set_num_threads(1)
    levels, others = map(_levels, (server, without_torch))
    channel.send(levels)
    runs = ForkedRuns(server)
    start = _by_need(runs, ForkedRuns(without_torch) if _files_are_hidden(others) else runs)
    while True:
        try:
            paper, setting = channel.recv()
            channel.send(grade(paper, setting, start))
        except (EOFError, ServerDied, BrokenPipeError):
            return


def _levels(server: socket.socket) -> list[Level]:
    return [Level(**level) for level in json.loads(server.recv(LONGEST_ANSWER))]


def _files_are_hidden(levels: list[Level]) -> bool:
    """Whether students' code cannot read what it is not to import; else it could load torch anew,
    with all its norms."""
    return any(level.name == "landlock" and level.active for level in levels)


def _by_need(runs: Start, without_torch: Start) -> Start:
    """Starts each run where it has what it needs, and no more."""

    def start(order: Order) -> AbstractContextManager[Run]:
        return (runs if order.torch else without_torch)(order)

    return start
