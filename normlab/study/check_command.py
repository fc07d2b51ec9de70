"""`normlab check`: the table of many files, each run in a process of its own."""

import json
import sys
from concurrent.futures import TimeoutError as OutOfTime
from pathlib import Path

from normlab.checks import Diagnosis
from normlab.checks.cells import UnreadableFile
from normlab.study.files import check_file
from normlab.study.folders import WORK
from normlab.study.notebook import keep_solved
from normlab.tools.processes import Processes, WorkerDied
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

NOTHING = (
    "there is nothing to check: {folder} holds no exercise. `normlab start` puts them there; "
    "or name the files: normlab check my_answer.py"
)


def check_command(files: list[Path], as_json: bool, seconds: float) -> int:
    """Check `files`, or all exercises in work/; 0 only if every answer of every file passes.

    Right answers in work/ are kept in the learner's record.
    """
    chosen = files or sorted((WORK / "exercises").glob("*.ipynb"))
    if not chosen:
        print(NOTHING.format(folder=WORK / "exercises"), file=sys.stderr)
        return 2
    diagnoses: list[Diagnosis] = []
    unreadable: list[str] = []
    notices: set[str] = set()
    for path in progress_bar(chosen, "checking"):
        try:
            found = check_apart(path, seconds)
        except UnreadableFile as error:
            unreadable.append(str(error))
            continue
        diagnoses += found
        if WORK in path.resolve().parents:
            notices |= set(map(keep_solved, found))
    print(json.dumps([d.as_json() for d in diagnoses], indent=1) if as_json else report(diagnoses))
    for message in filter(None, [*unreadable, *notices]):
        print(message, file=sys.stderr)
    return 0 if diagnoses and not unreadable and all(d.passed for d in diagnoses) else 1


def check_apart(path: Path, seconds: float) -> list[Diagnosis]:
    """`check_file` in a process of its own, so that no file disturbs the next.

    Raises:
        UnreadableFile: as `check_file`; or if the file runs longer than `seconds`, or ends
            its process.
    """
    processes = Processes(1)
    try:
        return processes.submit(check_file, path.resolve()).result(timeout=seconds)
    except OutOfTime:
        raise UnreadableFile(
            f"{path} ran for {seconds:g} seconds without an end: is there a loop that never stops? "
            "A longer time: normlab check --seconds 600"
        ) from None
    except WorkerDied:
        raise UnreadableFile(f"{path} ended the process that ran it.") from None
    finally:
        processes.shutdown(wait=False)


def report(diagnoses: list[Diagnosis]) -> str:
    """A line for each function, then what is wrong with those that did not pass."""
    rows = [
        (d.exercise, d.function, d.verdict, f"{d.points} of {d.max_points}", ", ".join(d.mistakes))
        for d in diagnoses
    ]
    table = Table(("exercise", "function", "result", "points", "mistakes"), rows)
    wrong = [str(d) for d in diagnoses if d.faults]
    total = f"{sum(d.points for d in diagnoses)} of {sum(d.max_points for d in diagnoses)} points"
    return "\n\n".join([str(table), *wrong, total])
