"""Grades on the disk, kept as they are made: a run that was killed goes on where it was."""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from normlab.checks.diagnosis import Diagnosis, Example, Fault, Level
from normlab.grading.paper import Graded, Paper, Setting
from normlab.tools.whole_files import held

NAME = "grades.sqlite"
PACKAGE = Path(__file__).parents[1]
DECIDING = (
    *("checks", "exercises", "norms", "torch_norms", "fused_norms"),
    *("models/recurrent.py", "grading/confined"),
    *(
        f"grading/{name}.py"
        for name in (
            *("grade", "paper_runs", "layout", "questions", "verdict", "memo", "replay"),
            *("conversation", "net"),
        )
    ),
)
"""What in the package decides a grade; when it changes, papers are graded anew."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS graded (key TEXT PRIMARY KEY, result TEXT NOT NULL);
"""


class Store:
    """The grades of a results folder, open for one run at a time: `with Store(folder) as store`.

    A grade belongs to what decides it: the content of the file, the setting, and the checks. So
    the same content is graded once, whoever handed it in.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        """Open the file, or make it.

        Raises:
            BlockingIOError: if another run has it open.
            ValueError: if it is no file of grades.
        """
        with ExitStack() as stack:
            lock = self.folder / f"{NAME}.lock"
            stack.enter_context(held(lock, f"another run is grading into {self.folder}."))
            connection = sqlite3.connect(self.folder / NAME, isolation_level=None)
            self.connection = stack.enter_context(closing(connection))
            try:
                self.connection.executescript(SCHEMA)
            except sqlite3.DatabaseError as error:
                raise ValueError(
                    f"{self.folder / NAME} is no file of grades: {error}. Move it away, or name "
                    "another folder."
                ) from None
            self._held = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._held.close()

    @contextmanager
    def one_write(self) -> Iterator[None]:
        """What is kept in the block reaches the disk together: the disk is what takes the time.

        However the block ends, what it has kept up to there is kept.
        """
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("COMMIT")

    def seed(self, wanted: int | None) -> int:
        """The seed of the hidden inputs: that of the folder's first run, unless one is wanted."""
        row = self.connection.execute("SELECT value FROM run WHERE name = 'seed'").fetchone()
        if wanted is None and row:
            return int(row[0])
        seed = secrets.randbelow(2**31 - 1) + 1 if wanted is None else wanted
        self.connection.execute("INSERT OR REPLACE INTO run VALUES ('seed', ?)", (str(seed),))
        return seed

    def get(self, key: str) -> Graded | None:
        row = self.connection.execute("SELECT result FROM graded WHERE key = ?", (key,)).fetchone()
        return graded_from(json.loads(row[0])) if row else None

    def has(self, key: str) -> bool:
        row = self.connection.execute("SELECT 1 FROM graded WHERE key = ?", (key,)).fetchone()
        return row is not None

    def put(self, key: str, graded: Graded) -> None:
        """Keep a grade; on the disk when this returns, or else the block of `one_write`."""
        row = (key, json.dumps(asdict(graded)))
        self.connection.execute("INSERT OR REPLACE INTO graded VALUES (?, ?)", row)


def grade_key(paper: Paper, setting: Setting) -> str:
    """What decides a grade, in one word."""
    decides = (
        *(
            paper.exercise,
            paper.suffix,
            paper.problem,
            setting.seed,
            setting.seconds,
            setting.memory_mb,
        ),
        *(setting.library_norms, sorted(setting.levels), checks_version()),
    )
    content = hashlib.sha256(paper.content).hexdigest()
    return hashlib.sha256(json.dumps([*decides, content]).encode()).hexdigest()


@cache
def checks_version() -> str:
    """A fingerprint of the sources that decide a grade."""
    digest = hashlib.sha256()
    for name in DECIDING:
        place = PACKAGE / name
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def graded_from(fields: dict[str, Any]) -> Graded:
    """What `asdict` made of a `Graded`, and JSON of that."""
    diagnoses = tuple(_diagnosis(diagnosis) for diagnosis in fields["diagnoses"])
    notes = tuple(fields["notes"])
    return Graded(**fields | {"diagnoses": diagnoses, "notes": notes})


def _diagnosis(fields: dict[str, Any]) -> Diagnosis:
    read = {
        "faults": tuple(map(_fault, fields["faults"])),
        "levels": tuple(Level(**level) for level in fields["levels"]),
        "printed": tuple(fields["printed"]),
    }
    return Diagnosis(**fields | read)


def _fault(fields: dict[str, Any]) -> Fault:
    example = fields["example"] and Example(**fields["example"])
    return Fault(**fields | {"example": example})
