"""`normlab progress --export FILE` and `normlab progress --import FILE`."""

import sys
from collections.abc import Iterator, Sized
from pathlib import Path

from normlab.record import open_record
from normlab.record.record import UNUSABLE
from normlab.study.exchange.desk import desk_answers, put_beside, take_back
from normlab.study.exchange.form import Progress, UnsuitableFile, as_text, newest, read_text
from normlab.study.files import ASKED
from normlab.study.folders import WORK
from normlab.tools.whole_files import written_whole

LARGEST = 20_000_000
"""Bytes of a file; a year of work takes less than one million."""


def export_command(path: Path, work: Path = WORK) -> int:
    """Write the record and the answers in work/ to a new file; 0 only if that is done."""
    with open_record() as record:
        entries, notice = record.entries()
    answers, problems = desk_answers(work)
    for problem in filter(None, (notice, *problems)):
        print(problem, file=sys.stderr)
    try:
        if path.exists():
            raise FileExistsError("it is there already; expected the name of a new file")
        with written_whole(path) as unfinished:
            unfinished.write_text(as_text(Progress(entries, answers)), encoding="utf-8")
    except OSError as error:
        print(f"normlab progress: {path} cannot be written: {_why(error, path)}.", file=sys.stderr)
        return 2
    counts = f"{_count(entries, 'entry', 'entries')} and {_count(answers, 'answer', 'answers')}"
    print(f"{path} has {counts}.")
    return 0


def import_command(path: Path, work: Path = WORK) -> int:
    """Take in a file: all of it or nothing; 0 only if that is done."""
    try:
        progress = read_file(path)
    except (OSError, UnsuitableFile) as error:
        print(f"normlab progress: {path} cannot be taken in: {_why(error, path)}", file=sys.stderr)
        print("Nothing of it was.", file=sys.stderr)
        return 2
    made: list[Path] = []
    try:
        made = put_beside(progress.answers, work)
        said = list(_take_in(progress))
    except UNUSABLE as error:
        take_back(made)
        print(f"normlab progress: {path} cannot be taken in: {_why(error, path)}", file=sys.stderr)
        print("Nothing of it was.", file=sys.stderr)
        return 1
    if made:
        names = ", ".join(map(str, made))
        said.append(f"Answers that were not here are in {names}; your notebooks are as they were.")
    if older := len({a for a in progress.answers} - set(newest(progress.answers).values())):
        said.append(f"{older} older than the newest for their function stay in the file alone.")
    print("\n".join(said))
    return 0


def read_file(path: Path) -> Progress:
    """The progress in a file, whose answers are all for exercises of this course.

    Raises:
        UnsuitableFile: if it is no such file; it says why.
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise UnsuitableFile(f"it has more than {LARGEST // 10**6} MB.")
    try:
        progress = read_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnsuitableFile(f"it is no text in UTF-8 ({error.reason}).") from None
    for number, answer in enumerate(progress.answers, 1):
        if answer.function not in ASKED.get(answer.exercise, ()):
            raise UnsuitableFile(
                f"answer {number} is for {answer.function!r} of exercise {answer.exercise!r}, "
                "which this course does not ask for; a newer normlab may."
            )
    return progress


def _take_in(progress: Progress) -> Iterator[str]:
    """Put the entries into the record, and say what came of them."""
    with open_record() as record:
        here, notice = record.entries()
        known = {entry.id: entry for entry in here}
        given = {entry.id: entry for entry in progress.entries}
        new = [entry for entry in given.values() if entry.id not in known]
        notice = " ".join(filter(None, [notice, record.add(new)]))
        folder = record.folder
    yield f"The record, in {folder}, has {_count(new, 'new entry', 'new entries')}."
    if notice:
        yield notice
    if other := [entry for entry in given.values() if known.get(entry.id, entry) != entry]:
        yield (
            f"{_count(other, 'entry', 'entries')} of the file and of the record have one id and "
            f"say different things: {', '.join(entry.id for entry in other)}. The record's stay."
        )


def _why(error: Exception, path: Path) -> str:
    """What an error says, with the name of its file if that is another one than `path`."""
    if not (isinstance(error, OSError) and error.strerror):
        return str(error)
    named = error.filename and not str(error.filename).startswith(str(path))
    return f"{error.filename}: {error.strerror}" if named else error.strerror


def _count(things: Sized, one: str, several: str) -> str:
    return f"{len(things)} {one if len(things) == 1 else several}"
