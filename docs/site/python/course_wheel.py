"""The course as a wheel for the browser: the package without notebooks and what grades a class."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from normlab import __version__

HERE = Path(__file__).parent
PACKAGE = HERE.parents[2] / "normlab"
LEFT_OUT = ("audit", "fused_norms", "grading", "setup")
"""Rooms that nothing in a page asks for: they need processes, or PyTorch."""
OF_INSPECTION = ("__init__.py", "__init__.pyi", "norm_reading.py")
"""What needs no PyTorch of that room: the words in which the zoo is told."""
FILES_LEFT_OUT = (
    "scan.csv", "challenges.csv", "briefs.csv", "recurrent.csv", "vision.csv",
    "trained_placements.csv", "paradise_lost.txt", "training_steps.csv", "deep_rates.csv",
    "compiled_norms.csv", "counted_bytes.csv", "deepnorm_update.csv", "followed_changes.csv",
    "thousand_layers.csv",
    "cli.py", "__main__.py",
)  # fmt: skip
"""The scan of a library that no page holds, trained runs and a text whose readers need PyTorch,
and the commands of a terminal."""
RUNTIME = ("page_runtime.py", "page_outputs.py", "page_widgets.py")
"""What the worker calls; it stands in the wheel beside the package."""
NAME = f"normlab-{__version__}-py3-none-any.whl"
INFO = f"normlab-{__version__}.dist-info"
METADATA = f"Metadata-Version: 2.1\nName: normlab\nVersion: {__version__}\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: normlab\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
DAY = (1980, 1, 1, 0, 0, 0)
"""When every file was written, so that the same course gives the same bytes."""


def write_course_wheel(folder: Path) -> Path:
    """Write the wheel into `folder`; the same files give the same bytes."""
    path = folder / NAME
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in _contents():
            entry = zipfile.ZipInfo(name, DAY)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, compresslevel=9)
    return path


def _contents() -> Iterator[tuple[str, bytes]]:
    names = []
    for name, path in sorted(_files().items()):
        names.append(name)
        yield name, path.read_bytes()
    for name, text in (("METADATA", METADATA), ("WHEEL", WHEEL)):
        names.append(f"{INFO}/{name}")
        yield names[-1], text.encode()
    yield f"{INFO}/RECORD", "".join(f"{n},,\n" for n in (*names, f"{INFO}/RECORD")).encode()


def _files() -> dict[str, Path]:
    """Every file by its name in the wheel, with / on every system."""
    files = {f"docs/site/python/{name}": HERE / name for name in RUNTIME}
    for path in PACKAGE.rglob("*"):
        within = path.relative_to(PACKAGE)
        if path.is_file() and path.suffix != ".pyc" and _is_asked_for(within):
            files[f"normlab/{within.as_posix()}"] = path
    return files


def _is_asked_for(within: Path) -> bool:
    """Whether a page may ask for a file of the package."""
    room = within.parts[0]
    if room == "inspection":
        return within.name in OF_INSPECTION and len(within.parts) == 2
    return room not in LEFT_OUT and within.name not in FILES_LEFT_OUT
