"""`normlab grade --watch`: a live class, graded whenever somebody hands something in."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from normlab.grading.collect import Collection
from normlab.grading.collecting.handed_in import called
from normlab.grading.collecting.names import composed
from normlab.grading.listing import in_words
from normlab.grading.overrides import NAME as OVERRIDES
from normlab.grading.workers import WorkerDied

PAUSE = 2.0
"""Seconds between two looks. A file that is the same in both is not being written."""
MOST_LOOKS = 10
"""How often what has come waits for files that are still being written."""
RETRY = 10.0
"""Seconds from a run that failed to the next."""
INTERRUPTED = 130
EXPECTED = (ValueError, OSError, WorkerDied)
Stamps: TypeAlias = Mapping[Path, tuple[int, int, int]]
"""File -> what differs after it was written."""
GradeOnce: TypeAlias = Callable[[frozenset[Path]], int]


def watch(folder: Path, results: Path, overrides: Path | None, grade: GradeOnce) -> int:
    """Grade a folder at once, and again after each change, until Ctrl-C.

    A run that fails is told and tried again: one broken file does not end a class.

    Args:
        folder: of the submissions.
        results: the folder of the results; changes below it do not count.
        overrides: a file whose changes count too; None for the one in the results.
        grade: grades what is there but for some files, and returns the exit code.

    Returns:
        130, as after each Ctrl-C.

    Raises:
        ValueError: if there is no such folder, or if it lies in the one of the results.
    """
    if not folder.is_dir():
        raise ValueError(f"--watch needs a folder; {folder} is none. Make it, or name another one.")
    if folder.resolve().is_relative_to(results.resolve()):
        raise ValueError(
            f"--watch would see its own results: {folder} is, or lies in, {results}. Name another "
            "folder for the results."
        )
    print(f"Watching {folder}. Ctrl-C ends it.", flush=True)
    runs, others = _Runs(grade), [overrides or results / OVERRIDES]
    try:
        while not runs.ended:
            runs.run_if(stamps(folder, results, others))
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        pass
    print(f"The watch has ended; the results are in {results}.", flush=True)
    return INTERRUPTED


class _Runs:
    """The runs of a watch.

    Attributes:
        ended: whether Ctrl-C has ended one.
    """

    def __init__(self, grade: GradeOnce) -> None:
        self.grade, self.changing = grade, Changing()
        self.said, self.ended = "", False

    def run_if(self, now: Stamps) -> None:
        """Grade if there is something new that nobody is writing any more."""
        moving = self.changing.look(now)
        if moving is None:
            return
        print(f"\n{time.strftime('%H:%M:%S')}", flush=True)
        try:
            self.ended = self.grade(moving) == INTERRUPTED
            self.said = ""
        except Exception as error:  # whatever it is, a class is waiting
            said = in_words(error)
            if not isinstance(error, EXPECTED):
                said = f"{type(error).__name__}: {said}"
            if said != self.said:
                print(f"normlab grade: {said}", file=sys.stderr, flush=True)
            self.said = said
            self.changing.forget()
            time.sleep(RETRY)


@dataclass
class Changing:
    """What a folder was like when it was last looked at, and last graded."""

    graded: Stamps = field(default_factory=dict)
    seen: Stamps = field(default_factory=dict)
    looks: int = 0

    def look(self, now: Stamps) -> frozenset[Path] | None:
        """The files that are still being written, if it is time to grade all others; else None."""
        moving = frozenset(path for path, stamp in now.items() if self.seen.get(path) != stamp)
        self.seen = now
        still = {path: stamp for path, stamp in now.items() if path not in moving}
        if still == {path: stamp for path, stamp in self.graded.items() if path not in moving}:
            return None
        self.looks += 1
        if moving and self.looks <= MOST_LOOKS:
            return None
        self.graded, self.looks = still, 0
        return moving

    def forget(self) -> None:
        """Take nothing for graded."""
        self.graded = {}


def stamps(folder: Path, without: Path, others: Iterable[Path] = ()) -> Stamps:
    """All files below a folder, but for those below another one, and some more."""
    results = without.absolute()
    below = (path for path in folder.rglob("*") if not path.absolute().is_relative_to(results))
    return {path: stamp for path in (*below, *others) if (stamp := _stamp(path))}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """None for what is no file, or gone."""
    try:
        seen = path.lstat()
    except OSError:
        return None
    return None if path.is_dir() else (seen.st_mtime_ns, seen.st_size, seen.st_ino)


def without_moving(collection: Collection, folder: Path, moving: Iterable[Path]) -> Collection:
    """A collection without the files that are still being written, and what is in them."""
    below = [path for path in moving if path.is_relative_to(folder)]
    parts = ((called(folder), *map(composed, path.relative_to(folder).parts)) for path in below)
    places = ["/".join(each) for each in parts]
    if not places:
        return collection
    kept = [s for s in collection.submissions if not _in(s.file.origin, places)]
    waiting = tuple((place, "it is still being written") for place in places)
    others = tuple(other for other in collection.others if not _in(other[0], places))
    return replace(collection, submissions=tuple(kept), others=(*others, *waiting))


def _in(origin: str, places: Iterable[str]) -> bool:
    return any(origin == place or origin.startswith(f"{place}/") for place in places)
