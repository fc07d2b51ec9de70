"""An event loop for a process that may have no sockets."""

import asyncio
import threading
import warnings
from typing import Any


class LonelyLoop(asyncio.BaseEventLoop):
    """Runs coroutines, timers and threads; there is nothing outside that it could wait for.

    Python's own loops wake themselves through a pair of sockets, and a student's process may have
    none. This one waits for a `threading.Event`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._selector = self
        self._woken = threading.Event()

    def select(self, timeout: float | None) -> list[Any]:
        """Wait as a selector does."""
        self._woken.wait(timeout)
        self._woken.clear()
        return []

    def _process_events(self, events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        self._woken.set()


class _Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = LonelyLoop


def only_lonely_loops() -> None:
    """From now on `asyncio.run` and its like make a `LonelyLoop`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # as Python 3.14 has it
        asyncio.set_event_loop_policy(_Policy())
