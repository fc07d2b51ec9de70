"""Grade one paper, in two steps: its first process starts; then it is judged."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial

from normlab.checks.cells import Cell, UnreadableFile, notebook_cells, python_cells
from normlab.checks.diagnosis import Diagnosis
from normlab.checks.examiner import not_defined
from normlab.checks.exercise import Exercise
from normlab.checks.obstacles import in_the_way, is_unanswered, set_aside
from normlab.exercises import load_exercise
from normlab.grading.layout import Layout, fingerprint, lay_out, released
from normlab.grading.net import notes_of
from normlab.grading.paper import Graded, Paper, Setting
from normlab.grading.paper_runs import Begun, Outcome, PaperRuns
from normlab.grading.questions import Questions
from normlab.grading.runs import Start


def grade(paper: Paper, setting: Setting, start: Start) -> Graded:
    """What the checks say of each answer in a paper."""
    return begin(paper, setting, start)(False)


def begin(paper: Paper, setting: Setting, start: Start) -> Callable[[bool], Graded]:
    """Start a paper's first run, whose process works while nobody listens.

    Args:
        paper: to be graded.
        setting: how.
        start: where its runs start.

    Returns:
        what goes on from there, to what `grade` returns, and is told whether another paper was, or
        still is, under way beside this one.
    """
    exercise = load_exercise(paper.exercise)
    try:
        cells = _cells(paper)
    except UnreadableFile as error:
        missing = (not_defined(exercise, question, "") for question in exercise.questions)
        unreadable = Graded(exercise.name, tuple(missing), problem=str(error))
        return lambda beside: unreadable
    layout = lay_out(cells, exercise)
    runs = PaperRuns(questions_of(exercise, setting.seed), layout, setting, start)
    return partial(_finish, paper, cells, runs, runs.begin(runs.by_permission()[0]))


def _finish(paper: Paper, cells: list[Cell], runs: PaperRuns, begun: Begun, beside: bool) -> Graded:
    exercise, layout = runs.questions.exercise, runs.layout
    first, found = replace(runs, beside=beside).diagnoses(begun)
    diagnoses = tuple(found[question.function] for question in exercise.questions)
    return Graded(
        exercise.name,
        diagnoses,
        notes=(
            *(*notes_of(diagnoses), *layout.notes, *_notes(first, layout)),
            *_in_the_way(paper, cells, diagnoses),
        ),
        printed=first.talk.printed,
    )


def _cells(paper: Paper) -> list[Cell]:
    if paper.problem:
        raise UnreadableFile(paper.problem)
    name = f"{paper.exercise}{paper.suffix}"
    if paper.suffix == ".ipynb":
        return notebook_cells(name, paper.content)
    return python_cells(name, paper.content)


def _notes(first: Outcome, layout: Layout) -> Iterator[str]:
    """What went wrong in the first run, but for cells that are as they were handed out."""
    if first.fault is not None:
        yield f"All in one run, {first.fault.title}. Each answer was then run by itself."
    for i, error in first.talk.errors:
        if fingerprint(layout.cells[i]) not in released(first.exercise).cells:
            yield f"{layout.cells[i].name}: {error}"


def _in_the_way(paper: Paper, cells: list[Cell], diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Why what was not attempted may yet seem to be answered."""
    missing = [d.function for d in diagnoses if is_unanswered(d)]
    notebook = paper.suffix == ".ipynb" and missing
    aside = set_aside(paper.exercise, paper.content) if notebook else {}
    asked = {d.function for d in diagnoses}
    own = [cell for cell in cells if fingerprint(cell) not in released(paper.exercise).answers]
    yield from filter(None, (in_the_way(name, own, aside, asked) for name in missing))


@lru_cache(maxsize=16)
def questions_of(exercise: Exercise, seed: int) -> Questions:
    return Questions(exercise, seed)
