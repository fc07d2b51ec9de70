"""All files below a folder or in a zip file; no link is followed, and no zip file in it opened."""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from normlab.checks.cells import UnreadableFile
from normlab.grading.collecting.budget import Budget, TooMuch
from normlab.grading.collecting.contents import MOST_BYTES, content_of
from normlab.grading.collecting.names import composed, is_junk
from normlab.grading.collecting.zip_files import Source, members, read_member

MOST_OF_INNER_ZIP = 50 * 2**20
ZIPS_IN_ZIPS = 2
DEEPEST = 20
"""Folders in folders, zip files counted."""
EVERY_NAME = 2**31
"""The list of the zip file that a teacher names may have any length."""


@dataclass(frozen=True)
class HandedIn:
    """A file, wherever it lies.

    Args:
        folders: around it, from where one is looking.
        name: of the file; "" stands for what is missing in an empty folder.
        origin: for messages: its path, with the zip file that holds it.
        read: gives its content, or raises `UnreadableFile` that says why not.
        unpack: for a zip file, what opens it.
        changed: when it was last changed, in seconds; whoever made the file can say anything.
    """

    folders: tuple[str, ...]
    name: str
    origin: str
    read: Callable[[], bytes]
    unpack: Source | None = None
    changed: float = 0.0

    @property
    def is_zip(self) -> bool:
        return self.unpack is not None

    @property
    def is_junk(self) -> bool:
        return any(map(is_junk, (*self.folders, self.name)))

    def inside(self) -> "HandedIn":
        """The same file, seen from the outermost of its folders."""
        return replace(self, folders=self.folders[1:])


def files_in(root: Path) -> Iterator[HandedIn]:
    """All files, in the order of their names.

    Raises:
        ValueError: if there is neither a folder nor a zip file.
    """
    expected = "expected a folder or a zip file with the submissions"
    if root.is_dir():
        yield from _in_folder(root, (), called(root))
    elif not root.exists():
        raise ValueError(f"{root} does not exist; {expected}.")
    else:
        try:
            yield from _in_zip(root.name, root, most_of_directory=EVERY_NAME)
        except UnreadableFile as error:
            raise ValueError(
                f"{root} is neither a folder nor a zip file; {expected}: {error}."
            ) from None


def called(root: Path) -> str:
    """What a folder is called, also where it is named as "." or "..".

    >>> called(Path("/srv/week1"))
    'week1'
    """
    return root.name if root.name not in ("", "..") else root.resolve().name


def _in_folder(folder: Path, folders: tuple[str, ...], origin: str) -> Iterator[HandedIn]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        reason = f"{origin} cannot be read: {error.strerror}."
        yield HandedIn(folders, "", origin, partial(_refuse, reason))
        return
    if not paths:
        yield HandedIn(folders, "", origin, partial(_refuse, f"{origin} is empty."))
    for path in paths:
        name = composed(path.name)
        place = f"{origin}/{name}"
        if path.is_dir() and not path.is_symlink() and len(folders) < DEEPEST:
            yield from _in_folder(path, (*folders, name), place)
            continue
        if path.is_dir():
            yield HandedIn((*folders, name), "", place, partial(_read, path, place))
            continue
        is_zip = path.suffix.lower() == ".zip" and path.is_file() and not path.is_symlink()
        read = partial(_read, path, place)
        yield HandedIn(folders, name, place, read, path if is_zip else None, _changed(path))


def unpacked(file: HandedIn, budget: Budget, depth: int = 0) -> Iterator[HandedIn]:
    """The files in a student's zip file, and in zip files in it, seen from there.

    A zip file that cannot be opened stands for itself, with the reason.

    Raises:
        TooMuch: if there is more than the budget allows.
    """
    assert file.unpack is not None
    try:
        for member in _in_zip(file.origin, file.unpack):
            budget.spend(files=1)
            if not member.is_zip or member.is_junk or depth >= ZIPS_IN_ZIPS:
                yield member
                continue
            folders = (*member.folders, member.name)
            inner = replace(member, unpack=_bounded(member, budget))
            for each in unpacked(inner, budget, depth + 1):
                yield replace(each, folders=(*folders, *each.folders))
    except TooMuch:
        raise
    except UnreadableFile as error:
        reason = f"{file.origin} cannot be opened: {error}."
        yield HandedIn((), file.name, file.origin, partial(_refuse, reason))


def listed(file: HandedIn) -> Iterator[HandedIn]:
    """What lies in a zip file, seen from there; no zip file in it is opened.

    Raises:
        UnreadableFile: if it cannot be.
    """
    assert file.unpack is not None
    return _in_zip(file.origin, file.unpack)


def _bounded(file: HandedIn, budget: Budget) -> Callable[[], bytes]:
    """What reads a zip file in a zip file, and takes it from the budget."""

    def read() -> bytes:
        assert callable(file.unpack)
        data: bytes = file.unpack()
        budget.spend(bytes_read=len(data))
        return data

    return read


def _in_zip(origin: str, source: Source, **most_of_directory: int) -> Iterator[HandedIn]:
    for member in members(source, **most_of_directory):
        path = [composed(part) for part in member.seen.split("/") if part not in ("", ".", "..")]
        if not path:
            continue
        place = f"{origin}/{'/'.join(path)}"
        is_zip = path[-1].lower().endswith(".zip")
        most = MOST_OF_INNER_ZIP if is_zip else MOST_BYTES
        read = partial(_read_member, source, member.name, place, most)
        folders, unpack = tuple(path[:-1]), read if is_zip else None
        yield HandedIn(folders, path[-1], place, read, unpack, member.changed)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # it has been removed meanwhile
        return 0.0


def _read(path: Path, place: str) -> bytes:
    try:
        kind = path.lstat().st_mode
        if stat.S_ISLNK(kind):
            raise UnreadableFile(f"{place} is a link, and links are not followed.")
        if not stat.S_ISREG(kind):
            raise UnreadableFile(f"{place} is no file.")
        with path.open("rb") as file:
            return _told_of(place, partial(content_of, file, path.name))
    except OSError as error:
        raise UnreadableFile(f"{place} cannot be read: {error.strerror}.") from None


def _read_member(source: Source, member: str, place: str, most: int) -> bytes:
    return _told_of(place, partial(read_member, source, member, most))


def _told_of(place: str, read: Callable[[], bytes]) -> bytes:
    """What `read` gives; its errors go on after the name of the place."""
    try:
        return read()
    except UnreadableFile as error:
        raise UnreadableFile(f"{place} {error}.") from None


def _refuse(reason: str) -> bytes:
    raise UnreadableFile(reason)
