"""A learner's answers on the desk: read from the notebooks in work/, and put there beside them.

Answers from a file go to a notebook of their own, work/exercises/NAME-from-the-site.ipynb: the
exercise with the answers in it. No notebook that is there is written to.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from normlab.study import copies
from normlab.study.exchange.form import YEARS, WrittenAnswer, newest
from normlab.study.files import ASKED
from normlab.study.folders import EXERCISES, SHELVES

SHELF = next(shelf for shelf in SHELVES if shelf.name == "exercises")
FROM_SITE = "-from-the-site"
WRITTEN = "written"
"""In a cell's metadata: when its answer was written, which holds until it is changed."""


def desk_answers(work: Path) -> tuple[list[WrittenAnswer], list[str]]:
    """All answers that a learner began, and why some files could not be read.

    Args:
        work: the learner's folder.
    """
    answers, problems = [], []
    for exercise in ASKED:
        for path in _notebooks(work, exercise):
            try:
                answers += list(_answers_in(path, exercise))
            except (OSError, ValueError) as error:
                problems.append(f"{path} cannot be read, and is left out: {error}")
    begun = {_same(answer): answer for answer in answers if _same(answer) not in _stubs()}
    return list(begun.values()), problems


def put_beside(answers: Iterable[WrittenAnswer], work: Path) -> list[Path]:
    """Put the newest answer for each function on the desk, unless it is there; all or none.

    Returns:
        The notebooks that were made, one for each exercise with an answer that is new.

    Raises:
        OSError: if the folder cannot be written.
    """
    there = {_same(answer) for answer in desk_answers(work)[0]} | _stubs()
    by_exercise: dict[str, list[WrittenAnswer]] = defaultdict(list)
    for answer in newest(answers).values():
        by_exercise[answer.exercise].append(answer)
    made: list[Path] = []
    try:
        for exercise, own in by_exercise.items():
            if not all(_same(answer) in there for answer in own):
                made.append(_free_name(work, exercise))
                copies.write(_filled(exercise, own), made[-1])
    except OSError:
        take_back(made)
        raise
    return made


def take_back(made: Iterable[Path]) -> None:
    """Remove notebooks that were just made."""
    for path in made:
        path.unlink(missing_ok=True)


def _notebooks(work: Path, exercise: str) -> Iterator[Path]:
    folder = work / SHELF.place
    own = folder / f"{exercise}.ipynb"
    yield from filter(Path.exists, [own])
    yield from sorted(folder.glob(f"{exercise}{FROM_SITE}*.ipynb"))


def _free_name(work: Path, exercise: str) -> Path:
    path = work / SHELF.place / f"{exercise}{FROM_SITE}.ipynb"
    number = 1
    while path.exists():
        number += 1
        path = path.with_name(f"{exercise}{FROM_SITE}-{number}.ipynb")
    return path


def _answers_in(path: Path, exercise: str) -> Iterator[WrittenAnswer]:
    saved = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    if saved.year not in YEARS:  # a file whose time was lost
        saved = datetime.now(UTC)
    for function, cell in _answer_cells(copies.read(path), exercise):
        known = cell["metadata"].get(copies.OURS, {})
        same = WRITTEN in known and not copies.changed(cell)
        time = str(known[WRITTEN]) if same else saved.isoformat()
        yield WrittenAnswer(exercise, function, time, copies.source_of(cell))


def _answer_cells(notebook: copies.Notebook, exercise: str) -> Iterator[tuple[str, copies.Cell]]:
    for cell in notebook["cells"]:
        if (
            copies.is_answer(cell)
            and cell["metadata"]["nbgrader"].get("grade_id") in (ASKED[exercise])
        ):
            yield cell["metadata"]["nbgrader"]["grade_id"], cell


def _filled(exercise: str, answers: Sequence[WrittenAnswer]) -> copies.Notebook:
    """A copy of an exercise, as `normlab start` makes it, with answers in it."""
    course = copies.read(EXERCISES / f"{exercise}.ipynb")
    notebook = copies.prepared(course, SHELF.links)
    by_function: Mapping[str, WrittenAnswer] = {answer.function: answer for answer in answers}
    for function, cell in _answer_cells(notebook, exercise):
        if answer := by_function.get(function):
            cell["source"] = answer.source
            cell["metadata"][copies.OURS] |= {
                "source": copies.digest(answer.source),
                WRITTEN: answer.time,
            }
    return notebook


@cache
def _stubs() -> set[tuple[str, str, str]]:
    """What stands in the exercises before an answer is begun."""
    return {
        (exercise, function, copies.source_of(cell).strip())
        for exercise in ASKED
        for function, cell in _answer_cells(copies.read(EXERCISES / f"{exercise}.ipynb"), exercise)
    }


def _same(answer: WrittenAnswer) -> tuple[str, str, str]:
    """What two answers share that are one, whenever they were written."""
    return answer.exercise, answer.function, answer.source.strip()
