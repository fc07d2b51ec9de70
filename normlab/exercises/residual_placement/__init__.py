"""Exercise 04: post-norm, pre-norm, and a pre-norm model with its final norm."""

from normlab.checks.exercise import Exercise
from normlab.exercises.residual_placement.post_norm import POST_NORM
from normlab.exercises.residual_placement.pre_norm import PRE_NORM
from normlab.exercises.residual_placement.transformer import TRANSFORMER

EXERCISE = Exercise("04_residual_placement", (POST_NORM, PRE_NORM, TRANSFORMER))
