"""What can be tested here: Triton is not there on every system, and one exercise needs it."""

from importlib.util import find_spec

import pytest

from normlab.exercises import FUNCTIONS, all_exercises, not_judged_here

HAS_TRITON = find_spec("triton") is not None
needs_triton = pytest.mark.skipif(not HAS_TRITON, reason="Triton is not installed here")
HERE = {name: asked for name, asked in FUNCTIONS.items() if not not_judged_here(name)}
"""Exercise -> what it asks for, of those that can be judged here."""


def exercises_here():
    return [exercise for exercise in all_exercises() if exercise.name in HERE]
