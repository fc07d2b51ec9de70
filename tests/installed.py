"""What can be tested here: Triton is not there on every system, and one exercise needs it."""

from importlib.util import find_spec

import pytest

from normlab.exercises import FUNCTIONS, all_exercises

HAS_TRITON = find_spec("triton") is not None
needs_triton = pytest.mark.skipif(not HAS_TRITON, reason="Triton is not installed here")
LEFT_OUT = () if HAS_TRITON else ("09_one_kernel",)
HERE = {name: functions for name, functions in FUNCTIONS.items() if name not in LEFT_OUT}
"""Exercise -> what it asks for, of those that can be judged here."""


def exercises_here():
    return [exercise for exercise in all_exercises() if exercise.name in HERE]
