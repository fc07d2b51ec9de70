"""Run Python as an ordinary user, where the tests are root's."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from submissions import ROOT

ORDINARY = 65534
PROGRAM = """
import os, sys
os.setgroups([])
os.setresgid({user}, {user}, {user})
os.setresuid({user}, {user}, {user})
os.execv(sys.executable, [sys.executable, "-B", *{arguments}])
"""


def missing_for_it() -> str:
    """Why it cannot be done here; "" if it can."""
    if os.getuid():
        return "these tests are an ordinary user's already"
    return "" if shutil.which("bwrap") else "there is no bubblewrap"


def run_as_ordinary_user(*arguments: str, home: Path) -> str:
    """What a Python program prints that is an ordinary user's.

    Folders that this user may not enter, and in which Python lies, are shown to it with nothing in
    them but Python.
    """
    paths = [ROOT, *map(Path, (sys.prefix, sys.base_prefix, sysconfig.get_path("purelib")))]
    paths += [Path(path) for path in sys.path if path.endswith("site-packages")]
    needed = dict.fromkeys(path.resolve() for path in paths)
    closed = {p for path in needed for p in path.parents if not p.stat().st_mode & 0o001}
    shown = [path for path in needed if closed & set(path.parents)]
    around = {p for path in shown for p in path.parents if closed & set(p.parents)} - closed
    covers = [("--perms", "0755", "--tmpfs", str(path)) for path in sorted(closed)]
    folders = [("--perms", "0755", "--dir", str(path)) for path in sorted(around)]
    binds = [("--ro-bind", str(path), str(path)) for path in shown]
    view = [word for words in (*covers, *folders, *binds) for word in words]
    rights = [word for right in ("SETUID", "SETGID") for word in ("--cap-add", f"CAP_{right}")]
    home.mkdir(mode=0o777, exist_ok=True)
    home.chmod(0o777)
    program = PROGRAM.format(user=ORDINARY, arguments=list(arguments))
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", *view, *rights, sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": "/tmp", "LANG": "C.UTF-8"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
