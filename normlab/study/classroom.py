"""The points of a check for GitHub Classroom: what its autograding reporter reads.

Source: classroom-resources/autograding-grading-reporter, src/main.js and src/notify-classroom.js.
It sums the scores of all tests, and takes the greatest score from the whole.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from normlab.checks import Diagnosis
from normlab.checks.examiner import not_defined
from normlab.exercises import FUNCTIONS, find_exercise
from normlab.study.check_command import Checked

LARGEST = 100_000
"""Bytes of the results: they come to the reporter in a variable of the environment, and Linux
refuses one of 128 KiB."""
LENGTHS = (2000, 500, 100, 0)
"""Of the messages, as long as all fit."""


def write_classroom(output: Path, checked: Iterable[Checked]) -> None:
    """Add the line `result=…` to a file of outputs of a step, which GitHub names $GITHUB_OUTPUT."""
    whole = [*checked]
    for longest in LENGTHS:
        text = json.dumps(classroom_results(whole, longest), ensure_ascii=False)
        line = base64.b64encode(text.encode("utf-8", "replace"))
        if len(line) <= LARGEST:
            break
    with output.open("a", encoding="ascii") as file:
        file.write(f"result={line.decode()}\n")


def classroom_results(checked: Iterable[Checked], longest: int = LENGTHS[0]) -> dict[str, Any]:
    """The object: a test for each answer, also for those that the check did not come to.

    Args:
        checked: what came of each file.
        longest: characters of a message.
    """
    tests: list[dict[str, Any]] = []
    most, problems = 0.0, False
    for each in checked:
        missing = [*_not_reached(each)]
        tests += [_test(d, "pass" if d.passed else "fail", str(d), longest) for d in each.diagnoses]
        tests += [_test(d, "error", each.problem, longest) for d in missing]
        if each.problem and not missing:
            tests.append(_told(str(each.path), "error", 0, each.problem, longest))
        most += sum(diagnosis.max_points for diagnosis in (*each.diagnoses, *missing))
        problems |= bool(each.problem)
    passed = all(test["status"] == "pass" for test in tests)
    status = "error" if problems else "pass" if passed else "fail"
    return {"version": 1, "status": status, "max_score": most, "tests": tests}


def _not_reached(checked: Checked) -> Iterator[Diagnosis]:
    """What a file that did not run to its end asks for besides, by its answers or its name."""
    if not checked.problem:
        return
    stem = checked.path.stem
    exercises = {d.exercise for d in checked.diagnoses} or {e for e in FUNCTIONS if e in stem}
    done = {diagnosis.function for diagnosis in checked.diagnoses}
    for name in sorted(exercises & FUNCTIONS.keys()):
        for function in FUNCTIONS[name]:
            if function not in done:
                exercise = find_exercise(function)
                yield not_defined(exercise, exercise.question(function), "")


def _test(diagnosis: Diagnosis, status: str, message: str, longest: int) -> dict[str, Any]:
    name = f"{diagnosis.exercise}: {diagnosis.function}"
    return _told(name, status, diagnosis.points, message, longest)


def _told(name: str, status: str, score: float, message: str, longest: int) -> dict[str, Any]:
    return {
        "name": name,
        "status": status,
        "score": score,
        "message": "" if status == "pass" else message[:longest],
        "line_no": 0,
    }
