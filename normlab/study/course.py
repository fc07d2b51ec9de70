"""The chapters of the course as work to do: their questions and exercises."""

from functools import cache

from normlab.chapters.course import Chapter, chapters, find_chapter
from normlab.checks import Exercise
from normlab.exercises import load_exercise
from normlab.exercises.catalogue import NEEDED
from normlab.study.overview import ChapterWork, Overview
from normlab.study.overview import my_progress as progress_in
from normlab.study.quiz import load_questions


@cache
def course() -> tuple[ChapterWork, ...]:
    """All chapters in their order.

    >>> course()[1].title, list(course()[1].exercises)
    ('Layer norm', ['01_layer_norm'])
    """
    return tuple(map(_work, chapters()))


def _work(chapter: Chapter) -> ChapterWork:
    questions = [q for q in load_questions().values() if q.chapter == chapter.number]
    exercises = {name: _points(load_exercise(name)) for name in chapter.exercises}
    return ChapterWork(chapter.number, chapter.title, questions, exercises)


def _points(exercise: Exercise) -> dict[str, float]:
    """Points by function; where a library is missing, of the questions that do not need it."""
    points = {}
    for function in exercise.functions:
        try:
            points[function] = float(exercise.question(function).points)
        except ModuleNotFoundError as error:
            if error.name not in NEEDED:
                raise
    return points


def my_progress(chapter: str = "") -> Overview:
    """What you have read, predicted and solved, and what surprised you, from your record.

    Args:
        chapter: the number of one chapter, such as "01"; of all, if none is given.

    Raises:
        ValueError: if there is no such chapter.

    >>> my_progress("01").next_step()  # doctest: +ELLIPSIS
    '...'
    """
    if chapter:
        find_chapter(chapter)
    return progress_in([work for work in course() if chapter in ("", work.number)])
