"""`normlab check`: the table of many files, each run in a process of its own."""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from normlab.checks import Diagnosis
from normlab.checks.cells import UnreadableFile
from normlab.study.files import answers_in
from normlab.study.folders import WORK
from normlab.study.notebook import keep_points
from normlab.tools.apart import Limits, OutOfTime, ProcessEnded, WorkFailed, apart
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

NOTHING = (
    "there is nothing to check: {folder} holds no exercise. `normlab start` puts them there; "
    "or name the files: normlab check my_answer.py"
)
STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""


@dataclass(frozen=True)
class Checked:
    """What came of a file.

    Args:
        path: as it was given.
        answers: each with a note on what keeps it from being one, "" if nothing does.
        problem: why there are no more answers; "" if the file ran to its end.
    """

    path: Path
    answers: tuple[tuple[Diagnosis, str], ...]
    problem: str = ""

    @property
    def diagnoses(self) -> list[Diagnosis]:
        return [diagnosis for diagnosis, _ in self.answers]

    @property
    def passed(self) -> bool:
        return not self.problem and all(d.passed for d in self.diagnoses)

    def as_json(self) -> list[dict[str, object]]:
        """An object for each answer, and one for the problem."""
        file: dict[str, object] = {"file": str(self.path)}
        found = [file | d.as_json() | ({"note": n} if n else {}) for d, n in self.answers]
        return [*found, file | {"problem": self.problem}] if self.problem else [*found]


def check_command(
    files: list[Path], as_json: bool, limits: Limits, classroom: Path | None = None
) -> int:
    """Check `files`, or all exercises in work/; 0 only if every answer of every file passes.

    Right answers in work/ are kept in the learner's record. The points are added to the file
    `classroom`, if there is one, for GitHub Classroom.
    """
    chosen = chosen_files(files)
    if not chosen:
        return 2
    try:
        checked = [check_apart(path, limits) for path in progress_bar(chosen, "checking")]
    except KeyboardInterrupt:
        return STOPPED
    if classroom is not None:
        from normlab.study.classroom import write_classroom

        write_classroom(classroom, checked)
    notices = {notice for each in checked for notice in keep_points_of(each)}
    if as_json:
        print(json.dumps([line for each in checked for line in each.as_json()], indent=1))
    else:
        print(report(checked))
    for message in (*(each.problem for each in checked), *notices):
        if message:
            print(message, file=sys.stderr)
    return 0 if all(each.passed for each in checked) else 1


def chosen_files(files: list[Path]) -> list[Path]:
    """`files`, or all exercises in work/; where there are none, what to do is said."""
    chosen = files or sorted((WORK / "exercises").glob("*.ipynb"))
    if not chosen:
        print(NOTHING.format(folder=WORK / "exercises"), file=sys.stderr)
    return chosen


def keep_points_of(checked: Checked) -> list[str]:
    """Keep the points of answers in work/ in the learner's record; return its notices."""
    if WORK not in checked.path.resolve().parents:
        return []
    return [*filter(None, map(keep_points, checked.diagnoses))]


def check_apart(path: Path, limits: Limits) -> Checked:
    """Check a file in a process of its own, so that no file disturbs the next."""
    answers: list[tuple[Diagnosis, str]] = []
    problem = ""
    try:
        for sent in apart(send_answers, path, limits=limits):
            if isinstance(sent, str):
                problem = sent
            else:
                answers.append(sent)
    except OutOfTime as error:
        used = f", {error} among them" if str(error) else ""
        problem = (
            f"{path} was not done after {limits.seconds:g} seconds{used}. It may need more: "
            f"normlab check --seconds {5 * limits.seconds:g}. Or is there a loop that never stops?"
        )
    except ProcessEnded as error:
        problem = f"{path} ended the process that ran it ({error})."
    except WorkFailed as error:
        problem = f"{path} could not be checked:\n{error}"
    return Checked(path, tuple(answers), problem)


def send_answers(send: Callable[[Any], None], path: Path) -> None:
    """In a process of its own: send each answer in a file, or why it cannot be read."""
    try:
        for answer in answers_in(path):
            send(answer)
    except UnreadableFile as error:
        send(str(error))


def report(checked: Iterable[Checked]) -> str:
    """A line for each function, then what is wrong with those that did not pass.

    The files are named where there are several.
    """
    checked = list(checked)
    rows = [(str(each.path), *row) for each in checked for row in _rows(each)]
    first = 0 if len({each.path for each in checked}) > 1 else 1
    columns = ("file", "exercise", "function", "result", "points", "mistakes")
    table = Table(columns[first:], [row[first:] for row in rows])
    below = [text for each in checked for text in _below(each, named=first == 0)]
    diagnoses = [diagnosis for each in checked for diagnosis in each.diagnoses]
    total = f"{sum(d.points for d in diagnoses)} of {sum(d.max_points for d in diagnoses)} points"
    return "\n\n".join([str(table), *below, total])


def _rows(checked: Checked) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        (d.exercise, d.function, d.verdict, f"{d.points} of {d.max_points}", ", ".join(d.mistakes))
        for d in checked.diagnoses
    ]
    return [*rows, ("", "", "✗ not checked", "", "")] if checked.problem else rows


def _below(checked: Checked, *, named: bool) -> list[str]:
    """What is wrong, below the name of the file if there are several."""
    found = ((str(d) if d.mistakes else "", note) for d, note in checked.answers)
    texts = [text for pair in found for text in pair if text]
    return [f"{checked.path}:", *texts] if named and texts else texts
