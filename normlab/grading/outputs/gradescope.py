"""One `results.json` for each student, in the format that Gradescope reads.

Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

import json
from pathlib import Path
from typing import Any

from normlab.grading.marks import ExerciseMarks, Mark, StudentMarks
from normlab.grading.outputs.by_hand import on_answer, on_exercise
from normlab.grading.outputs.numbers import number
from normlab.tools.whole_files import written_whole


def write_results(path: Path, student: StudentMarks) -> None:
    with written_whole(path) as unfinished:
        text = json.dumps(results(student), ensure_ascii=False, indent=1)
        unfinished.write_text(text + "\n", encoding="utf-8", errors="replace")


def results(student: StudentMarks) -> dict[str, Any]:
    """The object: a test for each question, and the score with lateness taken off."""
    return {
        "score": round(student.points, 4),
        "output": "\n".join(_remarks(student)),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            test
            for number_, exercise in enumerate(student.exercises, 1)
            for test in _tests(number_, exercise)
        ],
        "extra_data": {"student": student.student},
    }


def _tests(number_: int, exercise: ExerciseMarks) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{exercise.exercise}: {mark.diagnosis.function}",
            "number": f"{number_}.{i}",
            "score": round(mark.points, 4),
            "max_score": round(mark.most, 4),
            "status": "passed" if mark.passed else "failed",
            "output": "\n".join([*_by_hand(mark), str(mark.scaled())]),
            "output_format": "text",
            "visibility": "visible",
            "tags": mark.diagnosis.mistakes,
        }
        for i, mark in enumerate(exercise.marks, 1)
    ]


def _by_hand(mark: Mark) -> list[str]:
    return [f"{label}: {text}" for label, text in on_answer(mark)]


def _remarks(student: StudentMarks) -> list[str]:
    """What is to be said of the whole."""
    remarks = [f"{number(student.points)} of {number(student.most)} points."]
    for exercise in student.exercises:
        remarks += [f"{exercise.exercise}: {remark}" for remark in remarks_on(exercise)]
    return remarks


def remarks_on(exercise: ExerciseMarks) -> list[str]:
    """What a student should know of an exercise, beside the diagnoses."""
    if exercise.graded is None:
        return [f"not graded yet: {exercise.trouble}. Ask your teacher."]
    remarks = [exercise.graded.problem] if exercise.graded.problem else []
    if exercise.days_late:
        days = f"{exercise.days_late} day{'s' if exercise.days_late > 1 else ''}"
        remarks.append(f"handed in {days} late: {100 * exercise.share:.0f} % of the points count.")
    return [*remarks, *on_exercise(exercise), *exercise.graded.notes]
