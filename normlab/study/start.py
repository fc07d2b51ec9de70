"""`normlab start`: chapters and exercises in the learner's folder, and their updates."""

import contextlib
import datetime
import errno
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from normlab.exercises.challenges.names import FORMER, NOTEBOOK
from normlab.study import copies
from normlab.study.folders import SHELVES, SOURCES, WORK
from normlab.study.merge import merge
from normlab.tools.whole_files import written_whole

BEFORE = "before-update"
"""Where an updated notebook's old file stays, beside it."""

FORMER_NAMES = {NOTEBOOK: FORMER}
"""What notebooks of the course were called before."""


@dataclass
class Done:
    """What became of each notebook of the course, by its path in the learner's folder."""

    copied: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Files in the way, which are no copies of the course."""
    failed: list[str] = field(default_factory=list)
    """What could not be read or written, and why."""
    carried: int = 0
    left: int = 0

    def sentences(self, folder: Path) -> Iterator[str]:
        """One for each thing that was done, or that is to be done."""
        if self.copied:
            yield f"{_count(self.copied)} copied to {folder}."
        if self.updated:
            hers = f", with {self.carried} of your cells in them" if self.carried else ""
            yield (
                f"{_count(self.updated)} brought up to date in {folder}{hers}. The old files are "
                f"in {BEFORE}/ beside them."
            )
        if self.left:
            cells = "1 cell is" if self.left == 1 else f"{self.left} cells are"
            yield f"{cells} in the old files alone: you changed them, and so did the course."
        if self.older:
            yield f"There are newer versions of {len(self.older)}: `normlab start --update`."
        for name in self.others:
            yield f"{name} is no readable copy of the course's, and stays. Rename it to get one."
        for name in self.failed:
            yield f"{name}. The others are done."
        if not (self.copied or self.updated or self.older):
            yield f"{_count(self.same)} in {folder} are up to date."


def _count(names: list[str]) -> str:
    return f"{len(names)} notebook{'s' if len(names) != 1 else ''}"


def start_command(update: bool, folder: Path = WORK) -> int:
    """Copy what `folder` does not hold yet, with `update` bring the rest up to date, and say so."""
    try:
        done = fill(folder, update)
    except OSError as error:
        reason = error.strerror or error
        print(f"{folder} cannot be written: {reason}. {ELSEWHERE}", file=sys.stderr)
        return 1
    print("\n".join(done.sentences(folder)))
    return 1 if done.failed else 0


ELSEWHERE = (
    "Set NORMLAB_WORK to a folder of your own, for instance NORMLAB_WORK=~/normlab. The chapters "
    "can be read where they are, in notebooks/."
)


def fill(folder: Path, update: bool, sources: Path = SOURCES) -> Done:
    """Copy or update every notebook of the course. A file of the learner's is never replaced
    without its old version beside it.

    Raises:
        ValueError: if there is nothing to copy.
        OSError: if the folder cannot be written, also where there is nothing to write today: it
            may be another user's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    done = Done()
    for shelf in SHELVES:
        for source in sorted((sources / shelf.name).glob("*.ipynb")):
            new = copies.prepared(copies.read(source), shelf.links)
            name = f"{shelf.place}/{source.name}".removeprefix("./")
            try:
                _put(new, folder, name, update, done)
            except OSError as error:
                done.failed.append(f"{name}: {error.strerror or error}")
    if not any((done.copied, done.updated, done.older, done.same, done.others, done.failed)):
        raise ValueError(f"{sources} holds no notebooks of the course.")
    return done


def _put(new: copies.Notebook, folder: Path, name: str, update: bool, done: Done) -> None:
    target = folder / name
    _rename_former(target)
    if not target.exists():
        copies.write(new, target)
        done.copied.append(name)
        return
    try:
        mine = copies.read(target)
    except ValueError:
        done.others.append(name)
        return
    if not copies.made_from(mine):
        done.others.append(name)
    elif copies.made_from(mine) == copies.made_from(new):
        done.same.append(name)
    elif not update:
        done.older.append(name)
    else:
        merged = merge(new, mine)
        keep_old(target)
        copies.write(merged.notebook, target)
        done.updated.append(name)
        done.carried += merged.carried
        done.left += merged.left


def _rename_former(target: Path) -> None:
    """Give a copy that has the name of an earlier course the one that it has now."""
    former = target.with_stem(FORMER_NAMES.get(target.stem, target.stem))
    if target.exists() or not former.exists():
        return
    with contextlib.suppress(ValueError):  # no copy of the course's
        if copies.made_from(copies.read(former)):
            former.rename(target)


def keep_old(target: Path) -> Path:
    """A copy of a file as it is, beside it: before-update/NAME-2026-11-29.ipynb."""
    beside = target.parent / BEFORE
    beside.mkdir(exist_ok=True)
    day = datetime.date.today().isoformat()
    numbers = ("", *(f"-{number}" for number in range(2, 1000)))
    names = (beside / f"{target.stem}-{day}{number}{target.suffix}" for number in numbers)
    kept = next(name for name in names if not name.exists())
    with written_whole(kept) as unfinished:
        shutil.copyfile(target, unfinished)
    return kept
