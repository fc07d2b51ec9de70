"""Set up the course, and run it. The Makefile calls this; without make, call it yourself.

    python bootstrap.py lab        open the course           (Windows: py bootstrap.py lab)
    python bootstrap.py start      copy chapters and exercises to work/
    python bootstrap.py doctor     what is installed, what is wrong, and the cure; --fix does it
    python bootstrap.py test       run every test
    python bootstrap.py quick      style, types and the tests nearest to your change
    python bootstrap.py lessons    build the notebooks
    python bootstrap.py site       build the course as a site, into dist/site
    python bootstrap.py set-up     set up alone; `set-up test` with all that is tested
    python bootstrap.py python     the course's Python, with the packages of the tests

Each sets up .venv first, if that is not done. What follows is passed on, for instance
`python bootstrap.py lab --no-browser --port 9000`. A .venv of another Python is kept, unless
--this-python stands before the command.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parent
OLDEST = (3, 11)
COMMANDS = {
    "lab": ("course", ["-m", "normlab", "lab"]),
    "start": ("course", ["-m", "normlab", "start"]),
    "test": ("test", ["-m", "pytest", "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]),
    "quick": ("test", ["tests/quick.py"]),
    "lessons": ("test", ["lessons/build.py"]),
    "site": ("site", ["-m", "docs.site.build"]),
    "python": ("test", []),
}
"""Command -> the extra that it needs, and what Python is to run."""


def main(arguments: list[str]) -> int:
    """Set up, and run. The exit code is that of what ran."""
    if sys.version_info < OLDEST:
        has = ".".join(map(str, sys.version_info[:2]))
        print(f"normlab needs Python 3.11 or newer, and this is {has} ({sys.executable}).")
        print("Name another one, for instance: make lab PYTHON=python3.12")
        return 2
    wanted = None
    if arguments[:1] == ["--this-python"]:
        wanted, arguments = sys.version_info[:2], arguments[1:]
    command, options = (arguments or [""])[0], arguments[1:]
    if command not in {*COMMANDS, "doctor", "set-up"}:
        print(__doc__)
        return 2
    from normlab.setup.install import SetUpFailed, set_up

    try:
        if command == "doctor":
            return doctor(options, wanted)
        if command == "set-up":
            set_up(COURSE, options[0] if options else "course", wanted)
            return 0
        extra, program = COMMANDS[command]
        set_up(COURSE, extra, wanted)
        return run([*program, *options])
    except SetUpFailed as failed:
        print(failed, file=sys.stderr)
        return 1


def doctor(options: list[str], wanted: tuple[int, int] | None) -> int:
    """The package's own doctor, where .venv can run it; before that, what is wrong with .venv."""
    from normlab.setup.install import set_up
    from normlab.setup.venv import look

    found = look(COURSE, "course", wanted)
    if found.state != "ready" and "--fix" in options:
        set_up(COURSE, "course", wanted)
    elif found.from_new:
        print(f"{found.sentence} The cure: make lab, or python bootstrap.py doctor --fix")
        return 1
    return run(["-m", "normlab", "doctor", *options])


def run(program: list[str]) -> int:
    """Run the course's Python in the course's folder. On Windows `exec` would not wait."""
    from normlab.setup.venv import python_of

    python = str(python_of(COURSE / ".venv"))
    if os.name == "nt":
        return subprocess.call([python, *program], cwd=COURSE)
    os.chdir(COURSE)
    os.execv(python, [python, *program])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
