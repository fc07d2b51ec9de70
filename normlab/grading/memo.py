"""Results that are kept, so that what was judged once is not judged again."""

import hashlib
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Memo(Generic[Result]):
    """Results of a pure function; the oldest are forgotten.

    Of the messages that go into a result only a digest is kept, SHA-256. So nobody can make two
    messages that are taken for each other, and long ones take no memory.

    Args:
        most: results that are kept.

    >>> memo = Memo(most=2)
    >>> memo.get("length", [b"abc"], lambda: 3), memo.get("length", [b"abc"], lambda: 4)
    (3, 3)
    >>> memo.get("length", [b"ab", b"c"], lambda: 2)
    2
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept: dict[tuple[Hashable, bytes], Result] = {}
        self.lock = threading.Lock()

    def get(self, key: Hashable, messages: Sequence[bytes], make: Callable[[], Result]) -> Result:
        """What `make` returns, or did for the same key and messages.

        Nothing is kept where it raises an error.

        Args:
            key: all that goes into the result besides the messages.
            messages: of which the result is made.
            make: makes it, of nothing else.
        """
        place = key, b"".join(hashlib.sha256(message).digest() for message in messages)
        with suppress(KeyError):
            return self.kept[place]
        made = make()
        with self.lock:  # threads judge where nothing can be forked
            if len(self.kept) >= self.most:
                del self.kept[next(iter(self.kept))]
            self.kept[place] = made
        return made

    def clear(self) -> None:
        """Forget all."""
        with self.lock:
            self.kept.clear()
