"""The zygote: a process that has imported NumPy and torch, and knows nothing else.

Importing torch takes seconds, forking takes milliseconds. So one process imports, and all others
are forked from it: for each worker a server, whose memory students' code will share, and a judge,
which then loads the references. The environment that it starts with is empty of the teacher's.

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
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from normlab.grading.confined.apart import move
from normlab.grading.confined.level import SWITCHED_OFF

LONGEST_REQUEST = 4096


def main() -> None:
    control, levels = socket.socket(fileno=int(sys.argv[1])), frozenset(sys.argv[2:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    not_moved = move() if "apart" in levels else SWITCHED_OFF
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    load()
    number = 0
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 1)
        if not request:
            return
        number += 1
        known = json.loads(request) | {"not_moved": not_moved}
        _start_worker(control, number, known, descriptors[0])


def load() -> None:
    """Import all that students' processes need."""
    gc.disable()  # imports make many objects and drop few
    import torch

    from normlab.grading.confined.answers import load_drivers

    torch.set_num_threads(1)
    importlib.import_module("numpy.ma")  # which NumPy puts off until each process uses it
    torch.backends.cpu.get_cpu_capability()  # reads /proc/cpuinfo, which students do not see
    load_drivers()
    gc.collect()
    gc.freeze()  # so that collections in the forked do not copy what they share
    gc.enable()


def _start_worker(
    control: socket.socket, number: int, request: dict[str, Any], channel: int
) -> None:
    """Fork a server and its judge, who talks to the grader through `channel`."""
    to_server, to_judge = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    folder = Path(request["folder"]) / f"worker-{number}-{os.getpid()}"

    def be_judge() -> None:
        control.close()
        to_judge.close()
        judge = importlib.import_module("normlab.grading.judge")
        judge.work(Connection(channel), to_server)

    def be_server() -> None:
        control.close()
        to_server.close()
        os.close(channel)
        server = importlib.import_module("normlab.grading.confined.server")
        server.serve(to_judge, judge, folder, request)

    judge = _in_a_fork(be_judge)
    _in_a_fork(be_server)
    os.close(channel)
    to_server.close()
    to_judge.close()


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
