"""The zygote: a process that has imported NumPy and torch, and knows nothing else.

Importing torch takes seconds, forking takes milliseconds. So one process imports, and all others
are forked from it: for each worker a server, whose memory students' code will share, and a judge,
which then loads the references. The environment that it starts with is empty of the teacher's.

Run as `python -m normlab.grading.confined.zygote SOCKET`, with the descriptor of a Unix socket.
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

LONGEST_REQUEST = 4096


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    load()
    number = 0
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, LONGEST_REQUEST, 1)
        if not request:
            return
        number += 1
        _start_worker(control, number, json.loads(request), descriptors[0])


def load() -> None:
    """Import all that students' processes need."""
    gc.disable()  # imports make many objects and drop few
    import torch

    from normlab.grading.confined.answers import load_drivers

    torch.set_num_threads(1)
    importlib.import_module("numpy.ma")  # which NumPy puts off until each process uses it
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

    def be_server() -> None:
        control.close()
        to_server.close()
        os.close(channel)
        server = importlib.import_module("normlab.grading.confined.server")
        server.serve(to_judge, folder, frozenset(request["levels"]), request["namespaces"])

    def be_judge() -> None:
        control.close()
        to_judge.close()
        judge = importlib.import_module("normlab.grading.judge")
        judge.work(Connection(channel), to_server)

    for work in (be_server, be_judge):
        _in_a_fork(work)
    os.close(channel)
    to_server.close()
    to_judge.close()


def _in_a_fork(work: Callable[[], None]) -> None:
    if os.fork():
        return
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
