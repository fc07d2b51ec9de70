"""The text of a file, whatever it is written in."""

import codecs
import io
import json
import re
from collections.abc import Iterator

SAYS = re.compile(rb"[ \t\f]*+#.*?coding[:=][ \t]*+([-\w.]++)")
LONGEST_LINE = 200
"""Bytes of a line in which a file may say its coding."""
OF_FILES = ("ascii", "utf-8", "iso8859", "cp", "mac", "koi8", "gb", "big5", "shift_jis", "euc")
"""Beginnings of the codings that files are written in; others, such as punycode, are slow."""
LAST_RESORTS = ("cp1252", "latin-1")


def decoded(data: bytes) -> str:
    r"""The text of a file: by its BOM or its NULs, what it says of itself, as UTF-8, as Latin-1.

    Raises:
        UnicodeError: if it is no text in any of these.

    >>> decoded(b"# -*- coding: latin-1 -*-\r\nx = '\xe4'")
    "# -*- coding: latin-1 -*-\nx = 'ä'"
    >>> decoded("x = 'ä'".encode("utf-16"))
    "x = 'ä'"
    """
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return with_newlines(text)
    raise UnicodeError("it is written neither in UTF-8 nor in UTF-16 nor in Latin-1")


def with_newlines(text: str) -> str:
    """The text with the ends of lines that Python has."""
    return io.IncrementalNewlineDecoder(None, translate=True).decode(text, final=True)


def _encodings(data: bytes) -> Iterator[str]:
    found = json.detect_encoding(data)  # the first characters of code are ASCII, as those of JSON
    if found != "utf-8":
        yield found
    for line in data.split(b"\n", 2)[:2]:
        said = SAYS.match(line[:LONGEST_LINE])
        if said and _is_of_files(said[1].decode()):
            yield said[1].decode()
    yield "utf-8"
    yield from LAST_RESORTS


def _is_of_files(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name.startswith(OF_FILES)
    except LookupError:
        return False
