"""A student's process, from the fork to the first cell."""

import contextlib
import os
import signal
import socket
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn, TypeAlias

from normlab.grading.confined.answers import Question, run_answers
from normlab.grading.confined.apart import end_with_parent
from normlab.grading.confined.confinement import Confinement
from normlab.grading.confined.limits import Limits

Questions: TypeAlias = Mapping[str, Sequence[Question]]
"""Exercise -> what it asks."""


@dataclass(frozen=True)
class Child:
    """A student's process that waits for its task.

    Args:
        limits: that it is under.
        ready_for: exercises whose questions it knows, and modules that it has loaded.
        pid: its number.
        channel: the other end of its channel.
    """

    limits: Limits
    ready_for: frozenset[str]
    pid: int
    channel: socket.socket


def start(
    limits: Limits, folder: Path, confinement: Confinement, questions: Questions
) -> tuple[int, socket.socket]:
    """Fork a process that waits for its task.

    Args:
        limits: that it is under.
        folder: in which it may write.
        confinement: that it enters.
        questions: of all exercises that its task may be about.

    Returns:
        its number and the other end of its channel.
    """
    ours, theirs = socket.socketpair()
    pid = confinement.fork()
    if pid == 0:
        _become_answer(theirs.detach(), folder, confinement, limits, questions)
    theirs.close()
    return pid, ours


def _become_answer(
    channel: int,
    folder: Path,
    confinement: Confinement,
    limits: Limits,
    questions: Questions,
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
        end_with_parent()  # nobody else would see its time run out
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
