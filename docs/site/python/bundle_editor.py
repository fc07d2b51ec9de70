"""Make `editor.js` again, CodeMirror 6 in one file, with the versions in editor/package-lock.json.

    python -m docs.site.python.bundle_editor      needs npm and a network; no test does

Beside it `editor_licenses.txt` is written, the licence of each package that is in it.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE / "editor"
BUNDLE, LICENSES = HERE / "editor.js", HERE / "editor_licenses.txt"


def bundle() -> None:
    """Install the packages apart, bundle them, and collect their licences."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("package.json", "package-lock.json", "entry.js"):
            shutil.copyfile(SOURCE / name, folder / name)
        _run(["npm", "ci", "--no-audit", "--no-fund"], folder)
        options = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--charset=utf8"]
        outputs = ["--metafile=meta.json", f"--outfile={BUNDLE}"]
        _run(["npx", "esbuild", "entry.js", *options, *outputs], folder)
        inputs = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["inputs"]
        LICENSES.write_text(_licenses(folder, inputs), encoding="utf-8")


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True)


def _licenses(folder: Path, inputs: Iterable[str]) -> str:
    """The licence of each package that a file was taken from."""
    packages = {_package(name) for name in inputs if name.startswith("node_modules/")}
    parts = []
    for package in sorted(packages):
        (text,) = (folder / package).glob("LICEN[CS]E*")
        parts.append(
            f"{package.removeprefix('node_modules/')}\n\n{text.read_text(encoding='utf-8')}"
        )
    return "\n\n".join(parts)


def _package(name: str) -> str:
    parts = name.split("/")
    return "/".join(parts[:3] if parts[1].startswith("@") else parts[:2])


if __name__ == "__main__":
    bundle()
