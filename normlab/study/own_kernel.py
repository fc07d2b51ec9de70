"""What a learner calls after ✓ of a kernel: `time_kernel` times it on a GPU, if there is one."""

import inspect
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from normlab.checks.interpreter import SWITCH
from normlab.study.notebook import asked
from normlab.study.own_answers import is_right
from normlab.study.said import Said
from normlab.tools.table import Table

MODULE = "normlab.exercises.one_kernel.on_gpu"
HEAD = "import triton\nimport triton.language as tl\n"


def time_kernel(kernel: Any) -> Table | Said:
    """The bandwidth of your kernel on a GPU, beside a copy's and other norms'.

    The kernel is compiled and timed in a process of its own, without the interpreter. Without a
    GPU it is compiled alone. Nothing is run before `check` says ✓, or while nbgrader grades.

    Args:
        kernel: the kernel itself: `time_kernel(rms_norm_kernel)`.

    Returns:
        GB/s of the bytes that must be moved, and the share of a copy's; or a sentence.

    Raises:
        TypeError, ValueError: as `check`.
    """
    name, exercise = asked(kernel, "time_kernel")
    try:
        exercise.question(name)
    except ModuleNotFoundError as error:
        return Said(error)
    if os.environ.get("NBGRADER_EXECUTION") or not is_right(name, kernel):
        return Said(f"Once check({name}) says ✓, time_kernel({name}) has it run on a GPU.")
    found = _found(source_of(kernel))
    if "error" in found:
        return Said(f"The interpreter takes your kernel, and a GPU does not: {found['error']}")
    if "speeds" not in found:
        return Said("There is no GPU here that Triton can use; its compiler takes your kernel.")
    return bandwidths(found)


def bandwidths(found: dict[str, Any]) -> Table:
    """A row for each D and contender."""
    rows = []
    for features, speeds in found["speeds"].items():
        *_, copys = speeds.values()
        for contender, speed in speeds.items():
            gigabytes, share = f"{speed / 1e9:,.0f}", f"{speed / copys:.0%}"
            rows.append([f"{int(features):,}", contender, gigabytes, share])
    return Table(("D", f"bfloat16, {found['machine']}", "GB/s", "of a copy"), rows)


def source_of(kernel: Any) -> str:
    """A module that defines a kernel, and the kernels of its own that it calls."""
    found = dict.fromkeys(_sources(kernel.fn, set()))
    return "\n\n".join((HEAD, *found))


def _sources(function: Any, seen: set[str]) -> Iterator[str]:
    for name in function.__code__.co_names:
        other = getattr(function.__globals__.get(name), "fn", None)
        if inspect.isfunction(other) and name not in seen and "triton" not in other.__module__:
            yield from _sources(other, seen | {name})
    yield textwrap.dedent(inspect.getsource(function))


def _found(source: str) -> dict[str, Any]:
    """What `on_gpu` prints of the kernel in a source."""
    settings = {name: value for name, value in os.environ.items() if name != SWITCH}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "kernel.py").write_text(source, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", MODULE, folder],
            env=settings,
            capture_output=True,
            text=True,
            check=False,
        )
    *_, last = done.stdout.splitlines() or [""]
    try:
        found: dict[str, Any] = json.loads(last)
    except ValueError:  # it was ended, or the GPU's driver ended it
        *_, said = done.stderr.splitlines() or [f"its process ended with {done.returncode}"]
        return {"error": said}
    return found
