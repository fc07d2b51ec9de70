"""The judge of a worker: a process that holds the references, and has answers run elsewhere.

While it judges one paper, the process of the next one already runs its cells and answers the known
calls, if students are apart. What that process says waits in its channel.
"""

import json
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from multiprocessing.connection import Connection

import torch

from normlab.grading.confined.level import Level
from normlab.grading.grade import begin
from normlab.grading.paper import Graded
from normlab.grading.runs import LONGEST_ANSWER, ForkedRuns, Order, Run, ServerDied, Start


def work(channel: Connection, servers: Sequence[tuple[socket.socket, socket.socket]]) -> None:
    """Tell the grader which levels of confinement there are, then grade paper after paper.

    Ends when the grader is gone, or the server: then the grader has no answer to its paper, and
    tries it with another worker.

    Args:
        channel: to the grader.
        servers: for each paper that may be under way at the same time, one that forks the students'
            processes, and one that forks those that need no torch, and have none.
    """
    torch.set_num_threads(1)
    try:
        _grade_all(channel, _starts(channel, servers))
    except (EOFError, ServerDied, BrokenPipeError):
        return


def _starts(
    channel: Connection, servers: Sequence[tuple[socket.socket, socket.socket]]
) -> list[Start]:
    """One for each paper that may be under way; more than one only where students are apart."""
    starts: list[Start] = []
    apart = True
    for server, without_torch in servers:
        levels, others = map(_levels, (server, without_torch))
        if not starts:
            channel.send(levels)
        apart = apart and _active("apart", levels) and _active("apart", others)
        runs = ForkedRuns(server)
        # else students' code could load torch anew, with all its norms
        hidden = _active("landlock", others)
        starts.append(_by_need(runs, ForkedRuns(without_torch) if hidden else runs))
    return starts if apart else starts[:1]


def _grade_all(channel: Connection, starts: Sequence[Start]) -> None:
    """Grade paper after paper, and begin the next one first if there is one and a place for it."""
    place, other = starts[0], starts[-1]
    following = None
    while True:
        beside = following is not None
        finish, following = following or _begin(channel, place), None
        if len(starts) > 1 and channel.poll():
            place, other = other, place
            following, beside = _begin(channel, place), True
        channel.send(finish(beside))


def _begin(channel: Connection, start: Start) -> Callable[[bool], Graded]:
    paper, setting = channel.recv()
    return begin(paper, setting, start)


def _levels(server: socket.socket) -> list[Level]:
    return [Level(**level) for level in json.loads(server.recv(LONGEST_ANSWER))]


def _active(name: str, levels: Iterable[Level]) -> bool:
    return any(level.name == name and level.active for level in levels)


def _by_need(runs: Start, without_torch: Start) -> Start:
    """Starts each run where it has what it needs, and no more."""

    def start(order: Order) -> AbstractContextManager[Run]:
        return (runs if order.torch else without_torch)(order)

    return start
