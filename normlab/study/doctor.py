"""Is everything there that the course needs? What is found, and the cure for each thing wrong."""

import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.version import Version

from normlab.setup.repair import find_lock, install_and_ask_again
from normlab.setup.venv import OLDEST_PYTHON
from normlab.tools.table import Table

FIX = "`python -m normlab doctor --fix` installs {}"


@dataclass(frozen=True)
class Condition:
    """One thing looked at: what was found, what was expected, and what to do (or "").

    `status` is "ok", "differs" (it should work, but is not what was tested) or "wrong". `fix` is
    what `pip install` is to be given.
    """

    name: str
    found: str
    expected: str
    advice: str = ""
    status: Literal["ok", "differs", "wrong"] = "ok"
    fix: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All conditions. `healthy` is whether nothing is wrong."""

    conditions: tuple[Condition, ...]

    @property
    def healthy(self) -> bool:
        return all(condition.status != "wrong" for condition in self.conditions)

    def table(self) -> Table:
        rows = [[f.name, f.found, f.expected, f.status] for f in self.conditions]
        return Table(("what", "found", "expected", "status"), rows)

    def advice(self) -> str:
        """What to do, or that all is well."""
        lines = [f"  {f.name}: {f.advice}" for f in self.conditions if f.advice]
        return "\n".join(["Advice:", *lines]) if lines else "Everything is in place."

    def __str__(self) -> str:
        """Of the table, what is not as it should be."""
        noticed = Report(tuple(f for f in self.conditions if f.status != "ok" or f.advice))
        return f"{noticed.table()}\n\n{self.advice()}" if noticed.conditions else self.advice()


def read_lock(text: str) -> dict[str, str]:
    """Pinned version by package, for this platform and Python.

    >>> read_lock("numpy==2.4.6\\nappnope==1.0 ; sys_platform == 'none'")
    {'numpy': '2.4.6'}
    """
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    requirements = [Requirement(line) for line in lines if line]
    return {
        r.name.lower(): str(r.specifier).removeprefix("==")
        for r in requirements
        if r.marker is None or r.marker.evaluate()
    }


def needed_packages(extra: str = "") -> list[Requirement]:
    """What pyproject.toml asks for: for the NumPy part, or in an extra, such as "course"."""
    declared = [Requirement(r) for r in importlib.metadata.requires("normlab") or []]
    wanted = [r for r in declared if ("extra" in str(r.marker)) == bool(extra)]
    return [r for r in wanted if r.marker is None or r.marker.evaluate({"extra": extra})]


def installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_python(version: tuple[int, ...] = sys.version_info[:3]) -> Condition:
    found = ".".join(map(str, version))
    if version >= OLDEST_PYTHON:
        return Condition("python", found, ">= 3.11")
    advice = "install Python 3.11 or newer, and set the course up with it"
    return Condition("python", found, ">= 3.11", advice, "wrong")


def check_package(requirement: Requirement, found: str | None, locked: str | None) -> Condition:
    """Outside the bounds or missing is wrong; another version than the lock's is worth knowing."""
    expected = f"{locked} (lock), {requirement.specifier}"
    name = requirement.name
    pin = f"{name}=={locked}" if locked else f"{name}{requirement.specifier}"
    if found is None:
        return Condition(name, "missing", expected, FIX.format(pin), "wrong", (pin,))
    public = Version(found).public  # 2.13.0+cpu -> 2.13.0
    if not requirement.specifier.contains(public, prereleases=True):
        newer = locked is not None and Version(public) > Version(locked)
        age = "too new" if newer else "too old"
        return Condition(name, found, expected, f"{age}: {FIX.format(pin)}", "wrong", (pin,))
    if locked is not None and public != locked:
        advice = f"not the version that was tested: {FIX.format(pin)}"
        return Condition(name, found, expected, advice, "differs", (pin,))
    return Condition(name, found, expected)


def check_course(installed: Mapping[str, str | None], pins: Mapping[str, str]) -> list[Condition]:
    """The packages of the whole course; where none of them is there, that is one condition."""
    needed = needed_packages("course")
    if any(installed[r.name] for r in needed if r.name in ("torch", "jupyterlab")):
        return [check_package(r, installed[r.name], pins.get(r.name.lower())) for r in needed]
    names = ", ".join(r.name for r in needed)
    all_of_it = FIX.format("all of it")
    advice = f"the NumPy part alone is installed; {all_of_it}"
    return [
        Condition("extra: course", "not installed", names, advice, "differs", ("normlab[course]",))
    ]


def check_device(torch_version: str, cuda: bool, mps: bool, driver: bool) -> Condition:
    """The device that torch computes on; `driver` says whether `nvidia-smi` is there."""
    found = "CUDA" if cuda else "MPS" if mps else "CPU"
    if driver and not cuda:
        advice = (
            f"there is an NVIDIA driver, but torch {torch_version} does not see a CUDA device; "
            "install the CUDA build (https://pytorch.org/get-started/locally). "
            "The course runs on the CPU too."
        )
        return Condition("device", found, "CUDA", advice, "differs")
    return Condition("device", found, "CUDA, MPS or CPU")


def _device_here() -> Iterator[Condition]:
    version = installed_version("torch")
    if version is None:
        return
    try:
        import torch
    except (ImportError, OSError) as error:
        public = Version(version).public  # 2.13.0+cpu may not be had everywhere
        again = ("--force-reinstall", "--no-deps", f"torch=={public}")
        advice = FIX.format("it once more")
        yield Condition("import torch", str(error), "works", advice, "wrong", again)
        return
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    found = check_device(
        torch.__version__, cuda, mps, driver=shutil.which("nvidia-smi") is not None
    )
    name = f" ({torch.cuda.get_device_name()})" if cuda else ""
    yield replace(found, found=found.found + name)


def check_lock(lock: Path | None) -> Iterator[Condition]:
    if lock is None:
        cure = "constraints.txt is missing: `git checkout constraints.txt` in the course's folder"
        yield Condition("lock", "missing", "constraints.txt", cure, "wrong")


def check_others(pins: Mapping[str, str]) -> Condition:
    """The packages that ours depend on, taken together."""
    versions = {name: installed_version(name) for name in pins}
    there = {name: Version(v).public for name, v in versions.items() if v is not None}
    differing = [f"{name}=={pins[name]}" for name, v in there.items() if v != pins[name]]
    found = f"{len(there) - len(differing)} of {len(there)} as locked"
    if not differing:
        return Condition("all packages", found, "the lock's versions")
    advice = FIX.format(" ".join(differing))
    return Condition("all packages", found, "the lock's versions", advice, "differs", (*differing,))


def examine_machine(lock: Path | None, installed: Mapping[str, str | None]) -> Report:
    """The conditions for given installed versions by package."""
    pins = read_lock(lock.read_text(encoding="utf-8")) if lock else {}
    conditions = [
        check_python(),
        *check_lock(lock),
        *(check_package(r, installed[r.name], pins.get(r.name.lower())) for r in needed_packages()),
        *check_course(installed, pins),
        check_others(pins),
        *_device_here(),
    ]
    return Report(tuple(conditions))


def diagnose() -> Report:
    """Look at this machine."""
    needed = needed_packages() + needed_packages("course")
    return examine_machine(find_lock(), {r.name: installed_version(r.name) for r in needed})


def doctor_command(fix: bool) -> int:
    """Print the report; 0 if nothing is wrong. With `fix` do what it recommends, and look again."""
    report = diagnose()
    print(f"{header()}\n\n{report.table()}\n\n{report.advice()}")
    wanted = [condition.fix for condition in report.conditions if condition.fix]
    if fix and wanted:
        return install_and_ask_again(*wanted)
    return 0 if report.healthy else 1


def header() -> str:
    return f"normlab {installed_version('normlab')} on {platform.platform()}, {sys.executable}"
