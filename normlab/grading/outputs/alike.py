"""Answers that are alike, as a table."""

from collections.abc import Sequence
from pathlib import Path

from normlab.grading.alike import Alike
from normlab.grading.outputs.tables import text, write_table

COLUMNS = ("group", "exercise", "function", "answer", "mistakes", "length", "student", "file")


def write_alike(path: Path, alike: Sequence[Alike]) -> None:
    """A row for each answer; those of one group are alike."""
    rows = (
        [
            *(str(number), each.exercise, each.function, each.kind, " ".join(each.mistakes)),
            *(str(each.length), text(student), text(file)),
        ]
        for number, each in enumerate(alike, 1)
        for student, file in each.answers
    )
    write_table(path, COLUMNS, rows)
