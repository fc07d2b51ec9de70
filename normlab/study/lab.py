"""`normlab lab`: JupyterLab in the learner's folder, on the first page."""

import os
import subprocess
import sys
from pathlib import Path

from normlab.study import copies
from normlab.study.folders import FIRST, SOURCES, WORK
from normlab.study.start import start_command

SETTINGS = Path(__file__).parent / "jupyter"
"""Switches off JupyterLab's question about news, and nbgrader's buttons: they are the teacher's."""


def lab_command(options: list[str], folder: Path = WORK) -> int:
    """Bring the learner's folder up to date, and open it; where it cannot be written, the course's
    own chapters are opened, to read.

    Args:
        options: for JupyterLab, such as `--no-browser`.
        folder: the learner's.
    """
    start_command(update=True, folder=folder)
    if not (os.access(folder, os.W_OK) and (folder / FIRST).exists()):
        folder = SOURCES / "notebooks"
        for path in folder.glob("*.ipynb"):
            copies.trust(path.read_text(encoding="utf-8"))
    command = [*jupyterlab(folder), *options]
    if os.name == "nt":  # there `exec` does not wait
        return subprocess.call(command, env=environment())
    sys.stdout.flush()
    os.execve(command[0], command, environment())


def environment() -> dict[str, str]:
    """That of this process, with our settings of JupyterLab beside the user's own."""
    paths = [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths))}


def jupyterlab(folder: Path) -> list[str]:
    """The command that opens a folder on the first page."""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    if hasattr(os, "getuid") and os.getuid() == 0:
        command.append("--allow-root")
    # Else the log ends with a list of language servers that are not there, below the address.
    command.append("--LanguageServerManager.autodetect=False")
    return [*command, f"--LabApp.default_url=/lab/tree/{FIRST}"]
