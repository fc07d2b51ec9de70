"""What a student's process leaves behind: processes that it has started, and files."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Collection
from pathlib import Path


def end_children(but: Collection[int]) -> None:
    """End all that students' processes have started and left; as a subreaper we inherit it."""
    while left := [child for child in _children() if child not in but]:
        for child in left:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [int(child) for child in listed.split()]


def remove_tree(folder: Path) -> None:
    """Remove a folder, whatever its depth and whatever rights its folders have."""
    with contextlib.suppress(OSError):  # it is not empty, or not to be entered
        folder.rmdir()
        return
    if os.getuid() != 0:
        subprocess.run(["chmod", "-R", "u+rwx", folder], check=False, capture_output=True)
    subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)
