"""Run nbgrader in a course's folder."""

import os
import subprocess
import sys
from pathlib import Path


def nbgrader(course, *arguments):
    """nbgrader runs `alembic`, which stands beside the Python that runs this."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(
        command, cwd=course, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
