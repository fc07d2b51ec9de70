"""The chapters of the course, with their questions and exercises."""

from functools import cache

from normlab.exercises import all_exercises
from normlab.quizzes import load_questions
from normlab.study.overview import Chapter, Overview
from normlab.study.overview import my_progress as progress_in

TITLES = {
    "00": "Start here",
    "01": "Layer norm",
    "02": "Backward pass and geometry",
    "03": "Numerics",
    "04": "RMSNorm",
    "05": "Residual placement",
    "06": "Gradient flow",
    "07": "Training and warmup",
    "08": "DeepNorm",
    "09": "Beyond transformers",
    "10": "The same in other frameworks",
    "11": "Norms in the wild",
    "12": "The debate",
}
CHAPTER_OF = {
    "01_layer_norm": "01",
    "02_layer_norm_backward": "02",
    "03_rms_norm": "04",
    "04_residual_placement": "05",
    "05_gradient_flow": "06",
    "06_deepnorm": "08",
    "07_beyond_transformers": "09",
    "08_bug_museum": "08",
}
"""After which chapter each exercise can be solved."""


@cache
def course() -> tuple[Chapter, ...]:
    """All chapters in their order.

    >>> course()[1].title, list(course()[1].exercises)
    ('Layer norm', ['01_layer_norm'])
    """
    return tuple(_chapter(number, title) for number, title in TITLES.items())


def _chapter(number: str, title: str) -> Chapter:
    questions = [q.id for q in load_questions().values() if q.chapter == number]
    exercises = {
        exercise.name: {
            question.function: float(question.points) for question in exercise.questions
        }
        for exercise in all_exercises()
        if CHAPTER_OF[exercise.name] == number
    }
    return Chapter(number, title, questions, exercises)


def my_progress() -> Overview:
    """What you have read, predicted and solved, from your record on this machine.

    >>> my_progress().next_step()  # doctest: +ELLIPSIS
    '...'
    """
    return progress_in(course())
