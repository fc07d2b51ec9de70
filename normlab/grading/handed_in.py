"""All files below a folder or in a zip file, zip files in it included; no link is followed."""

import io
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeAlias

from normlab.checks.cells import UnreadableFile
from normlab.grading.names import read_name

MOST_BYTES = 20 * 2**20
"""Of a file. A solved notebook has about 20 KB."""
MOST_OF_INNER_ZIP = 100 * 2**20
ZIPS_IN_ZIPS = 2
DEEPEST = 20
"""Folders in folders, zip files counted."""


@dataclass(frozen=True)
class HandedIn:
    """A file, wherever it lies.

    Args:
        folders: between what was given and the file; a student's zip file counts as one.
        name: of the file.
        origin: for messages: its path, with the zip file that holds it.
        read: gives its content, or raises `UnreadableFile` that says why not.
    """

    folders: tuple[str, ...]
    name: str
    origin: str
    read: Callable[[], bytes]


def files_in(root: Path) -> Iterator[HandedIn]:
    """All files, in the order of their names.

    Raises:
        ValueError: if there is neither a folder nor a zip file.
    """
    if root.is_dir():
        yield from _in_folder(root, (), root.name)
    elif zipfile.is_zipfile(root):
        yield from _in_zip(root.name, (), root, depth=0)
    else:
        raise ValueError(
            f"{root} is neither a folder nor a zip file; expected one with the submissions."
        )


def _in_folder(folder: Path, folders: tuple[str, ...], origin: str) -> Iterator[HandedIn]:
    for path in sorted(folder.iterdir()):
        place = f"{origin}/{path.name}"
        if path.is_dir() and not path.is_symlink() and len(folders) < DEEPEST:
            yield from _in_folder(path, (*folders, path.name), place)
        elif path.suffix.lower() == ".zip" and path.is_file() and not path.is_symlink():
            yield from _in_zip(place, folders, path, depth=0)
        else:
            yield HandedIn(folders, path.name, place, partial(_read, path, place, MOST_BYTES))


def _read(path: Path, place: str, most: int) -> bytes:
    try:
        kind = path.lstat().st_mode
        if stat.S_ISLNK(kind):
            raise UnreadableFile(f"{place} is a link, and links are not followed.")
        if not stat.S_ISREG(kind):
            raise UnreadableFile(f"{place} is no file.")
        with path.open("rb") as file:
            return _at_most(file.read(most + 1), place, most)
    except OSError as error:
        raise UnreadableFile(f"{place} cannot be read: {error.strerror}.") from None


def _at_most(content: bytes, place: str, most: int) -> bytes:
    if len(content) > most:
        raise UnreadableFile(f"{place} is larger than {most / 2**20:.0f} MB.")
    return content


Source: TypeAlias = Path | Callable[[], bytes]
"""A zip file on the disk, or what reads one that lies in another."""


def _in_zip(
    origin: str, folders: tuple[str, ...], source: Source, depth: int
) -> Iterator[HandedIn]:
    """The files in a zip file. It is a folder of its own if it is one student's."""
    try:
        members = sorted(m.filename for m in _opened(source).infolist() if not m.is_dir())
    except BROKEN as error:
        reason = f"{origin} is no zip file, or a broken one: {error}"
        yield HandedIn(folders, origin.rpartition("/")[2], origin, partial(_refuse, reason))
        return
    paths = {m: [part for part in m.split("/") if part not in ("", ".", "..")] for m in members}
    if not _of_a_class([path for path in paths.values() if path]):
        folders = (*folders, origin.rpartition("/")[2].rpartition(".")[0])
    for member, path in paths.items():
        if not path:
            continue
        place = f"{origin}/{'/'.join(path)}"
        read = partial(_read_member, source, member, place)
        if path[-1].lower().endswith(".zip") and depth < ZIPS_IN_ZIPS:
            yield from _in_zip(place, (*folders, *path[:-1]), read, depth + 1)
        else:
            yield HandedIn((*folders, *path[:-1]), path[-1], place, read)


def _of_a_class(paths: Sequence[Sequence[str]]) -> bool:
    """Whether a zip file holds several students' files: they name one, or one exercise twice."""
    names = [read_name([], path[-1]) for path in paths]
    exercises = [name.exercise for name in names if name.exercise]
    return (
        any(name.student for name in names if name.exercise)
        or len(set(exercises)) < len(exercises)
        or sum(path[-1].lower().endswith(".zip") for path in paths) > 1
    )


BROKEN = (
    *(zipfile.BadZipFile, KeyError, ValueError, RuntimeError, NotImplementedError, EOFError),
    *(OSError, UnicodeDecodeError, zlib.error),
)
"""What a broken zip file raises, somewhere on its way."""


@lru_cache(maxsize=2)
def _opened(source: Source) -> zipfile.ZipFile:
    return zipfile.ZipFile(source if isinstance(source, Path) else io.BytesIO(source()))


def _read_member(source: Source, member: str, place: str) -> bytes:
    try:
        file = _opened(source)
        info = file.getinfo(member)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise UnreadableFile(f"{place} is a link, and links are not followed.")
        most = MOST_OF_INNER_ZIP if member.lower().endswith(".zip") else MOST_BYTES
        with file.open(info) as content:
            return _at_most(content.read(most + 1), place, most)
    except UnreadableFile:
        raise
    except BROKEN as error:
        raise UnreadableFile(f"{place} cannot be read from its zip file: {error}.") from None


def _refuse(reason: str) -> bytes:
    raise UnreadableFile(reason)
