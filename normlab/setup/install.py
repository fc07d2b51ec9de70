"""Make `.venv`, or mend it: one command, whatever state it is in."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from normlab.setup.venv import CONTAINS, RECORD, Venv, look, python_of, site_packages, write_record

SIZES = {"course": "1.5 GB", "site": "1.6 GB", "test": "5 GB"}
"""With PyTorch's CPU build."""
MINUTES = {
    "course": "one to three minutes",
    "site": "one to three minutes",
    "test": "three to six minutes",
}
LOG_LINES = 40
VENV = ("-m", "venv", "--clear")


class SetUpFailed(Exception):
    """Says what failed, and ends with what it printed."""


class StepFailed(SetUpFailed):
    """A step came to its end, and failed: pip then leaves what was installed as it was."""


def set_up(course: Path, extra: str, wanted_python: tuple[int, int] | None = None) -> None:
    """Have `.venv` hold all of `extra`, whatever is there now.

    Says nothing if all is in order. A kill at any moment is mended by the next call.

    Raises:
        SetUpFailed: if a step failed, or the folder cannot be written.
    """
    if look(course, extra, wanted_python).state == "ready":
        return
    with alone(course) as lock:
        found = look(course, extra, wanted_python)  # another one may just have ended
        if found.state == "ready":
            return
        if extra in CONTAINS.get(found.has, ()) and not found.from_new:
            extra = found.has
        start = time.monotonic()
        say(f"{found.sentence} {plan(found, extra)}")
        if run_all(steps(course, found, extra), found, extra, lock):
            write_record(course, extra)
            say(f"Set up in {time.monotonic() - start:.0f} seconds.")


def run_all(commands: Iterable[tuple[str, list[str]]], found: Venv, extra: str, lock: int) -> bool:
    """Run every step. While they run there is no record, so that a kill is seen later.

    A `.venv` that was whole stays what it was where a step fails, for want of a network for
    instance, and one that was only outdated is used as it is.

    Returns:
        Whether all came to their end.
    """
    record = found.folder / RECORD
    kept = None if found.from_new else record.read_bytes()
    record.unlink(missing_ok=True)
    try:
        for step, command in commands:
            run_shown(step, command, found.folder.parent, lock)
    except StepFailed as failed:
        if kept:
            record.write_bytes(kept)
        if found.state != "outdated" or extra not in CONTAINS.get(found.has, ()):
            raise
        say(f"{failed}\n\nGoing on with the versions that .venv has. Is there a network?")
        return False
    return True


def plan(found: Venv, extra: str) -> str:
    """What will be done, how large it is and how long it takes."""
    if found.state == "incomplete":
        return "Installing it again."
    if found.state == "outdated":
        return "Bringing it up to date."
    again = "" if found.state == "missing" else " from new"
    return (
        f"Setting it up{again}, in {found.folder}: {SIZES[extra]} with PyTorch's CPU build, and "
        f"{MINUTES[extra]} where the network is fast. This is done once."
    )


def steps(course: Path, found: Venv, extra: str) -> Iterator[tuple[str, list[str]]]:
    """(what, command) of all that is to be run."""
    python = str(python_of(found.folder))
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-color"]
    locked = [*pip, "--constraint", str(course / "constraints.txt")]
    if found.from_new:
        yield "making .venv", [sys.executable, *VENV, str(found.folder)]
    # 2.13.0+cpu may not be had everywhere; normlab itself comes with the next step
    again = [p.partition("+")[0] for p in found.missing if not p.startswith("normlab==")]
    if again:
        yield "mending", [*locked, "--force-reinstall", "--no-deps", *again]
    yield "installing", [*locked, "--editable", f"{course}[{extra}]"]


def run_shown(step: str, command: Sequence[str], course: Path, lock: int) -> None:
    """Run a step with one line of progress; what it printed is shown only if it fails.

    The step keeps the lock open: where the set-up alone is killed, the next one waits for it.
    """
    log = course / ".venv.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=course,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,) if os.name != "nt" else (),
        )
        try:
            show_while(process, step, lambda: what_pip_does(log, course / ".venv"))
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise SetUpFailed("Interrupted. The same command goes on.") from None
    printed = log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    if process.returncode:
        tail = "\n".join(printed.splitlines()[-LOG_LINES:])
        raise StepFailed(f"{tail}\n\nThis failed, with the lines above: {' '.join(command)}")


def show_while(process: "subprocess.Popen[bytes]", step: str, now: Callable[[], str]) -> None:
    """One line that is written over: the step, its seconds, and what it does now."""
    start, terminal = time.monotonic(), sys.stderr.isatty()
    while process.poll() is None:
        time.sleep(0.1)
        if terminal:
            line = f"{step}, {time.monotonic() - start:.0f} s {now()}"
            print(f"\r{line[:78]:78}", end="", file=sys.stderr, flush=True)
    if terminal:
        print(f"\r{'':78}\r", end="", file=sys.stderr, flush=True)


def what_pip_does(log: Path, folder: Path) -> str:
    """From pip's own words: which package it looks at, or how many it has installed."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in reversed(lines):
        words = line.split()
        if line.startswith("Installing collected packages:"):
            there = len([*site_packages(folder).glob("*.dist-info")])
            return f"· {min(there, len(words) - 3)} of {len(words) - 3} packages"
        if words[:1] in (["Collecting"], ["Downloading"]):
            return f"· {' '.join(words[:2])}"
    return ""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def alone(course: Path) -> Iterator[int]:
    """Hold the lock of this folder's set-up, and wait for whoever holds it.

    The system releases it with the last process that has it open, also after a kill.
    """
    try:
        file = (course / ".venv.lock").open("a+b")
    except OSError as error:
        raise SetUpFailed(
            f"{course} cannot be written ({error.strerror}), so there is no place for .venv. Copy "
            "the course into a folder of your own, and set it up there."
        ) from None
    with file:
        if not try_lock(file.fileno()):
            say("Another set-up of this folder is running. Waiting for it.")
            while not try_lock(file.fileno()):
                time.sleep(0.2)
        os.set_inheritable(file.fileno(), True)
        yield file.fileno()


def try_lock(number: int) -> bool:
    """Whether an open file is now locked by this process."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
