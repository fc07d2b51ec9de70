"""The exercises: each one module of data. Looked up here by the names that a learner defines."""

import importlib
from functools import cache

from normlab.checks.exercise import Exercise

FUNCTIONS = {
    "layer_norm": ("layer_norm",),
    "layer_norm_backward": ("layer_norm_backward",),
    "rms_norm": ("rms_norm", "rms_norm_backward", "RMSNorm"),
    "residual_placement": ("post_norm_step", "pre_norm_step", "PreNormTransformer"),
    "gradient_flow": ("layer_gradient_norms", "warmup_lr", "loglog_slope"),
    "deepnorm": ("deepnorm_constants", "deepnorm_step", "deepnorm_init_"),
    "beyond_transformers": ("LayerNormLSTMCell", "graph_layer_norm"),
    "bug_museum": (
        "annotated_layer_norm_failing_input",
        "annotated_layer_norm",
        "row_variance_failing_input",
        "row_variance",
        "layer_norm_dx_failing_input",
        "layer_norm_dx",
        "item_layer_norm_failing_input",
        "item_layer_norm",
        "pre_norm_linear_failing_input",
        "pre_norm_linear",
        "deepnorm_linear_failing_input",
        "deepnorm_linear",
    ),
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
