"""What a learner calls in a notebook: `check` and `hint`."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from normlab.checks import Diagnosis, Exercise, Hint, examine
from normlab.checks.silence import FirstCharacters, quiet, silent_descriptors
from normlab.exercises import find_exercise
from normlab.exercises.challenges.names import CHALLENGE_FUNCTIONS
from normlab.record import open_record
from normlab.study.said import Said

Answer = Callable[..., Any]
PRINTED = 300
"""Characters kept of what an answer prints while it is checked."""


def check(answer: Answer) -> Diagnosis | float | Said:
    """Check one of your answers, and name the mistake if it makes one.

    Which exercise it answers is known from its name. The points are kept in your record. While
    nbgrader grades, the diagnosis is printed and the points are returned, since nbgrader takes the
    number in which a cell ends for its points.

    Args:
        answer: the function or class itself, not its result: `check(layer_norm)`.

    Raises:
        TypeError: if `answer` is not a function or class.
        ValueError: if no exercise asks for a function of that name.

    >>> from normlab.norms import layer_norm
    >>> check(layer_norm)
    layer_norm  ✓ right, 4 of 4 points
    """
    name, exercise = asked(answer, "check")
    if missing := _without_triton(exercise, name):
        return missing
    diagnosis = diagnose(name, answer)
    if os.environ.get("NBGRADER_EXECUTION"):
        print(diagnosis)
        return diagnosis.points
    if notice := keep_points(diagnosis):
        print(notice)
    return diagnosis


def _without_triton(exercise: Exercise, name: str) -> Said | None:
    """What to say where there is no Triton, and not every system has it: nothing is wrong then.

    nbgrader takes what is no number for full points. So while it grades the error is raised.
    """
    try:
        exercise.question(name)
    except ModuleNotFoundError as error:
        if error.name != "triton" or os.environ.get("NBGRADER_EXECUTION"):
            raise
        return Said(error)
    return None


def diagnose(name: str, answer: Answer) -> Diagnosis:
    """The diagnosis of the answer to a question, with what the answer printed; `hint` goes by it.

    Raises:
        ValueError: if no exercise asks for a function of that name.
    """
    exercise = find_exercise(name)
    question = exercise.question(name)
    printed = FirstCharacters(PRINTED)
    with quiet(printed), silent_descriptors():
        diagnosis = examine(exercise, question, answer)
    _last[name] = replace(diagnosis, printed=(printed.text, printed.lines))
    return _last[name]


def keep_points(diagnosis: Diagnosis) -> str:
    """Keep the points in the learner's record; return what the learner should know of it."""
    d = diagnosis
    if not d.points:
        return ""
    with open_record() as record:
        return record.solved(d.exercise, d.function, d.points, d.max_points)


_last: dict[str, Diagnosis] = {}
_hints_given: Counter[tuple[str, str]] = Counter()


def hint(answer: Answer) -> Hint | Said:
    """The next hint for one of the exercises; each says more than the one before.

    There are hints for each level of a question. You get those of the level that your last check
    has explained.

    Args:
        answer: the function or class that the exercise asks for: `hint(layer_norm)`.

    Raises:
        TypeError, ValueError: as `check`.

    >>> from normlab.norms import layer_norm
    >>> print(hint(layer_norm))  # doctest: +ELLIPSIS
    layer_norm  hint 1 of 3 on the formula
    hint        Which axis holds ...
    """
    name, exercise = asked(answer, "hint")
    if missing := _without_triton(exercise, name):
        return missing
    question = exercise.question(name)
    level, said = next(iter(question.levels)), ""
    if last := _last.get(name):
        level = next((one.name for one in last.levels if not one.passed), level)
        said = last.faults[0].sentence if last.faults else ""
    hints = question.hints[level]
    number = min(_hints_given[name, level] + 1, len(hints))
    _hints_given[name, level] = number
    return Hint(name, level, number, len(hints), hints[number - 1], said)


def asked(answer: Any, caller: str) -> tuple[str, Exercise]:
    """The name of an answer, and the exercise that asks for it."""
    name = getattr(answer, "__name__", None)
    if not callable(answer):
        raise TypeError(
            f"{caller} was given {type(answer).__name__}; expected the function or class itself, "
            f"without brackets after its name: {caller}(layer_norm)."
        )
    if name is None:
        raise TypeError(
            f"{caller} was given a {type(answer).__name__}, an object without a name, and the "
            "exercise is known by the name; expected a function or class, such as "
            "def layer_norm(x, gamma, beta, eps=1e-5)."
        )
    if name in CHALLENGE_FUNCTIONS:
        raise ValueError(f"{name} is an open challenge without points: attempt({name}) scores it.")
    try:
        return str(name), find_exercise(name)
    except ValueError as error:
        raise ValueError(
            f"{error} It is the name that the function was defined with that counts, not that of "
            f"a variable: write it as def layer_norm(…), and call {caller}(layer_norm)."
        ) from None
