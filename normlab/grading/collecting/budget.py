"""What looking into one student's upload may cost."""

import time
from dataclasses import dataclass, field

from normlab.checks.cells import UnreadableFile

MOST_BYTES = 200 * 2**20
"""Unpacked. A solved notebook has about 20 KB."""
MOST_FILES = 5000
MOST_SECONDS = 20.0


class TooMuch(UnreadableFile):
    """An upload that unpacks to more than any honest one."""


@dataclass
class Budget:
    """Bytes, files and seconds that are left for an upload.

    >>> budget = Budget(bytes_left=10)
    >>> budget.spend(bytes_read=8)
    >>> budget.bytes_left
    2
    """

    bytes_left: int = MOST_BYTES
    files_left: int = MOST_FILES
    ends: float = field(default_factory=lambda: time.monotonic() + MOST_SECONDS)

    def spend(self, bytes_read: int = 0, files: int = 0) -> None:
        """Take what was used.

        Raises:
            TooMuch: if there was less left, or no time.
        """
        self.bytes_left -= bytes_read
        self.files_left -= files
        if self.bytes_left < 0 or self.files_left < 0 or time.monotonic() > self.ends:
            raise TooMuch(
                f"it unpacks to more than {MOST_BYTES / 2**20:.0f} MB, {MOST_FILES:,} files or "
                f"{MOST_SECONDS:.0f} seconds of work"
            )
