"""A student's process, from the fork to the first cell."""

import contextlib
import os
import signal
import socket
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from normlab.grading.confined.answers import Question, run_answers
from normlab.grading.confined.confinement import Confinement
from normlab.grading.confined.limits import Limits


@dataclass(frozen=True)
class Child:
    """A student's process that waits for its task.

    Args:
        order: what it was made for.
        pid: its number.
        channel: the other end of its channel.
    """

    order: dict[str, Any]
    pid: int
    channel: socket.socket


def start(
    order: dict[str, Any], folder: Path, confinement: Confinement, questions: Sequence[Question]
) -> Child:
    """Fork a process that waits for its task.

    Args:
        order: what it is made for.
        folder: in which it may write.
        confinement: that it enters.
        questions: those of its exercise.
    """
    ours, theirs = socket.socketpair()
    pid = confinement.fork()
    if pid == 0:
        limits = Limits(**order["limits"])
        _become_answer(theirs.detach(), folder, confinement, limits, questions)
    theirs.close()
    return Child(order, pid, ours)


def _become_answer(
    channel: int,
    folder: Path,
    confinement: Confinement,
    limits: Limits,
    questions: Sequence[Question],
) -> NoReturn:
    """In the new process: let go of everything, run the answers, and end without any cleaning."""
    code = 1
    try:
        os.setsid()
        os.environ |= {"HOME": str(folder), "TMPDIR": str(folder)}
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with contextlib.suppress(OSError):  # the first to go if the machine runs out of memory
            Path("/proc/self/oom_score_adj").write_text("1000")
        confinement.enter(limits, folder)
        keep_only(channel)
        run_answers(Connection(channel), questions)
        code = 0
    except Exception:  # the judge sees that the process has ended, and says so to the student
        traceback.print_exc()  # seen only if it comes from before `keep_only`
    finally:
        os._exit(code)


def keep_only(descriptor: int) -> None:
    """Close all others; the standard ones lead nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
