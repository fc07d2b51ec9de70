"""The zygote: a process that has imported NumPy and torch, and knows nothing else.

Importing torch takes seconds, forking takes milliseconds. So one process imports, and all others
are forked from it: for each worker a judge, which then loads the references, and servers, whose
memory students' code will share. Before it imports torch it forks a zygote that never will, for
servers of those exercises that need none: what is not there has no norms, and the processes start
in less time. The environment that they start with is empty of the teacher's.

Run as `python -m normlab.grading.confined.zygote SOCKET LEVEL …`, with the descriptor of a Unix
socket and the levels of confinement that may be used.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from normlab.grading.confined.apart import move
from normlab.grading.confined.level import SWITCHED_OFF

LONGEST_REQUEST = 4096
UNDER_WAY = 2
"""Papers of one worker that may be under way at the same time, where students are apart."""


def main() -> None:
    grader, levels = socket.socket(fileno=int(sys.argv[1])), frozenset(sys.argv[2:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    not_moved = move() if "apart" in levels else SWITCHED_OFF
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    load()
    without_torch, requests = _pair()
    _in_a_fork(lambda: _start_servers(requests, grader, without_torch))
    requests.close()
    load_with_torch()
    number = 0
    while received := _receive(grader):
        wanted, channel = received
        number += 1
        folder = str(Path(wanted["folder"], f"worker-{number}-{os.getpid()}"))
        _start_worker(
            wanted | {"folder": folder, "not_moved": not_moved}, channel, grader, without_torch
        )


def load() -> None:
    """Import what all students' processes need."""
    importlib.import_module("numpy.ma")  # which NumPy puts off until each process uses it
    importlib.import_module("normlab.grading.confined.answers").load_drivers()


def load_with_torch() -> None:
    """Import what those need that may use torch."""
    gc.disable()  # imports make many objects and drop few
    load()
    importlib.import_module("normlab.grading.confined.answers").load_torch()
    gc.collect()
    gc.freeze()  # so that collections in the forked do not copy what they share
    gc.enable()


def _pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _receive(control: socket.socket) -> tuple[dict[str, Any], socket.socket] | None:
    """A request and the socket that comes with it; None if the other side is gone."""
    request, descriptors, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 1)
    return (json.loads(request), socket.socket(fileno=descriptors[0])) if request else None


def _start_worker(
    wanted: dict[str, Any],
    channel: socket.socket,
    grader: socket.socket,
    without_torch: socket.socket,
) -> None:
    """Fork a judge, who talks to the grader through `channel`, and have its servers forked: one
    with torch and one without for each paper that may be under way."""
    pairs = [(_pair(), _pair()) for _ in range(1 if wanted["not_moved"] else UNDER_WAY)]
    of_judge = [(with_torch[0], other[0]) for with_torch, other in pairs]
    of_servers = [(with_torch[1], other[1]) for with_torch, other in pairs]

    def be_judge() -> None:
        for inherited in (grader, without_torch, *chain(*of_servers)):
            inherited.close()
        judge = importlib.import_module("normlab.grading.judge")
        judge.work(Connection(channel.detach()), of_judge)

    with ExitStack() as stack:
        for each in (channel, *chain(*of_judge), *chain(*of_servers)):
            stack.enter_context(each)
        wanted["judge"] = _in_a_fork(be_judge)
        for number, (to_judge, other) in enumerate(of_servers):
            folder = f"{wanted['folder']}-{number}"
            request = json.dumps(wanted | {"folder": f"{folder}-numpy"}).encode()
            socket.send_fds(without_torch, [request], [other.fileno()])
            others = {grader, without_torch, channel, *chain(*of_judge), *chain(*of_servers)}
            _start_server(wanted | {"folder": folder}, to_judge, *(others - {to_judge}))


def _start_servers(requests: socket.socket, *inherited: socket.socket) -> None:
    """Fork servers, for a zygote that asks for them."""
    for each in inherited:
        each.close()
    gc.collect()
    gc.freeze()
    while received := _receive(requests):
        wanted, to_judge = received
        with to_judge:
            _start_server(wanted, to_judge, requests)


def _start_server(
    wanted: dict[str, Any], to_judge: socket.socket, *inherited: socket.socket
) -> None:
    def be_server() -> None:
        for each in inherited:
            each.close()
        server = importlib.import_module("normlab.grading.confined.server")
        server.serve(to_judge, wanted)

    _in_a_fork(be_server)


def _in_a_fork(work: Callable[[], None]) -> int:
    """The number of the new process."""
    if child := os.fork():
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
