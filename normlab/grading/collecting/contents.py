"""The content of a file that was handed in, in bounded memory."""

from normlab.checks.bulk import Readable, without_outputs
from normlab.checks.cells import UnreadableFile

MOST_BYTES = 20 * 2**20
"""Of a file; of a notebook, without what its cells have shown. A solved one has about 20 KB."""
MOST_SHOWN = 500 * 2**20
"""Of a notebook with all that its cells have shown."""


class _Bounded:
    """What was read of a stream, and the rest of it."""

    def __init__(self, begin: bytes, rest: Readable) -> None:
        self.begin, self.rest, self.left = begin, rest, MOST_SHOWN

    def read(self, size: int, /) -> bytes:
        data, self.begin = self.begin, b""
        data = data or self.rest.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise UnreadableFile(f"is larger than {MOST_SHOWN / 2**20:.0f} MB")
        return data


def content_of(stream: Readable, name: str, most: int = MOST_BYTES) -> bytes:
    """All bytes of a stream; of a longer notebook, those that are no outputs.

    Args:
        stream: of the file.
        name: of the file.
        most: bytes that are kept.

    Raises:
        UnreadableFile: if there are more; the text goes on after the file's name.
    """
    data = stream.read(most + 1)
    if len(data) > most and name.lower().endswith(".ipynb"):
        data = without_outputs(_Bounded(data, stream), most)
    if len(data) > most:
        raise UnreadableFile(f"is larger than {most / 2**20:.0f} MB")
    return data
