"""Namespaces by bubblewrap: all of grading sees a system with nothing in it but Python."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from normlab.grading.confined.confinement import PACKAGE, SYSTEM, libraries
from normlab.grading.confined.level import Level, missing
from normlab.study.folders import EXERCISES

NAME = "namespaces"
FOLDER_BYTES = 256 * 2**20
RIGHTS_OF_ROOT = (
    *("SETUID", "SETGID", "SETFCAP", "KILL", "CHOWN", "DAC_OVERRIDE", "FOWNER", "SYS_RESOURCE"),
)
"""What the zygote needs to move apart with all users, or else the server to give students'
processes a user of their own, and to end them."""


def namespaces(folder: Path, allowed: bool) -> tuple[Sequence[str], Level]:
    """(what to put before a command, so that it sees nothing else; or nothing, and why).

    Args:
        folder: where it may write: memory there, up to `FOLDER_BYTES`.
        allowed: whether namespaces may be used.
    """
    program = shutil.which("bwrap")
    if not allowed or program is None:
        return (), missing(NAME, "it is switched off" if program else "there is no bubblewrap")
    command = [program, *_view(folder), *_rights()]
    tried = subprocess.run(
        [*command, sys.executable, "-S", "-c", ""], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        return (), missing(NAME, tried.stderr.strip() or "bubblewrap does not start Python here")
    return command, Level(NAME, True, "bubblewrap: no network, no other processes or files")


def _view(folder: Path) -> list[str]:
    python = [Path(sys.prefix), Path(sys.base_prefix), *libraries()]
    system = [Path(path) for path in SYSTEM if not path.startswith(("/dev", "/proc"))]
    seen = dict.fromkeys(
        [*python, PACKAGE, EXERCISES, *map(Path, ("/usr", "/bin", "/sbin")), *system]
    )
    around = {parent for path in (*seen, folder) for parent in path.parents}
    view = [("--perms", "0755", "--dir", str(parent)) for parent in sorted(around)]
    binds = [("--ro-bind-try", str(path), str(path)) for path in seen]
    rest = ["--proc", "/proc", "--dev", "/dev", "--size", str(FOLDER_BYTES), "--perms", "0711"]
    return [*chain.from_iterable((*view, *binds)), *rest, "--tmpfs", str(folder)]


def _rights() -> list[str]:
    unshared = [
        "--die-with-parent",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
    ]
    if os.getuid():
        return [*unshared, "--unshare-user"]
    return unshared + [word for right in RIGHTS_OF_ROOT for word in ("--cap-add", f"CAP_{right}")]
