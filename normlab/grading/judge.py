"""The judge of a worker: a process that holds the references, and has answers run elsewhere."""

import json
import socket
from multiprocessing.connection import Connection

import torch

from normlab.grading.confined.level import Level
from normlab.grading.grade import grade
from normlab.grading.runs import LONGEST_ANSWER, ForkedRuns, ServerDied


def work(channel: Connection, server: socket.socket) -> None:
    """Tell the grader which levels of confinement there are, then grade paper after paper.

    Ends when the grader is gone, or the server: then the grader has no answer to its paper, and
    tries it with another worker.

    Args:
        channel: to the grader.
        server: forks the students' processes.
    """
    torch.set_num_threads(1)
    levels = [Level(**level) for level in json.loads(server.recv(LONGEST_ANSWER))]
    channel.send(levels)
    start = ForkedRuns(server)
    while True:
        try:
            paper, setting = channel.recv()
            channel.send(grade(paper, setting, start))
        except (EOFError, ServerDied, BrokenPipeError):
            return
