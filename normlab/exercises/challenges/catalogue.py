"""The open challenges by the function that a learner writes."""

from collections.abc import Mapping

from normlab.exercises.challenges.challenge import Budget, Challenge
from normlab.exercises.challenges.deep_layers import attempt_change, read_change, say_change
from normlab.exercises.challenges.names import DEEP_LAYERS, POST_NORM
from normlab.exercises.challenges.post_norm import attempt_post_norm, read_recipe, say_recipe

SEEDS = 0, 1, 2

_ALL = (
    Challenge(
        POST_NORM,
        "Make 24-layer post-norm train without touching the norm",
        rules=1,
        read=read_recipe,
        say=say_recipe,
        measure=attempt_post_norm,
        budget=Budget(24, 120, SEEDS),
    ),
    Challenge(
        DEEP_LAYERS,
        "The smallest change that makes pre-norm's deep layers matter",
        rules=1,
        read=read_change,
        say=say_change,
        measure=attempt_change,
        budget=Budget(24, 200, SEEDS),
    ),
)
CHALLENGES: Mapping[str, Challenge] = {challenge.function: challenge for challenge in _ALL}


def find_challenge(function: str) -> Challenge:
    """The challenge that asks for a function.

    Raises:
        ValueError: if none does; the message lists what they ask for.

    >>> find_challenge("pre_norm_change").title
    "The smallest change that makes pre-norm's deep layers matter"
    """
    if function not in CHALLENGES:
        raise ValueError(
            f"no challenge asks for {function!r}; expected one of {', '.join(CHALLENGES)}."
        )
    return CHALLENGES[function]
