"""A program that is told to end cleans up first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDING = ("SIGTERM", "SIGHUP")
"""What a scheduler sends, and a terminal that is closed; Windows knows the first alone."""


@contextmanager
def end_as_by_ctrl_c() -> Iterator[None]:
    """Let what ends the program raise KeyboardInterrupt, as Ctrl-C does.

    Only the main thread may decide so; in any other one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
