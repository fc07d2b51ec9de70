"""The `normlab` command."""

import argparse
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

OF_THE_COURSE = ("jinja2", "sklearn", "torch", "yaml")
"""What the extra `course` installs, by the names under which it is imported."""
OUTPUT_CLOSED = 141
"""As the shell says of a program that SIGPIPE has ended."""
INSPECT_HELP = """\
Run a model once, and say which norms it has, how its layers are wired, and what is wrong with it.
The function returns a torch.nn.Module, or a module and its inputs: a tensor, a tuple of arguments
or a dict of named ones. Inputs that are not given are guessed. Your code runs in a process of its
own, with limits of time and memory; what it prints is not shown. The exit code is 0, 1 if a warning
of severity "error" stands, 2 if the model could not be read, and 130 after Ctrl-C.
"""
INSPECT_EXAMPLES = """\
normlab inspect model.py:build
normlab inspect mypackage.models:small --html report.html
normlab inspect --transformers llama --json
normlab inspect model.py:build --loss mean-square --steps 10
"""
AUDIT_HELP = """\
Examine one implementation of LayerNorm or RMSNorm. TARGET is a class or a function that takes the
size D and returns a torch.nn.Module: def build(size): return MyNorm(size). What it computes is read
and compared with that formula in float64, beside torch's own norm on the same inputs: forward,
backward and twice differentiated, in four dtypes, on rows that are hard, from D = 1 to 65,537.
Errors are counted in ulps, units in the last place; what is wrong is named. Your code runs in a
process of its own, with limits of time and memory; what it prints is not shown. The exit code is 0
if it is conformant, 1 if it is not, 2 if the input was wrong, and 130 after Ctrl-C.
"""
AUDIT_EXAMPLES = """\
normlab audit kernels.py:build
normlab audit mypackage.norms:RMSNorm --as rms_norm --eps 1e-6
normlab audit torch.nn:LayerNorm --json
"""
SCAN_HELP = """\
Read every model type of the installed transformers as normlab inspect reads a model: built small,
with random weights and no download. One row for each kind of layer says its norms, their ε and gain
and where they stand; a type that cannot be read is a row with its reason. Every folder is on the
disk at once: after a kill or Ctrl-C the same command goes on, and reads none twice. --summary
counts what such a file holds, each number with its denominator. The exit code is 0 if that was
done, 2 if the input was wrong or the scheduler of --dask gave up, and 130 after Ctrl-C.
"""
SCAN_EXAMPLES = """\
normlab scan --out scan.csv
normlab scan --out few.csv --only bert llama --workers 2
normlab scan --out scan.csv --dask tcp://10.0.0.1:8786
normlab scan --summary scan.csv
"""
SWEEP_EXAMPLE = """\
# 2 placements, with and without warmup, 4 seeds each: 16 runs
record_every = 50                # default: the last step alone
device = "cpu"                   # the default

[run]                            # the same in every run: fields of normlab.training.TrainConfig
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
POLICY_EXAMPLE = """\
seconds = 20                 # processor time for each run of a notebook
memory_mb = 2048             # beyond what NumPy and torch take
library_norms = false        # may answers call torch.nn.functional.layer_norm and the like?

[points]                     # default: those in the exercises
layer_norm = 10

[partial]                    # share of the points of the level that these mistakes cost
dtype-lost = 0.5

[due]                        # when an exercise is late
01_layer_norm = 2026-12-01T23:59:59+01:00

[late]
free_days = 2                # late days that a student has in all, whatever the exercise
per_day = 0.1                # share of the points lost for each further day that has begun
most_days = 7                # what is later than that gets nothing
"""
OVERRIDES_EXAMPLE = """\
["ada"]                      # as in gradebook.csv; or the full name, login, address or number
layer_norm = { points = 3, comment = "Right idea; the sign is a slip." }
01_layer_norm = { days_late = 0, comment = "Late with leave." }
"""
GRADE_HELP = """\
Grade a class: run every submission confined, compare its answers with the exercises' references,
and write a gradebook, files for Canvas, nbgrader and Gradescope, and a page for each student.
SUBMISSIONS may be a folder for each student, a download of Canvas, Moodle, Blackboard, Brightspace,
Google Classroom or Gradescope, nbgrader's folders, or a zip file of these. Every grade is on the
disk at once: after a kill or Ctrl-C the same command goes on, and grades nothing twice. The exit
code is 0 if all is somebody's and graded, 1 if a file, a student or an override needs you, 2 if the
input was wrong, and 130 after Ctrl-C, which also ends --watch. docs/teaching.md says more.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0 only if it succeeded."""
    parser = argparse.ArgumentParser(prog="normlab", description="The normalization course.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_doctor(commands)
    _add_start(commands)
    commands.add_parser("lab", help="bring work/ up to date, and open it; options: JupyterLab's")
    _add_check(commands)
    _add_progress(commands)
    commands.add_parser("review", help="answer again what you answered wrongly days ago")
    _add_inspect(commands)
    _add_audit(commands)
    _add_scan(commands)
    _add_sweep(commands)
    _add_grade(commands)
    _add_claims(commands)
    _add_remake(commands)
    parsed, others = parser.parse_known_args(arguments)
    options = vars(parsed)
    if options["command"] == "lab":
        options["options"] = others
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    run: dict[str, Callable[..., int]] = {
        "doctor": doctor,
        "start": start,
        "lab": lab,
        "check": check,
        "progress": progress,
        "review": review,
        "inspect": inspect,
        "audit": audit,
        "scan": scan,
        "sweep": sweep,
        "grade": grade,
        "claims": claims,
        "remake": remake,
    }
    command = options.pop("command")
    try:
        code = run[command](**options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads the output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUTPUT_CLOSED
    except ModuleNotFoundError as error:
        if error.name not in OF_THE_COURSE:
            raise
        needs = f"normlab {command} needs {error.name}, which is not installed"
        print(f"{needs}: run pip install 'normlab[course]'.", file=sys.stderr)
        return 2


def doctor(fix: bool) -> int:
    from normlab.setup.repair import install_and_ask_again, needed_by_the_numpy_part

    try:
        from normlab.study.doctor import doctor_command
    except ModuleNotFoundError as error:  # the doctor itself needs some small packages
        if fix:
            return install_and_ask_again(needed_by_the_numpy_part())
        print(f"{error.name} is missing. `python -m normlab doctor --fix` installs it.")
        return 1
    return doctor_command(fix)


def start(update: bool) -> int:
    from normlab.study.start import start_command

    return start_command(update)


def lab(options: list[str]) -> int:
    from normlab.study.lab import lab_command

    return lab_command(options)


def check(
    files: list[Path],
    as_json: bool,
    watch: bool,
    classroom: Path | None,
    seconds: float,
    memory_mb: int,
) -> int:
    from normlab.study.check_command import check_command
    from normlab.study.watch import watch_command
    from normlab.tools.apart import Limits

    limits = Limits(seconds, memory_mb)
    if watch:
        return watch_command(files, limits)
    return check_command(files, as_json, limits, classroom)


def progress(export_to: Path | None, import_from: Path | None) -> int:
    if export_to:
        from normlab.study.exchange.command import export_command

        return export_command(export_to)
    if import_from:
        from normlab.study.exchange.command import import_command

        return import_command(import_from)
    from normlab.record import open_record
    from normlab.study.course import my_progress

    with open_record() as record:
        print(f"{my_progress()}\n\nThe record is kept on this machine, in {record.folder}.")
    return 0


def review() -> int:
    from normlab.study.review_command import review_command

    return review_command()


def inspect(**options: Any) -> int:
    from normlab.inspection.command import Options, inspect_command  # loads torch

    return inspect_command(Options(**options))


def audit(**options: Any) -> int:
    from normlab.audit.command import Options, audit_command  # loads torch

    return audit_command(Options(**options))


def scan(**options: Any) -> int:
    from normlab.inspection.scan.command import scan_command  # loads torch

    return scan_command(**options)


def sweep(**options: Any) -> int:
    from normlab.training.sweep.run import sweep_command  # loads torch

    return sweep_command(**options)


def grade(**options: Any) -> int:
    from normlab.grading.command import Options, grade_command
    from normlab.grading.listing import list_command

    if options.pop("listed"):
        return list_command(options["submissions"], options["roster"])
    return grade_command(Options(**options))


def claims(**options: Any) -> int:
    from normlab.claims.command import claims_command  # loads torch

    return claims_command(**options)


def remake(name: str | None, listed: bool, **options: Any) -> int:
    from normlab.study.remake import remake_command  # loads torch

    return remake_command(name, **options)


def _add_doctor(commands: Any) -> None:
    parser = commands.add_parser("doctor", help="what is installed, what is wrong, and the cure")
    parser.add_argument("--fix", action="store_true", help="install what is missing or differs")


def _add_start(commands: Any) -> None:
    parser = commands.add_parser(
        "start",
        help="copy chapters and exercises to work/, where you read and solve them",
        description="Copy what work/ does not hold yet: work/ of the course's folder or, where "
        "normlab was installed from a wheel, of the folder where you stand. NORMLAB_WORK names "
        "another folder. What is there stays as it is.",
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="bring new versions of what is there; your answers, notes and cells are carried over, "
        "and the old files are kept beside",
    )


def _add_check(commands: Any) -> None:
    parser = commands.add_parser(
        "check",
        help="check your answers",
        description="Run notebooks or .py files, and name the mistakes in what they define. The "
        "exit code is 0 only if every answer passes.",
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="default: the exercises in work/"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--json", action="store_true", dest="as_json", help="print a list for machines"
    )
    how.add_argument(
        "--watch",
        action="store_true",
        help="check again whenever a file is saved, until every answer is right; Ctrl-C ends it",
    )
    how.add_argument(
        "--classroom",
        type=Path,
        metavar="OUTPUTS",
        help="add the points to this file for GitHub Classroom (docs/teaching.md, section 9)",
    )
    _add_limits(parser, "a file", 2048)


def _add_limits(parser: argparse.ArgumentParser, what: str, memory_mb: int) -> None:
    """How long code that is not ours may run, and how much memory it may take."""
    parser.add_argument(
        "--seconds", type=float, default=120, help=f"how long {what} may run; default: 120"
    )
    parser.add_argument(
        "--memory-mb",
        type=int,
        default=memory_mb,
        metavar="MB",
        help=f"how much memory {what} may take (Linux); default: {memory_mb}",
    )


def _add_progress(commands: Any) -> None:
    parser = commands.add_parser(
        "progress",
        help="what you have read, predicted and solved",
        description="What you have read, predicted and solved. A file takes it to another machine, "
        "or to the course's site and back: nothing that is there is lost, and what is in a file "
        "twice counts once. Answers in a file are code: take in files of your own alone.",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--export", type=Path, metavar="FILE", dest="export_to", help="write it")
    where.add_argument("--import", type=Path, metavar="FILE", dest="import_from", help="take it in")


def _add_explained(
    commands: Any, name: str, short: str, description: str, *examples: tuple[str, str]
) -> argparse.ArgumentParser:
    """A command with a description in paragraphs, and examples below, each with its title."""
    told = (f"{title}:\n\n" + textwrap.indent(text, "    ") for title, text in examples)
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=short,
        description=description,
        epilog="\n".join(told),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_inspect(commands: Any) -> None:
    parser = _add_explained(
        commands,
        "inspect",
        "which norms your own model has, how it is wired, and what is wrong with that",
        INSPECT_HELP,
        ("Examples", INSPECT_EXAMPLES),
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "target", nargs="?", metavar="TARGET", help="file.py:function or package.module:function"
    )
    what.add_argument(
        "--transformers",
        metavar="NAME",
        help='a model type of transformers, "llama" say, or a config.json on this machine: built '
        "small, with random weights and no download",
    )
    parser.add_argument("--json", action="store_true", dest="as_json", help="print it for machines")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write it as a page with pictures"
    )
    parser.add_argument(
        "--loss",
        default="",
        metavar="LOSS",
        help="also measure stream, σ, gradient and update by depth, with this loss: "
        "file.py:function of the model's output, or mean-square",
    )
    parser.add_argument(
        "--steps", type=int, default=0, metavar="N", help="train, and measure once more after N"
    )
    _add_limits(parser, "the model", 4096)


def _add_audit(commands: Any) -> None:
    parser = _add_explained(
        commands,
        "audit",
        "whether an implementation of a norm is right, beside torch's own",
        AUDIT_HELP,
        ("Examples", AUDIT_EXAMPLES),
    )
    parser.add_argument("target", metavar="TARGET", help="file.py:function or package.module:Class")
    parser.add_argument(
        "--as",
        choices=("layer_norm", "rms_norm"),
        dest="claim",
        help="what it should be; default: what it computes",
    )
    parser.add_argument("--eps", type=float, help="the ε that it should have; default: its own")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print it for machines")
    _add_limits(parser, "the norm", 4096)


def _add_scan(commands: Any) -> None:
    parser = _add_explained(
        commands,
        "scan",
        "read every model type of the installed transformers, and count",
        SCAN_HELP,
        ("Examples", SCAN_EXAMPLES),
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FILE.csv", help="fill it, and go on from it")
    what.add_argument("--summary", type=Path, metavar="FILE.csv", help="count what one holds")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="folders of models; default: all"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes; default: one a core")
    where.add_argument("--dask", metavar="ADDRESS", help="the scheduler of a Dask cluster")


def _add_sweep(commands: Any) -> None:
    parser = _add_explained(
        commands,
        "sweep",
        "train many models, and write a table of what came out",
        SWEEP_HELP,
        ("An example of CONFIG.toml", SWEEP_EXAMPLE),
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--out", type=Path, required=True, metavar="RESULTS", help=".csv, .parquet")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes; default: one a core")
    where.add_argument("--scheduler", metavar="ADDRESS", help="run on this Dask cluster")
    parser.add_argument("--retry-failed", action="store_true", help="run failed runs again")


def _add_grade(commands: Any) -> None:
    parser = _add_explained(
        commands,
        "grade",
        "grade a class",
        GRADE_HELP,
        ("An example of POLICY.toml", POLICY_EXAMPLE),
        ("An example of OVERRIDES.toml", OVERRIDES_EXAMPLE),
    )
    parser.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="a folder, or a zip")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="RESULTS", help="a folder")
    what.add_argument("--list", action="store_true", dest="listed", help="say who handed in what")
    parser.add_argument("--roster", type=Path, metavar="ROSTER.csv", help="who is in the class")
    parser.add_argument("--policy", type=Path, metavar="POLICY.toml", help="points, lateness, …")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="default: one a core")
    where.add_argument("--scheduler", metavar="ADDRESS", help="grade on this Dask cluster")
    parser.add_argument("--seed", type=int, metavar="N", help="of the hidden inputs; else drawn")
    parser.add_argument(
        "--overrides",
        type=Path,
        metavar="OVERRIDES.toml",
        help="points and comments by hand; default: RESULTS/overrides.toml, if it is there",
    )
    parser.add_argument(
        "--watch", action="store_true", help="grade what comes into a folder, until Ctrl-C"
    )
    parser.add_argument("--again", action="store_true", help="grade also what is graded already")
    parser.add_argument(
        "--into-nbgrader",
        type=Path,
        metavar="gradebook.db",
        help="store the grades there too, with nbgrader's own API",
    )


def _add_claims(commands: Any) -> None:
    parser = commands.add_parser(
        "claims",
        help="run the claims of the seed text, each with its verdict",
        description="Run the experiment behind each claim of the seed text, or behind those of the "
        "given numbers, which are explained too. The exit code is 0 only if at least one "
        "experiment ran and none of those that ran fails.",
    )
    parser.add_argument("numbers", nargs="*", type=int, metavar="NUMBER", help="default: all")
    parser.add_argument("--json", action="store_true", dest="as_json", help="for machines")


def _add_remake(commands: Any) -> None:
    parser = commands.add_parser(
        "remake",
        help="make a stored result of the course again",
        description="Run what made a stored result, and put the new file in its place, or where "
        "--out says. A result that is there is replaced only when the new one is whole.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", metavar="NAME", help="as --list has it")
    what.add_argument("--list", action="store_true", dest="listed", help="names, files and times")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: the stored file")
    parser.add_argument("--smallest", action="store_true", help="only its smallest case")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), help="where norm_race is measured; default: cpu"
    )


if __name__ == "__main__":
    sys.exit(main())
