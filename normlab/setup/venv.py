"""What state is `.venv` in, and what makes it whole?

A set-up that came to its end leaves a record in `.venv`: where it was made, of what Python, for
which extra, from which lock, and what it installed. Whoever finds no record finds a set-up that
was killed.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

RECORD = "normlab.json"
OLDEST_PYTHON = (3, 11)
CONTAINS = {
    "course": ("course",),
    "site": ("site", "course"),
    "test": ("test", "site", "course"),
}
"""Extra -> what it installs."""
PLACE = "import sys, os; print(os.path.realpath(sys.prefix), *sys.version_info[:2])"
SECONDS = 60

State = Literal[
    "ready",
    "missing",
    "broken",
    "half-made",
    "another Python",
    "moved",
    "incomplete",
    "outdated",
]
FROM_NEW: tuple[State, ...] = ("missing", "broken", "half-made", "another Python", "moved")
"""What no repair is worth: `python -m venv --clear`, and all packages once more."""


@dataclass(frozen=True)
class Venv:
    """A `.venv`, as it was found.

    Attributes:
        folder: of the environment.
        state: what is to be done follows from it.
        sentence: what was found, for people.
        missing: packages that were there after the set-up and are gone, as "torch==2.13.0".
        has: the extra that it was set up for; "" if that is not known.
    """

    folder: Path
    state: State
    sentence: str
    missing: tuple[str, ...] = ()
    has: str = ""

    @property
    def from_new(self) -> bool:
        return self.state in FROM_NEW


def python_of(folder: Path) -> Path:
    """The interpreter of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def look(course: Path, extra: str, wanted_python: tuple[int, int] | None = None) -> Venv:
    """The state of `.venv` in the course's folder, for whoever needs `extra`.

    Args:
        course: the folder of the checkout.
        extra: "course", "site", which contains it, or "test", which contains both.
        wanted_python: the version to have, if not any will do.
    """
    folder = course / ".venv"
    if not folder.is_dir():
        if os.path.lexists(folder):
            return Venv(folder, "broken", ".venv is not a folder.")
        return Venv(folder, "missing", "There is no .venv yet.")
    record = _read(folder / RECORD)
    return (
        _place(folder, record)
        or _python(folder, record, wanted_python)
        or _contents(course, folder, record, extra)
    )


def _read(path: Path) -> dict[str, Any]:
    """The record; {} if there is none, or none that a set-up of today has written."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    whole = isinstance(record, dict) and {"folder", "python", "extra", "asked", "packages"} <= {
        *record
    }
    return record if whole else {}


def _place(folder: Path, record: dict[str, Any]) -> Venv | None:
    here = os.path.realpath(folder)
    if record and record["folder"] != here:
        where = f".venv was made in {record['folder']}, and this is {here}"
        return Venv(folder, "moved", f"{where}: the course was moved or copied with it.")
    if not record:
        return Venv(folder, "half-made", ".venv is there, but its set-up did not come to its end.")
    return None


def _python(folder: Path, record: dict[str, Any], wanted: tuple[int, int] | None) -> Venv | None:
    try:
        done = subprocess.run(
            [python_of(folder), "-I", "-c", PLACE], capture_output=True, text=True, timeout=SECONDS
        )
        *prefix, major, minor = done.stdout.split()
        version = int(major), int(minor)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return Venv(folder, "broken", "The Python of .venv does not start.")
    if " ".join(prefix) != os.path.realpath(folder):
        return Venv(folder, "broken", f"The Python of .venv belongs to {' '.join(prefix)}.")
    expected = wanted or (int(record["python"][0]), int(record["python"][1]))
    if version != expected or version < OLDEST_PYTHON:
        has, should = (".".join(map(str, v)) for v in (version, max(expected, OLDEST_PYTHON)))
        return Venv(folder, "another Python", f".venv is of Python {has}; expected {should}.")
    return None


def _contents(course: Path, folder: Path, record: dict[str, Any], extra: str) -> Venv:
    has = record["extra"]
    gone = missing(folder, record["packages"])
    if gone:
        names = ", ".join(gone[:3]) + (f" and {len(gone) - 3} more" if len(gone) > 3 else "")
        return Venv(folder, "incomplete", f"Missing in .venv: {names}.", gone, has)
    if record["asked"] != asked(course):
        sentence = "The course now asks for other versions than .venv was set up with."
        return Venv(folder, "outdated", sentence, has=has)
    if extra not in CONTAINS[has]:
        return Venv(folder, "outdated", f".venv has no packages of the {extra}s yet.", has=has)
    return Venv(folder, "ready", ".venv is in order.", has=has)


def asked(course: Path) -> str:
    """A digest of what the course asks for: its pyproject.toml and its lock."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((course / name).read_bytes())
    return digest.hexdigest()


def site_packages(folder: Path) -> Path:
    """Where an environment keeps its packages."""
    if os.name == "nt":
        return folder / "Lib" / "site-packages"
    found = sorted(folder.glob("lib/python*/site-packages"))
    return found[-1] if found else folder / "lib" / "site-packages"


def installed(folder: Path) -> dict[str, tuple[str, Path]]:
    """Name -> version and a file of the package, for all that is installed in an environment."""
    site = site_packages(folder)
    found: dict[str, tuple[str, Path]] = {}
    for info in site.glob("*.dist-info"):
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        try:
            lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        found[name] = version, site / _telling(line.split(",")[0] for line in lines)
    return found


def _telling(files: Iterable[str]) -> str:
    """The file whose loss shows that a package is gone: its own `__init__.py`, or any."""
    known = sorted(files, key=lambda file: (file.count("/"), len(file)))
    modules = [file for file in known if file.endswith("/__init__.py")]
    return next(iter(modules or known), "")


def missing(folder: Path, packages: dict[str, str]) -> tuple[str, ...]:
    """Which of the recorded packages are gone; another version in the place of one is none."""
    there = {name for name, (_, file) in installed(folder).items() if file.exists()}
    return tuple(f"{name}=={v}" for name, v in packages.items() if name not in there)


def write_record(course: Path, extra: str) -> None:
    """Say that the set-up has come to its end. Written beside, then put in place."""
    folder = course / ".venv"
    record = {
        "folder": os.path.realpath(folder),
        "python": list(sys.version_info[:2]),
        "extra": extra,
        "asked": asked(course),
        "packages": {name: version for name, (version, _) in installed(folder).items()},
    }
    unfinished = folder / f"{RECORD}.part"
    unfinished.write_text(json.dumps(record, indent=1), encoding="utf-8")
    unfinished.replace(folder / RECORD)
