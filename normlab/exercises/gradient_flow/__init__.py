"""Exercise 05: gradients by layer, warmup, and the slope of a power law."""

from normlab.checks.exercise import Exercise
from normlab.exercises.gradient_flow.gradients import GRADIENTS
from normlab.exercises.gradient_flow.slope import SLOPE
from normlab.exercises.gradient_flow.warmup import WARMUP

EXERCISE = Exercise("05_gradient_flow", (GRADIENTS, WARMUP, SLOPE))
