"""Exercise 06: DeepNorm's constants, its step, and its initialization."""

from normlab.checks.exercise import Exercise
from normlab.exercises.deepnorm.constants import CONSTANTS
from normlab.exercises.deepnorm.initialization import INITIALIZATION
from normlab.exercises.deepnorm.step import STEP

EXERCISE = Exercise("06_deepnorm", (CONSTANTS, STEP, INITIALIZATION))
