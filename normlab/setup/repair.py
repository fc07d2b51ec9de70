"""What `normlab doctor --fix` does: pip, under the lock, in the Python that runs."""

import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
LOCKS = (PACKAGE.parent / "constraints.txt", PACKAGE / "constraints.txt")
"""Beside the package in a checkout, inside it in a wheel."""


def find_lock() -> Path | None:
    """The lock file."""
    return next((path for path in LOCKS if path.exists()), None)


def needed_by_the_numpy_part() -> list[str]:
    """What normlab asks for without an extra, as pip reads it."""
    return [r for r in requires("normlab") or [] if "extra ==" not in r]


def install_and_ask_again(*wanted: list[str] | tuple[str, ...]) -> int:
    """Give each of `wanted` to `pip install`, then let the doctor look once more.

    Returns:
        The exit code of pip if it failed, else that of the doctor.
    """
    lock = find_lock()
    under = ["--constraint", str(lock)] if lock else []
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *under]
    for arguments in wanted:
        print(f"\npip install {' '.join(arguments)}", flush=True)
        code = subprocess.call([*pip, *arguments])
        if code:
            print("That failed. Is there a network?", file=sys.stderr)
            return code
    print(flush=True)
    return subprocess.call([sys.executable, "-m", "normlab", "doctor"])
