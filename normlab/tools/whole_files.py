"""Files that are there as a whole or not at all, and locks that end with their process."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path to write to; what is written there becomes `path` when the block ends well.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(Path(folder) / "a.txt") as unfinished:
    ...         _ = unfinished.write_text("whole")
    ...     os.listdir(folder)
    ['a.txt']
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def held(lock: Path, refusal: str) -> Iterator[None]:
    """Hold a lock, which is a file of its own, until the block or the process ends.

    The file is removed while it is held. Whoever opened it before sees that it has no name any
    more, and takes a new one (filelock 3.21); on Windows filelock removes it itself.

    Raises:
        BlockingIOError: that says `refusal`, if another process holds it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with held(Path(folder) / "a.lock", "it is in use."):
    ...         with held(Path(folder) / "a.lock", "it is in use."):
    ...             pass
    Traceback (most recent call last):
    BlockingIOError: it is in use.
    """
    guard = FileLock(lock, blocking=False)
    try:
        guard.acquire()
    except Timeout:
        raise BlockingIOError(refusal) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()
        guard.release()
