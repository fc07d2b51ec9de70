"""What has changed since the last run, as a table."""

from pathlib import Path

from normlab.grading.changes import Changes
from normlab.grading.outputs.numbers import number
from normlab.grading.outputs.tables import text, write_table

COLUMNS = ("student", "exercise", "function", "before", "now", "change")


def write_changes(path: Path, changes: Changes) -> None:
    """A row for each answer whose points are others than in the last run."""
    points = (
        ["" if value is None else number(value) for value in (change.before, change.now)]
        for change in changes.changes
    )
    rows = (
        [text(c.student), c.exercise, c.function, *numbers, c.kind]
        for c, numbers in zip(changes.changes, points, strict=True)
    )
    write_table(path, COLUMNS, rows)
