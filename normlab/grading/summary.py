"""What a run of `normlab grade` says in the terminal."""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from normlab.grading.changes import Changes
from normlab.grading.collect import Collection
from normlab.grading.confined.level import Level
from normlab.grading.marks import StudentMarks
from normlab.grading.outputs.numbers import number
from normlab.grading.outputs.overview import count_mistakes
from normlab.grading.outputs.pages import kind_of
from normlab.tools.table import Table

COLUMNS = 80


def what_is_there(collection: Collection, root: Path) -> str:
    """What was recognised, and what was not; the first line says what the whole is."""
    students = len(collection.students)
    said = f"{root} is {collection.said}" if collection.said else str(root)
    parts = [f"{said}: {students} student{'s' if students != 1 else ''}"]
    if collection.submissions:
        parts.append(str(collection.table()))
    if collection.others:
        parts.append(str(collection.reasons()))
    return "\n\n".join(parts) + "\n"


def what_cannot_be_assigned(collection: Collection) -> str:
    """The files and students that somebody has to look after."""
    number = len(collection.troubles)
    alike: dict[tuple[str, str], list[str]] = {}
    for trouble in collection.troubles:
        alike.setdefault((trouble.reason, trouble.mend), []).append(trouble.what)
    lines = [f"{number} thing{'s' if number > 1 else ''} to look after:", ""]
    for (reason, mend), what in alike.items():
        lines += [fill(f"{', '.join(what)}:"), fill(reason, 4), fill(f"→ {mend}", 4)]
    return "\n".join([*lines, ""])


def fill(text: str, indent: int = 0) -> str:
    """A text in lines of at most 80 characters; names of files stay whole."""
    margin = " " * indent
    return textwrap.fill(
        text,
        COLUMNS,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def confinement(levels: Sequence[Level]) -> str:
    """The levels in one line, and a warning for each that is missing."""
    line = ", ".join(f"{level.name} {'✓' if level.active else 'MISSING'}" for level in levels)
    warnings = [
        f"WARNING: {level.name} is missing. {level.detail}" for level in levels if not level.active
    ]
    return "\n".join([f"Confinement: {line}", *warnings])


def summary(students: Callable[[], Iterator[StudentMarks]]) -> str:
    """How each question went, and the mistake that was made most."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for student in students():
        for exercise in student.exercises:
            for mark in exercise.marks:
                d = mark.diagnosis
                counts[d.exercise, d.function, kind_of(mark)] += 1
    mistakes = count_mistakes(students()).most_common()
    rows = []
    asked = list(dict.fromkeys((name, function) for name, function, _ in counts))
    for name, function in sorted(asked, key=lambda pair: (pair[0], asked.index(pair))):
        made = next((f"{mistake} ({n})" for (f, mistake, _), n in mistakes if f == function), "")
        numbers = [counts[name, function, each] for each in ("right", "partly", "wrong", "none")]
        rows.append([name, function, *numbers, made])
    kinds = ("right", "partly", "wrong", "missing")
    columns = ("exercise", "function", *kinds, "most frequent mistake")
    return str(Table(columns, rows))


def what_changed(changes: Changes) -> str:
    """How many answers have other points than in the last run, and who has fewer in all.

    Whole lines; none after the first run.
    """
    if changes.first:
        return ""
    counts = changes.counts()
    if not counts:
        return "Since the last run no points have changed.\n"
    said = [f"{counts[kind]} {words}" for kind, words in IN_WORDS.items() if counts[kind]]
    lines = [f"Since the last run, by answer: {', '.join(said)}; changes.csv names them."]
    if changes.fallen:
        names = (f"{s} ({number(before)} → {number(now)})" for s, before, now in changes.fallen)
        lines.append(f"Fewer points than before: {', '.join(names)}.")
    return "".join(f"{line}\n" for line in lines)


IN_WORDS = {
    "up": "with more points",
    "down": "with fewer points",
    "new": "new",
    "gone": "gone",
}
