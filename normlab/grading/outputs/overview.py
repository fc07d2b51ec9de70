"""One page for the teacher: who has solved what, and which mistakes the class makes."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from normlab.grading.confined.level import Level
from normlab.grading.marks import Mark, StudentMarks
from normlab.grading.outputs.pages import page, table
from normlab.grading.outputs.tables import Questions, number
from normlab.tools.whole_files import written_whole

COLUMNS = """<style>
.map td, .map th { padding: .15rem .4rem; border: 1px solid var(--line); }
.map th { font-weight: normal; vertical-align: bottom; } .map td { text-align: center; }
.map th span { writing-mode: vertical-rl; rotate: 180deg; }
.right { background: #2b8a5e55; } .wrong { background: #c2473d55; } .none { color: var(--none); }
.counted { white-space: nowrap; }
.count { display: inline-block; height: .7rem; background: var(--wrong); margin-right: .5rem; }
</style>"""
SIGNS = {"right": "✓", "wrong": "✗", "none": "○"}


def write_overview(
    path: Path,
    students: Callable[[], Iterator[StudentMarks]],
    asked: Questions,
    folder_of: Callable[[str], str],
    levels: Sequence[Level],
) -> None:
    """Write the page.

    Args:
        path: of the page.
        students: the marks of all, each time it is called.
        asked: the questions.
        folder_of: the folder of a student's feedback, from the page's folder.
        levels: of confinement in the last run that graded anything.
    """
    parts = (_map(students(), asked, folder_of), _mistakes(students()), _confinement(levels))
    with written_whole(path) as unfinished:
        unfinished.write_text(page("The class", COLUMNS, *parts), encoding="utf-8")


def _map(
    students: Iterator[StudentMarks], asked: Questions, folder_of: Callable[[str], str]
) -> str:
    """A row for each student, a column for each question."""
    functions = [(exercise, f) for exercise, questions in asked.items() for f, _ in questions]
    exercises = "".join(
        f'<th scope="colgroup" colspan="{len(questions)}"><span>{escape(exercise)}</span></th>'
        for exercise, questions in asked.items()
    )
    heads = "".join(f'<th scope="col"><span>{escape(f)}</span></th>' for _, f in functions)
    rows = (_row(student, functions, folder_of(student.student)) for student in students)
    legend = "<p>✓ right, ✗ not yet, ○ not attempted; empty: not handed in or not graded.</p>"
    return (
        f'{legend}<table class="map"><thead><tr><td rowspan="2"></td>'
        f'<th scope="col" rowspan="2">points</th>{exercises}</tr><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(student: StudentMarks, functions: list[tuple[str, str]], folder: str) -> str:
    kinds = {
        (exercise.exercise, mark.diagnosis.function): _kind(mark)
        for exercise in student.exercises
        for mark in exercise.marks
    }
    cells = (
        f'<td class="{kind}">{SIGNS[kind]}</td>' if (kind := kinds.get(each)) else "<td></td>"
        for each in functions
    )
    link = f'<a href="{quote(folder)}/feedback.html">{escape(student.student)}</a>'
    points = f"{number(student.points)} of {number(student.most)}"
    return f'<tr><th scope="row">{link}</th><td>{points}</td>{"".join(cells)}</tr>'


def _kind(mark: Mark) -> str:
    return "right" if mark.diagnosis.passed else "wrong" if mark.diagnosis.attempted else "none"


def count_mistakes(students: Iterator[StudentMarks]) -> Counter[tuple[str, str, str]]:
    """How often (function, mistake, title) was made."""
    return Counter(
        (mark.diagnosis.function, fault.name, fault.title if _is_ours(fault.name) else "")
        for student in students
        for exercise in student.exercises
        for mark in exercise.marks
        for fault in mark.diagnosis.faults
    )


def _is_ours(name: str) -> bool:
    """Whether the title is the same for everybody; an exception's has the student's words."""
    return name not in ("raises", "wrong-return", "wrong-shape", "dtype-lost", "input-mutated")


def _mistakes(students: Iterator[StudentMarks]) -> str:
    counts = count_mistakes(students).most_common(40)
    if not counts:
        return ""
    longest = counts[0][1]
    rows = "".join(
        f'<tr><td>{escape(function)}</td><td>{escape(title or name)}</td><td class="counted">'
        f'<span class="count" style="width: {12 * n / longest:.2f}rem"></span>{n}</td></tr>'
        for (function, name, title), n in counts
    )
    return f"<h2>Mistakes</h2><table>{rows}</table>"


def _confinement(levels: Sequence[Level]) -> str:
    if not levels:
        return ""
    rows = [
        (level.name, f"{'✓' if level.active else 'MISSING:'} {level.detail}") for level in levels
    ]
    return f"<h2>How the code was confined</h2>{table(rows)}"
