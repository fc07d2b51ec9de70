"""Which levels of confinement this system has. Each one is tried out before it is believed."""

import json
import os
import resource
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from normlab.grading.confined import landlock
from normlab.grading.confined.apart import DISK_BYTES, apart_in
from normlab.grading.confined.confinement import (
    FIRST_USER,
    PACKAGE,
    USERS,
    Confinement,
    calls_for_answers,
    files_for_answers,
)
from normlab.grading.confined.level import SWITCHED_OFF, Level, missing
from normlab.grading.confined.limits import Limits

NOBODY = 65534
WITHOUT_EFFECT = "it has no effect here"
TRIAL = Limits(seconds=10, idle_seconds=10, memory=2**29)


def strongest(
    answers: Path, shared: Path, allowed: frozenset[str], not_moved: str, torch: bool
) -> tuple[Confinement, list[Level]]:
    """The confinement of all levels that work here, and what to say of each.

    Args:
        answers: the folder in which students' code may write.
        shared: a folder that it may read.
        allowed: names of the levels that may be used.
        not_moved: why this process cannot make others that are apart; "" if it can.
        torch: whether students' code may read it.
    """
    confinement, reasons = Confinement(), {"apart": not_moved}
    if not_moved == "":
        confinement, reasons["apart"] = _apart_in(answers / "own")
    made, reasons["landlock"] = _made(
        "landlock" in allowed, lambda: {"rules": files_for_answers([answers], [shared], torch)}
    )
    confinement = replace(confinement, **made)
    if os.getuid() == 0 and "user" in allowed:
        user, reasons["user"] = _user_for(confinement, answers)
        confinement = replace(confinement, user=user)
    alone = confinement.apart is not None or confinement.user is not None
    made, reasons["seccomp"] = _made(
        "seccomp" in allowed, lambda: {"calls": calls_for_answers(alone)}
    )
    confinement = replace(confinement, **made)
    return confinement, _seen(confinement, reasons, answers)


def _apart_in(folder: Path) -> tuple[Confinement, str]:
    """A confinement whose processes are apart; or an empty one, and why."""
    try:
        apart = Confinement(apart=apart_in(folder))
        tried = attempts(apart, folder.parent)
    except OSError as error:
        return Confinement(), str(error)
    return (
        (apart, "")
        if tried.get("is apart")
        else (Confinement(), tried.get("error", WITHOUT_EFFECT))
    )


def _made(allowed: bool, make: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], str]:
    """(what was made, or why not)."""
    if not allowed:
        return {}, SWITCHED_OFF
    try:
        return make(), WITHOUT_EFFECT
    except (ImportError, RuntimeError, OSError) as error:
        return {}, str(error)


def _user_for(confinement: Confinement, answers: Path) -> tuple[int | None, str]:
    """A user to become who can read Python and its libraries; or none, and why."""
    reason = ""
    for user in (FIRST_USER + secrets.randbelow(USERS), NOBODY):
        tried = attempts(replace(confinement, user=user), answers)
        if tried.get("reads Python"):
            return user, ""
        reason = tried.get("error") or f"other users than root cannot read Python in {np.__file__}"
    return None, reason


def _seen(confinement: Confinement, reasons: dict[str, str], answers: Path) -> list[Level]:
    """The levels, as a trial shows them."""
    tried = attempts(confinement, answers)
    become = os.getuid() if confinement.user is None else confinement.user
    shown = {
        "limits": (tried.get("limited"), "time, memory, file size, processes"),
        "user": (tried.get("user") == become != 0, _name_of(confinement.user)),
        "apart": (tried.get("is apart"), "processes, disk and memory of its own for each student"),
        "landlock": (tried.get("reads normlab") is False, f"version {landlock.abi()}"),
        "seccomp": (
            tried.get("forks") is False and tried.get("makes a socket") is False,
            "no new processes, no network",
        ),
    }
    return [
        Level(name, True, detail)
        if active
        else missing(name, reasons.get(name) or str(tried.get("error")))
        for name, (active, detail) in shown.items()
    ]


def _name_of(user: int | None) -> str:
    if user is None:
        return "yours, which is not root"
    return f"numbers from {user} on" if user >= FIRST_USER else f"number {user}"


def attempts(confinement: Confinement, answers: Path) -> dict[str, Any]:
    """What a process can do that has entered a confinement, as it was seen to do it.

    Args:
        confinement: to be entered.
        answers: the folder in which students' code may write.
    """
    reading, writing = os.pipe()
    child = confinement.fork()
    if child == 0:
        found: dict[str, Any] = {}
        try:
            confinement.enter(TRIAL, confinement.apart.folder if confinement.apart else answers)
            found = _attempts(answers)
        except OSError as error:
            found = {"error": str(error)}
        finally:
            os.write(writing, json.dumps(found).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    seen: dict[str, Any] = json.loads(told)
    return seen


def _attempts(answers: Path) -> dict[str, Any]:
    return {
        "limited": resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY,
        "user": os.getuid(),
        "is apart": os.getpid() == 1 and _has_own_disk(answers) and not Path("/proc/self").exists(),
        "reads Python": all(_works(Path(file).read_bytes) for file in (os.__file__, np.__file__)),
        "reads normlab": _works((PACKAGE / "__init__.py").read_bytes),
        "forks": _works(lambda: os.fork() or os._exit(0)),
        "makes a socket": _works(lambda: socket.socket().close()),
    }


def _has_own_disk(answers: Path) -> bool:
    here = os.statvfs(".")
    return here.f_blocks * here.f_frsize == DISK_BYTES and not _works((answers / "trial").mkdir)


def _works(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True
