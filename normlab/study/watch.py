"""`normlab check --watch`: files are checked again whenever they are saved."""

import ast
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from normlab.checks.cells import notebook_cells
from normlab.study.check_command import STOPPED, Checked, check_apart, chosen_files, keep_points_of
from normlab.study.folders import EXERCISES
from normlab.tools.apart import Limits

PAUSE = 0.3
"""Seconds between two looks at the files."""


def watch_command(files: list[Path], limits: Limits) -> int:
    """Check `files`, or all exercises in work/, at once and after each change.

    Ends with 0 when every answer is right, and with 130 at Ctrl-C.
    """
    chosen = chosen_files(files)
    if not chosen:
        return 2
    watch = Watch(chosen)
    try:
        while not watch.done():
            for path in watch.changed():
                for line in watch.told(check_apart(path, limits)):
                    print(line, flush=True)
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        return STOPPED
    print(f"Everything is right: {watch.points()} points.", flush=True)
    return 0


class Watch:
    """The files, as they were when they were last looked at, and what came of them."""

    def __init__(self, paths: list[Path]) -> None:
        self.stamps: dict[Path, tuple[int, ...] | None] = dict.fromkeys(paths, ())
        self.results: dict[Path, Checked] = {}

    def changed(self) -> Iterator[Path]:
        """The files that were saved since the last look.

        An editor may remove a file for a moment, so one that is gone is not looked at again, but
        for the first time.
        """
        for path, before in self.stamps.items():
            now = _stamp(path)
            if now != before and (now is not None or path not in self.results):
                self.stamps[path] = now
                yield path

    def told(self, checked: Checked) -> Iterator[str]:
        """The lines on a file that has been checked: in full only on the first that is unsolved."""
        before = self.results.get(checked.path)
        self.results[checked.path] = checked
        yield f"{time.strftime('%H:%M:%S')}  {checked.path}"
        old = {d.function: d.passed for d in before.diagnoses} if before else {}
        first = self._first_unsolved()
        for diagnosis, note in checked.answers:
            if (checked.path, diagnosis.function) == first:
                yield from filter(None, (str(diagnosis), note))
            elif not diagnosis.passed or old.get(diagnosis.function) is not True:
                yield str(diagnosis).splitlines()[0]
        yield from filter(None, (checked.problem, *keep_points_of(checked)))
        if (
            before
            and any(d.passed and not old.get(d.function) for d in checked.diagnoses)
            and first
        ):
            yield from self._next(*first)
        yield ""

    def done(self) -> bool:
        """Whether every answer of every file is right."""
        return self.results.keys() == self.stamps.keys() and all(
            checked.passed for checked in self.results.values()
        )

    def points(self) -> float:
        return sum(d.points for checked in self.results.values() for d in checked.diagnoses)

    def _first_unsolved(self) -> tuple[Path, str] | None:
        for path in self.stamps:
            for diagnosis in self.results[path].diagnoses if path in self.results else ():
                if not diagnosis.passed:
                    return path, diagnosis.function
        return None

    def _next(self, path: Path, function: str) -> Iterator[str]:
        exercise = next(d.exercise for d in self.results[path].diagnoses if d.function == function)
        yield f"next: {function}. {asked(exercise, function)}".rstrip()


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What differs after a file was saved; None while there is none."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


@cache
def asked(exercise: str, function: str) -> str:
    """The first line of the docstring with which a function was handed out.

    >>> asked("04_residual_placement", "post_norm_step")
    'The stream (..., D) after one post-norm sub-layer.'
    """
    data = (EXERCISES / f"{exercise}.ipynb").read_bytes()
    for cell in notebook_cells(exercise, data):
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == function:
                return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""
