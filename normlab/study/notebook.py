"""What a learner calls in a notebook: `check` and `hint`."""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from normlab.checks import Diagnosis, examine
from normlab.exercises import find_exercise
from normlab.record import open_record
from normlab.study.said import Said

Answer = Callable[..., Any]


class WrongAnswer(AssertionError):
    """Raised by `check` while nbgrader grades: nbgrader gives points to cells that do not raise."""


def check(answer: Answer) -> Diagnosis:
    """Check one of your answers, and name the mistake if it makes one.

    Which exercise it answers is known from its name. A right answer is kept in your record.

    Args:
        answer: the function or class itself, not its result: `check(layer_norm)`.

    Raises:
        TypeError: if `answer` is not a function or class.
        ValueError: if no exercise asks for a function of that name.

    >>> from normlab.norms import layer_norm
    >>> check(layer_norm)
    layer_norm  ✓ right, 4 of 4 points
    """
    name = _name(answer, "check")
    exercise = find_exercise(name)
    diagnosis = examine(exercise, exercise.question(name), answer)
    if os.environ.get("NBGRADER_EXECUTION"):
        if not diagnosis.passed:
            raise WrongAnswer(f"\n{diagnosis}")
    elif notice := keep_solved(diagnosis):
        print(notice)
    return diagnosis


def keep_solved(diagnosis: Diagnosis) -> str:
    """Keep a right answer in the learner's record; return what the learner should know of it."""
    d = diagnosis
    if not d.passed:
        return ""
    with open_record() as record:
        return record.solved(d.exercise, d.function, d.points, d.max_points)


_hints_given: Counter[str] = Counter()


def hint(answer: Answer) -> Said:
    """The next of the three hints for one of the exercises; each says more than the one before.

    Args:
        answer: the function or class that the exercise asks for: `hint(layer_norm)`.

    Raises:
        TypeError, ValueError: as `check`.

    >>> from normlab.norms import layer_norm
    >>> print(hint(layer_norm))  # doctest: +ELLIPSIS
    Hint 1 of 3: Which axis holds the features of one token? ...
    """
    name = _name(answer, "hint")
    hints = find_exercise(name).question(name).hints
    number = min(_hints_given[name] + 1, len(hints))
    _hints_given[name] = number
    return Said(f"Hint {number} of {len(hints)}: {hints[number - 1]}")


def _name(answer: Any, caller: str) -> str:
    name = getattr(answer, "__name__", None)
    if not callable(answer) or name is None:
        raise TypeError(
            f"{caller} was given {type(answer).__name__}; expected the function or class itself, "
            f"without brackets after its name: {caller}(layer_norm)."
        )
    return str(name)
