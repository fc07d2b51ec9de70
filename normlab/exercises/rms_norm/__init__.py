"""Exercise 03: RMSNorm in NumPy, forward and backward, and as a module of torch."""

from normlab.checks.exercise import Exercise
from normlab.exercises.rms_norm.backward import BACKWARD
from normlab.exercises.rms_norm.forward import FORWARD
from normlab.exercises.rms_norm.module import MODULE

EXERCISE = Exercise("03_rms_norm", (FORWARD, BACKWARD, MODULE))
