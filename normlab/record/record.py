"""The learner's record: it keeps what happens in a lesson and never gets in its way."""

import contextlib
import hashlib
import os
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import platformdirs

from normlab.record import store
from normlab.record.history import Entry, History, history_of

FILE = "record.sqlite"
UNUSABLE = (OSError, sqlite3.Error, ValueError, RuntimeError)
"""What a file raises that cannot be used; RuntimeError where "~" is in its name and nobody's."""

_memory: dict[Path, list[Entry]] = defaultdict(list)
"""The entries for a folder where neither it nor the spare folder could be written."""
_said: set[str] = set()


@contextlib.contextmanager
def open_record() -> Iterator["Record"]:
    """The record of the learner who runs this.

    It is a file in the folder that NORMLAB_DATA names, else in the system's folder for the data
    of programs. Several notebooks may use it at once.

    >>> with open_record() as record:
    ...     history = record.history()
    >>> "one-hot" in history.predictions
    False
    """
    folder = os.environ.get("NORMLAB_DATA") or platformdirs.user_data_path("normlab")
    yield Record(Path(folder))


@dataclass(frozen=True)
class Record:
    """What was answered, solved, marked, bet on and tried.

    Where `folder` cannot be written, entries are kept in a folder for temporary files, or if
    need be in memory, and go to `folder` with the next entry that it takes. Nothing is raised
    for the state of a disk. Each method returns what the learner should know of it, in one
    notice, "" if nothing; the same notice is returned once per process.

    Args:
        folder: where the record is kept; made if it is missing.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = Record(Path(folder))
    ...     notice = record.answered("one-hot", "b", surprise=1.0)
    ...     record.history().predictions["one-hot"].given
    'b'
    """

    folder: Path

    def answered(self, question: str, given: str, surprise: float, again: bool = False) -> str:
        """Keep an answer to a question; the first one counts as the prediction.

        Args:
            question: its id.
            given: the answer, as a text.
            surprise: from 0, right, to 1.
            again: whether the question came back, after a wrong answer on an earlier day.

        Raises:
            ValueError: unless 0 ≤ surprise ≤ 1.
        """
        return self._keep("answered", question, given, float(surprise), int(again))

    def solved(self, exercise: str, function: str, points: float, max_points: float) -> str:
        """Keep the result of a check; the best one counts.

        Raises:
            ValueError: unless 0 ≤ points ≤ max_points and max_points is above 0.
        """
        return self._keep("solved", exercise, function, float(points), float(max_points))

    def marked(self, claim: int, word: str) -> str:
        """Keep what the learner says of a claim; the first mark and the last one count.

        Raises:
            ValueError: unless the claim's number is above 0 and the word one of `MARKS`.
        """
        return self._keep("marked", claim, word)

    def bet(self, claim: int, word: str, percent: int) -> str:
        """Keep how sure the learner is of a verdict on a claim; the first bet counts.

        Raises:
            ValueError: unless the claim's number is above 0, the word a `Verdict`, and the percent
                one of `LEVELS`.
        """
        return self._keep("bet", claim, word, percent)

    def tried(self, challenge: str, rules: str, settings: str, score: float, outcome: str) -> str:
        """Keep an attempt at an open challenge; settings and outcome are JSON.

        Raises:
            ValueError: unless 0 ≤ score ≤ 100.
        """
        return self._keep("tried", challenge, rules, settings, float(score), outcome)

    def history(self) -> History:
        """All that was kept so far, wherever it had to be kept, and what it says together."""
        entries, notice = self.entries()
        return history_of(entries, notice)

    def entries(self) -> tuple[list[Entry], str]:
        """All that was kept so far, and what the learner should know of it."""
        entries, notices = list(_memory[self.folder]), []
        for place in (self._file, self._spare_file):
            try:
                found, notice = store.read(place())
            except UNUSABLE as problem:
                found, notice = [], f"A part of your record cannot be read: {problem}."
            entries += found
            notices.append(notice)
        return entries, _once(*notices)

    def add(self, entries: Sequence[Entry]) -> str:
        """Keep entries of another record, all or none; those whose ids are here stay as they are.

        Raises:
            OSError, sqlite3.Error, ValueError, RuntimeError: if they cannot be kept in `folder`.
        """
        return _once(store.append(self._file(), entries))

    def _keep(self, kind: str, *values: str | float) -> str:
        entry = Entry(kind, uuid4().hex, datetime.now(UTC).isoformat(), values)
        try:
            notice = store.append(self._file(), [entry])
        except UNUSABLE as problem:
            return _once(self._keep_elsewhere(entry, problem))
        try:
            return _once(notice, self._bring_back())
        except UNUSABLE:  # what cannot be moved now is still read from where it is
            return _once(notice)

    def _keep_elsewhere(self, entry: Entry, problem: Exception) -> str:
        try:
            self._spare_folder().mkdir(mode=0o700, exist_ok=True)
            store.append(self._spare_file(), [entry])
            where = f"in {self._spare_folder()}, where the system may delete it"
        except UNUSABLE:
            _memory[self.folder].append(entry)
            where = "in memory, and gone when this notebook or command ends"
        return (
            f"Your progress cannot be saved in {self.folder}: {problem}. For now it is kept "
            f"{where}. To save it, make room or give yourself the right to write there, or name "
            "another folder in the environment variable NORMLAB_DATA."
        )

    def _bring_back(self) -> str:
        """Move what had to be kept elsewhere to where it belongs."""
        if _memory[self.folder]:
            store.append(self._file(), _memory[self.folder])
            _memory[self.folder].clear()
        waiting, notice = store.read(self._spare_file())
        if waiting:
            with store.taken(self._spare_file()) as entries:
                store.append(self._file(), entries)
        return notice

    def _file(self) -> Path:
        return self.folder.expanduser() / FILE

    def _spare_folder(self) -> Path:
        user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
        name = hashlib.sha256(bytes(self.folder.absolute())).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"normlab-{user}-{name}"

    def _spare_file(self) -> Path:
        """In a folder that is ours: others can make one of that name among temporary files."""
        folder = self._spare_folder()
        if os.path.lexists(folder) and not _is_ours(folder):
            raise PermissionError(f"{folder} is another user's")
        return folder / FILE


def _is_ours(folder: Path) -> bool:
    owned = not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()
    return owned and not folder.is_symlink()


def _once(*notices: str) -> str:
    """Those notices that this process has not given yet."""
    new = [notice for notice in notices if notice and notice not in _said]
    _said.update(new)
    return " ".join(new)
