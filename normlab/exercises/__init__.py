"""The exercises: each one module of data. Looked up here by the names that a learner defines."""

import importlib
from functools import cache

from normlab.checks.exercise import Exercise

FUNCTIONS = {
    "layer_norm": ("layer_norm",),
}
"""Module of this package -> what the learner writes. A lookup loads one module only."""


@cache
def find_exercise(function: str) -> Exercise:
    """The exercise that asks for `function`.

    Raises:
        ValueError: if none does; the message lists what the exercises ask for.

    >>> find_exercise("layer_norm").name
    '01_layer_norm'
    """
    for module, functions in FUNCTIONS.items():
        if function in functions:
            return load_exercise(module)
    asked = ", ".join(name for functions in FUNCTIONS.values() for name in functions)
    raise ValueError(f"no exercise asks for {function!r}. The exercises ask for: {asked}.")


def load_exercise(module: str) -> Exercise:
    return importlib.import_module(f"normlab.exercises.{module}").EXERCISE


def all_exercises() -> list[Exercise]:
    """All of them, in order."""
    return [load_exercise(module) for module in FUNCTIONS]
