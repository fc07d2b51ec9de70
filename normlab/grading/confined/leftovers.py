"""What a student's process leaves behind: processes that it has started, and files."""

import contextlib
import os
import signal
import subprocess
import tempfile
from pathlib import Path

PASS_THROUGH = 0o711


class Folders:
    """Gives each student's process an empty folder, where they are not apart from each other.

    Args:
        parent: whose content is removed after each of them.
    """

    def __init__(self, parent: Path) -> None:
        self.parent = parent

    def new(self, owner: int | None) -> Path:
        """A folder of this user's, or of another one's, whose name nobody knew before."""
        folder = Path(tempfile.mkdtemp(dir=self.parent))
        if owner is not None:
            os.chown(folder, owner, owner)
        return folder

    def clear(self) -> None:
        """Remove all that was written, and allow again what was forbidden."""
        self.parent.chmod(PASS_THROUGH)
        for path in self.parent.iterdir():
            remove_tree(path)


def end_children() -> None:
    """End all that students' processes have started and left; as a subreaper we inherit it."""
    while left := _children():
        for child in left:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _children() -> list[int]:
    listed = Path("/proc/thread-self/children").read_text()
    return [int(child) for child in listed.split()]


def remove_tree(path: Path) -> None:
    """Remove a folder or file, whatever its depth and whatever rights its folders have."""
    with contextlib.suppress(OSError):  # it is a file, is not empty, or not to be entered
        path.rmdir()
        return
    if os.getuid() != 0:
        subprocess.run(["chmod", "-R", "u+rwx", path], check=False, capture_output=True)
    subprocess.run(["rm", "-rf", "--one-file-system", path], check=True)
