"""Exercise 08: six bugs of public code, written anew; each has a failing input and a repair."""

from normlab.checks.exercise import Exercise
from normlab.exercises.bug_museum import (
    all_but_first,
    alpha_on_branch,
    detached_deviation,
    normed_residual,
    single_pass_variance,
    unbiased_deviation,
)
from normlab.exercises.bug_museum.support import layer_norm

ROOMS = (
    unbiased_deviation,
    single_pass_variance,
    detached_deviation,
    all_but_first,
    normed_residual,
    alpha_on_branch,
)
"""One module per exhibit, in the order of the notebook."""

EXERCISE = Exercise(
    "08_bug_museum",
    tuple(question for room in ROOMS for question in (room.FAILING_INPUT, room.REPAIR)),
    support={"normlab.norms.layer_norm": layer_norm},
)
