"""`normlab inspect`: which norms a model has, how it is wired, and what is wrong with that."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from normlab.inspection.html import as_page
from normlab.inspection.model_depth import depth_report
from normlab.inspection.reading_apart import Asked, Read, read_apart
from normlab.inspection.report import Report
from normlab.inspection.report_text import as_text
from normlab.inspection.targets import CannotRead
from normlab.tools.apart import Limits
from normlab.tools.whole_files import written_whole

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""


@dataclass(frozen=True)
class Options:
    """What the command was given.

    Attributes:
        target: "file.py:function" or "package.module:function", if that is what to read.
        transformers: else a model type of transformers, or a config.json.
        as_json: whether to print the report for machines.
        html: where to write it as a page, if anywhere.
        loss: what depth is measured with, if at all.
        steps: after how many training steps once more.
        seconds, memory_mb: what the model may take.
    """

    target: str | None
    transformers: str | None
    as_json: bool
    html: Path | None
    loss: str
    steps: int
    seconds: float
    memory_mb: int


def inspect_command(options: Options) -> int:
    """Read a model and print what was read.

    Returns:
        0; 1 if a warning of severity "error" stands; 2 if the input was wrong or nothing could be
        read, which is said on stderr; 130 after Ctrl-C.
    """
    name = options.target or options.transformers or ""
    asked = Asked(name, options.target is None, options.loss, options.steps)
    try:
        if options.steps and not options.loss:
            raise CannotRead(f"--steps {options.steps} trains with a loss: give --loss too.")
        read = read_apart(asked, Limits(options.seconds, options.memory_mb))
        if options.html is not None:
            _write(read, options.html)
    except CannotRead as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return STOPPED
    _print(read, options.as_json)
    return _exit_code(read.report)


def _write(read: Read, path: Path) -> None:
    try:
        with written_whole(path) as temporary:
            Path(temporary).write_text(as_page(read.report, read.depth), encoding="utf-8")
    except OSError as error:
        raise CannotRead(f"{path} cannot be written: {error}. Name another file.") from error


def _print(read: Read, as_json: bool) -> None:
    taken = f"Called with {read.taken}." if read.taken else ""
    if as_json:
        print(_as_json(read))
        if taken:
            print(taken, file=sys.stderr)
    else:
        depth = depth_report(read.depth) if read.depth else ""
        print(as_text(read.report), *filter(None, [taken, depth]), sep="\n\n")


def _as_json(read: Read) -> str:
    if read.depth is None:
        return read.report.as_json()
    whole = read.report.as_dict() | {"depth": read.depth.as_dict()}
    return json.dumps(whole, ensure_ascii=False, indent=2)


def _exit_code(report: Report) -> int:
    if not report.norms and not report.layers:
        print(f"{report.model} has no norm and no residual layer.", file=sys.stderr)
        return 2
    return int(any(warning.severity == "error" for warning in report.warnings))
