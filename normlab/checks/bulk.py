"""A notebook without what it shows, read from a stream of any length in little memory."""

import codecs
import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Protocol


class Readable(Protocol):
    """What can be read bit by bit."""

    def read(self, size: int, /) -> bytes: ...


MOST_KEPT = 20 * 2**20
"""Bytes of a notebook without its outputs. A solved notebook has about 20 KB."""
CHUNK = 2**20
LONGEST_TEXT = 2**20
"""Bytes of one text in a notebook; a longer one, such as a picture pasted into it, is left out."""
MOST_BRACKETS = 2_000_000
"""Lists and objects, with others inside, that are counted while outputs are passed over."""
SHOWN = (b'"outputs"', b'"attachments"', b'"widgets"')
"""Keys whose values are left out: what cells have shown, pasted pictures, states of widgets."""
TEXT = rb'"(?:[^"\\]++|\\.)*+"'
OTHER_TEXT = rb'"(?!outputs"|attachments"|widgets")(?:[^"\\]++|\\.)*+"'


def _with_inner(levels: int) -> bytes:
    """Matches all up to the next bracket that has more levels of brackets inside, or to the end."""
    if levels < 0:
        return rb'(?:[^][{}"]++|' + TEXT + rb")*+"
    inner = _with_inner(levels - 1)
    return rb'(?:[^][{}"]++|' + TEXT + rb"|\{" + inner + rb"\}|\[" + inner + rb"\])*+"


KEPT, BLANK, SCALAR, INSIDE_TEXT, WHOLE_TEXT, SHALLOW = (
    re.compile(pattern, re.DOTALL)
    for pattern in (
        rb'(?:[^"]++|' + OTHER_TEXT + rb")*+",
        rb"[ \t\r\n]*+",
        rb"[^],}\s]*+",
        rb'(?:[^"\\]++|\\.)*+',
        TEXT,
        _with_inner(2),
    )
)


def without_outputs(stream: Readable, most: int) -> bytes:
    """The bytes of a notebook, in UTF-8, without outputs, attachments and states of widgets.

    What is no JSON comes back somehow; whoever reads it will say so. A file without outputs comes
    back as it is, but for very long texts.

    Args:
        stream: of the notebook, in UTF-8, UTF-16 or UTF-32.
        most: bytes to keep. If there are more, the first ones come back, and at least one too many.

    >>> import io
    >>> without_outputs(io.BytesIO(b'{"cells": [{"source": "x", "outputs": [{"a": 1}]}]}'), 99)
    b'{"cells": [{"source": "x", "outputs": null}]}'
    """
    return _Reader(stream).kept(most)


class _Reader:
    """A stream, of which a little is in memory.

    Attributes:
        buffer: that little.
        place: up to which it is read.
    """

    def __init__(self, stream: Readable) -> None:
        self.chunks = _chunks(stream)
        self.buffer, self.place, self.brackets = b"", 0, 0

    def kept(self, most: int) -> bytes:
        """All but what is left out."""
        kept = bytearray()
        while len(kept) <= most and self._is_more():
            kept += self._taken(KEPT)
            if self.place == len(self.buffer):
                continue
            text = self._text()  # a key of what is left out, or one that is not in memory whole
            kept += text
            if text in SHOWN:
                self._pass(BLANK)
                if self.buffer[self.place : self.place + 1] == b":":
                    self.place += 1
                    self._pass_value()
                    kept += b": null"
        return bytes(kept)

    def _taken(self, pattern: re.Pattern[bytes]) -> bytes:
        """What `pattern` matches in the buffer from here on."""
        match = pattern.match(self.buffer, self.place)
        assert match is not None  # all of them match nothing, too
        self.place = match.end()
        return match[0]

    def _is_more(self) -> bool:
        return self.place < len(self.buffer) or self._fill()

    def _fill(self) -> bool:
        """Add a chunk to what is not read yet; whether there was one."""
        chunk = next(self.chunks, b"")
        self.buffer, self.place = self.buffer[self.place :] + chunk, 0
        return bool(chunk)

    def _text(self) -> bytes:
        """The text that begins here; an empty one for a very long one."""
        while not (whole := WHOLE_TEXT.match(self.buffer, self.place)):
            if len(self.buffer) - self.place > LONGEST_TEXT:
                self._pass_text()
                return b'""'
            if not self._fill():
                self.place, rest = len(self.buffer), self.buffer[self.place :]
                return rest
        self.place = whole.end()
        return whole[0]

    def _pass(self, pattern: re.Pattern[bytes]) -> None:
        """Leave out what `pattern` matches, in later chunks too."""
        self._taken(pattern)
        while self.place == len(self.buffer) and self._fill():
            self._taken(pattern)

    def _pass_text(self) -> None:
        self.place += 1
        while True:
            self._taken(INSIDE_TEXT)
            if self.buffer[self.place : self.place + 1] == b'"':
                self.place += 1
                return
            if not self._fill():  # half an escape may be left
                self.place = len(self.buffer)
                return

    def _pass_value(self) -> None:
        depth = 0
        self._pass(BLANK)
        while self._is_more():
            first = self.buffer[self.place : self.place + 1]
            if first == b'"':
                self._pass_text()
            elif first in b"[{":
                depth, self.place = depth + 1, self.place + 1
            elif first in b"]}" and depth:
                depth, self.place = depth - 1, self.place + 1
            else:
                self._pass(SCALAR)
            if depth == 0:
                return
            self.brackets += 1
            if self.brackets > MOST_BRACKETS:
                self.place, self.buffer, self.chunks = 0, b"", iter(())
                return
            self._taken(SHALLOW)


def _chunks(stream: Readable) -> Iterator[bytes]:
    """The stream in UTF-8."""
    raw = iter(lambda: stream.read(CHUNK), b"")
    first = next(raw, b"")
    encoding = json.detect_encoding(first)
    if encoding in ("utf-8", "utf-8-sig"):
        return chain([first.removeprefix(codecs.BOM_UTF8)], raw)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return (text for each in chain([first], raw) if (text := decoder.decode(each).encode()))
