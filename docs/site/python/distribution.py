"""What the built site needs for Python in its pages, put into its `_static/python`."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from docs.site.python.chapters import cells_in_page, chapters
from docs.site.python.course_wheel import write_course_wheel
from docs.site.python.pyodide import pins, pyodide_files

HERE = Path(__file__).parent
SCRIPTS = (
    "page.js", "worker.js", "python.js", "output.js", "bar.js", "exercise.js", "chapter.js",
    "record.js", "result.js", "hints.js", "store.js", "other_tab.js",
    "python.css", "editor.js", "editor_licenses.txt",
)  # fmt: skip
FIRST = ("numpy", "lazy-loader", "platformdirs", "tabulate", "tqdm")
"""What a check imports, and so what is fetched at the first Run; other needs of the course are
fetched when a cell imports them."""
DEPENDS = {
    "normlab": FIRST,
    "anywidget": ("ipywidgets", "psygnal", "typing-extensions"),
    "ipywidgets": ("comm", "traitlets"),
}
"""Needs of the wheels that Pyodide's lock does not know. Of what ipywidgets asks for only this is
imported: `page_runtime` stands for IPython."""
LOCK = "pyodide-lock.json"


def copy_to(folder: Path) -> None:
    """Put scripts, Pyodide, packages and licences into `folder`, `_static/python` of the site.

    Raises:
        NoPyodide: if Pyodide's files cannot be had.
    """
    files = pyodide_files()
    pyodide = folder / "pyodide"
    shutil.rmtree(folder, ignore_errors=True)
    pyodide.mkdir(parents=True)
    for name, path in files.items():
        if name != LOCK:
            shutil.copyfile(path, pyodide / name)
    write_course_wheel(pyodide)
    lock = cut_lock(json.loads(files[LOCK].read_text(encoding="utf-8")), pyodide)
    _write_json(pyodide / LOCK, lock)
    for name in SCRIPTS:
        shutil.copyfile(HERE / name, folder / name)
    _write_json(folder / "downloads.json", downloads(lock, pyodide))
    (folder / "chapters").mkdir()
    for notebook in chapters():
        _write_json(folder / "chapters" / f"{notebook.stem}.json", cells_in_page(notebook))
    (folder / "licenses.txt").write_text(licenses(pyodide), encoding="utf-8")


def cut_lock(lock: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Pyodide's lock, with the wheels that are in `folder` and no others."""
    wheels = {n: p for n, p in lock["packages"].items() if p["file_name"].endswith(".whl")}
    known = {_package(package["file_name"]): name for name, package in wheels.items()}
    packages = {}
    for path in sorted(folder.glob("*.whl")):
        name = known.get(_package(path.name), _package(path.name))
        packages[name] = lock["packages"].get(name, _entry(name)) | {
            "version": path.name.split("-")[1],
            "file_name": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
    for name, package in packages.items():
        needs = DEPENDS.get(name, package["depends"])
        package["depends"] = [need for need in needs if need in packages]
    return lock | {"packages": packages}


def _package(file_name: str) -> str:
    return file_name.split("-")[0].lower().replace("_", "-")


def _entry(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "imports": [name.replace("-", "_")],
        "depends": [],
        "install_dir": "site",
        "package_type": "package",
        "unvendored_tests": False,
    }


def downloads(lock: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Bytes that the first Run fetches, and of the packages that are fetched later, by name."""
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    first = {"normlab", *FIRST}
    by_name = {n: sizes[p["file_name"]] for n, p in lock["packages"].items()}
    core = [name for name in sizes if not name.endswith(".whl")]
    return {
        "version": pins()["version"],
        "first": sum(sizes[n] for n in core) + sum(by_name[n] for n in first),
        "later": {name: size for name, size in by_name.items() if name not in first},
    }


def licenses(folder: Path) -> str:
    """The licences of Pyodide, of Python, and of each wheel as it holds them."""
    parts = [(path.stem, path.read_text(encoding="utf-8")) for path in _kept_licenses()]
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if _is_license(name):
                    parts.append((f"{wheel.name}: {name}", archive.read(name).decode("utf-8")))
    return "\n\n".join(f"{title}\n{'=' * len(title)}\n\n{text}" for title, text in parts)


def _kept_licenses() -> Iterable[Path]:
    return sorted((HERE / "licenses").glob("*.txt"))


def _is_license(name: str) -> bool:
    place, _, last = name.rpartition("/")
    return ".dist-info" in place and last.lower().startswith(("licen", "copying"))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
