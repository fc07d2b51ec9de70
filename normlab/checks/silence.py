"""Nothing that a learner's code writes is shown: neither by Python nor by the process."""

import contextlib
import ctypes
import io
import os
import sys
import warnings
from collections.abc import Iterator

STANDARD = (1, 2)
"""The descriptors of stdout and stderr."""


class FirstCharacters(io.TextIOBase):
    """A text file that keeps the first characters written to it, and counts the lines."""

    def __init__(self, limit: int = 0) -> None:
        self.limit, self.text, self.lines = limit, "", 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text[: max(0, self.limit - len(self.text))]
        self.lines += text.count("\n")
        return len(text)


@contextlib.contextmanager
def quiet(printed: FirstCharacters | None = None) -> Iterator[None]:
    """Nothing that code prints or warns of is shown, but kept in `printed`; pictures go nowhere."""
    sink, environment = printed or FirstCharacters(), dict(os.environ)
    if environment.get("MPLBACKEND") != "agg":
        os.environ["MPLBACKEND"] = "agg"
    try:
        with (
            contextlib.redirect_stdout(sink),
            contextlib.redirect_stderr(sink),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)


@contextlib.contextmanager
def silent_descriptors() -> Iterator[None]:
    """What native code and other programs write to the descriptors 1 and 2 goes nowhere.

    What was written before goes where it was meant to, and so does what comes after, whatever
    happens in between. `quiet` does the same for what Python's `print` writes to `sys.stdout`.
    """
    flush_all()
    closed = []  # as those of a program without a terminal may be
    nowhere = os.open(os.devnull, os.O_WRONLY)
    while nowhere <= max(STANDARD):
        closed.append(nowhere)
        nowhere = os.dup(nowhere)
    before = {descriptor: os.dup(descriptor) for descriptor in STANDARD}
    try:
        for descriptor in STANDARD:
            os.dup2(nowhere, descriptor)
        yield
    finally:
        try:
            flush_all()
        finally:
            for descriptor, copy in before.items():
                os.dup2(copy, descriptor)
            for descriptor in (nowhere, *before.values(), *closed):
                os.close(descriptor)


def flush_all() -> None:
    """Hand what Python and C keep for the descriptors 1 and 2 over to the system."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None and not stream.closed:
            stream.flush()
    ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None).fflush(None)
