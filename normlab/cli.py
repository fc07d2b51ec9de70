"""The `normlab` command."""

import argparse
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

SWEEP_EXAMPLE = """\
# 2 placements, with and without warmup, 4 seeds each: 16 runs
record_every = 50                # default: the last step alone
device = "cpu"                   # the default

[run]                            # the same in every run: fields of normlab.train.TrainConfig
task = "copy"
decoder_layers = 12
steps = 300

[grid]                           # lists to cross
placement = ["post-norm", "pre-norm"]
warmup_steps = [0, 100]
seed = [0, 1, 2, 3]
"""
SWEEP_HELP = """\
Train one model for each combination of a grid, and write one row for each run and recorded step.
Every finished run is on the disk at once: after a kill or Ctrl-C the same command goes on, and
repeats none. A run that fails is a row with its error. Runs of other configs that RESULTS holds
stay as they are. The exit code is 0 if every run ended and 1 if one failed.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0 only if it succeeded."""
    parser = argparse.ArgumentParser(prog="normlab", description="The normalization course.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="what is installed, what is wrong, and the cure")
    commands.add_parser("start", help="copy the exercises to work/, where you solve them")
    _add_check(commands)
    commands.add_parser("progress", help="what you have read, predicted and solved")
    _add_sweep(commands)
    options = vars(parser.parse_args(arguments))
    run: dict[str, Callable[..., int]] = {
        "doctor": doctor,
        "start": start,
        "check": check,
        "progress": progress,
        "sweep": sweep,
    }
    return run[options.pop("command")](**options)


def doctor() -> int:
    try:
        from normlab.doctor import diagnose, header
    except ModuleNotFoundError as error:  # the doctor itself needs two small packages
        print(f"{error.name} is missing: run `make lab` in the course's folder")
        return 1
    report = diagnose()
    print(f"{header()}\n\n{report}")
    return 0 if report.healthy else 1


def start() -> int:
    from normlab.study.start import start_command

    return start_command()


def check(**options: Any) -> int:
    from normlab.study.check_command import check_command

    return check_command(**options)


def progress() -> int:
    from normlab.record import open_record
    from normlab.study.course import my_progress

    with open_record() as record:
        print(f"{my_progress()}\n\nThe record is kept on this machine, in {record.folder}.")
    return 0


def sweep(**options: Any) -> int:
    from normlab.sweep.run import sweep_command  # loads torch

    return sweep_command(**options)


def _add_check(commands: Any) -> None:
    parser = commands.add_parser(
        "check",
        help="check your answers",
        description="Run notebooks or .py files, and name the mistakes in what they define. The "
        "exit code is 0 only if every answer passes.",
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="default: the notebooks in work/"
    )
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print a list for machines"
    )
    parser.add_argument(
        "--seconds", type=float, default=120, help="how long a file may run; default: 120"
    )


def _add_sweep(commands: Any) -> None:
    parser = commands.add_parser(
        "sweep",
        help="train many models, and write a table of what came out",
        description=SWEEP_HELP,
        epilog="An example of CONFIG.toml:\n\n" + textwrap.indent(SWEEP_EXAMPLE, "    "),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--out", type=Path, required=True, metavar="RESULTS", help=".csv, .parquet")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes; default: one a core")
    where.add_argument("--scheduler", metavar="ADDRESS", help="run on this Dask cluster")
    parser.add_argument("--retry-failed", action="store_true", help="run failed runs again")


if __name__ == "__main__":
    sys.exit(main())
