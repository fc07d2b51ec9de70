"""Zip files that may be broken, or made to hurt: read in bounded pieces, nothing written."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeAlias

from normlab.checks.cells import UnreadableFile
from normlab.grading.collecting.contents import content_of

BROKEN = (
    *(zipfile.BadZipFile, KeyError, ValueError, RuntimeError, NotImplementedError, EOFError),
    *(OSError, UnicodeDecodeError, zlib.error, struct.error, OverflowError, MemoryError),
)
"""What a broken zip file raises, somewhere on its way."""
MOST_OF_DIRECTORY = 2 * 2**20
"""Bytes of the list of a student's zip file: some 20,000 names."""
END, LOCATOR, END_64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
LONGEST_END = 22 + 65535
LOCATOR_BYTES, END_64_BYTES = 20, 56
UTF8_FLAG = 0x800
BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Methods of compression of which Python unpacks a piece at a time; of others, all at once."""
Source: TypeAlias = Path | Callable[[], bytes]
"""A zip file on the disk, or what reads one that lies in another."""


class Member(NamedTuple):
    """A file in a zip file: its name there, its path as people see it, when it was changed."""

    name: str
    seen: str
    changed: float


def members(source: Source, most_of_directory: int = MOST_OF_DIRECTORY) -> list[Member]:
    """All files in a zip file, in the order of their paths.

    Raises:
        UnreadableFile: that says why not.
    """
    try:
        if _directory_bytes(source) > most_of_directory:
            raise UnreadableFile("it holds more files than are looked at")
        listed = opened(source).infolist()
    except BROKEN as error:
        if isinstance(error, UnreadableFile):
            raise
        raise UnreadableFile(f"it is no zip file, or a broken one ({error})") from None
    last = {m.filename: Member(m.filename, _seen_name(m), _changed(m)) for m in listed}
    files = (member for member in last.values() if not member.seen.endswith("/"))
    return sorted(files, key=lambda member: member.seen)


def read_member(source: Source, member: str, most: int) -> bytes:
    """The content of a member.

    Raises:
        UnreadableFile: if it is a link, longer than `most` bytes, or broken.
    """
    try:
        file = opened(source)
        info = file.getinfo(member)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UnreadableFile("is a link, and links are not followed")
        if info.compress_type not in BOUNDED:
            raise UnreadableFile("is packed in a way other than zip's usual one (Deflate)")
        with file.open(info) as stream:
            return content_of(stream, member, most)
    except BROKEN as error:
        if isinstance(error, UnreadableFile):
            raise
        raise UnreadableFile(f"cannot be read from its zip file: {error}") from None


def forget_opened() -> None:
    """Open zip files anew, as they may have changed on the disk."""
    opened.cache_clear()


@lru_cache(maxsize=4)
def opened(source: Source) -> zipfile.ZipFile:
    return zipfile.ZipFile(source if isinstance(source, Path) else io.BytesIO(_content(source)))


@lru_cache(maxsize=1)
def _content(source: Callable[[], bytes]) -> bytes:
    return source()


def _directory_bytes(source: Source) -> int:
    """The size of the list of members, as the file's end tells it; 0 if there is none to read."""
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(_content(source)) as file:
        start = max(0, file.seek(0, io.SEEK_END) - LONGEST_END)
        file.seek(start)
        tail = file.read(LONGEST_END)
        end = tail.rfind(END)
        if end < 0:
            return 0
        locator = start + end - LOCATOR_BYTES
        return max(struct.unpack_from("<L", tail, end + 12)[0], _bytes_in_zip64(file, locator))


def _bytes_in_zip64(file: BinaryIO, locator: int) -> int:
    """The size in the longer end that a zip file may have besides, which counts where it is."""
    if locator < END_64_BYTES:
        return 0
    file.seek(locator)
    data = file.read(LOCATOR_BYTES)
    if not data.startswith(LOCATOR):
        return 0
    sizes = [0]
    for place in (locator - END_64_BYTES, struct.unpack_from("<Q", data, 8)[0]):
        file.seek(min(place, locator))
        end = file.read(END_64_BYTES)
        if end.startswith(END_64) and len(end) == END_64_BYTES:
            sizes.append(struct.unpack_from("<Q", end, 40)[0])
    return max(sizes)


def _changed(member: zipfile.ZipInfo) -> float:
    try:
        return datetime(*member.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _seen_name(member: zipfile.ZipInfo) -> str:
    """The path, with `/` between folders, in the letters that were meant.

    macOS writes UTF-8 and does not say so; Windows has put a backslash between folders.
    """
    name = member.filename
    if not member.flag_bits & UTF8_FLAG and not name.isascii():
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = member.filename
    return name.replace("\\", "/")
