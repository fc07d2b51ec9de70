"""The exercises by the names that a learner defines. A question is loaded when it is asked for."""

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec

from normlab.checks.exercise import Answer, Exercise, Question
from normlab.exercises.bug_museum.support import layer_norm
from normlab.exercises.one_kernel.support import interpreted_triton

MODULES: Mapping[str, Mapping[str, str]] = {
    "01_layer_norm": {"layer_norm": "layer_norm.question"},
    "02_layer_norm_backward": {
        "variance_gradient": "layer_norm_backward.steps",
        "mean_gradient": "layer_norm_backward.steps",
        "input_gradient": "layer_norm_backward.steps",
        "layer_norm_backward": "layer_norm_backward.question",
    },
    "03_rms_norm": {
        "rms_norm": "rms_norm.forward",
        "rms_norm_backward": "rms_norm.backward",
        "RMSNorm": "rms_norm.module",
    },
    "04_residual_placement": {
        "post_norm_step": "residual_placement.post_norm",
        "pre_norm_step": "residual_placement.pre_norm",
        "PreNormTransformer": "residual_placement.transformer",
    },
    "05_gradient_flow": {
        "layer_gradient_norms": "gradient_flow.gradients",
        "warmup_lr": "gradient_flow.warmup",
        "loglog_slope": "gradient_flow.slope",
    },
    "06_deepnorm": {
        "deepnorm_constants": "deepnorm.constants",
        "deepnorm_step": "deepnorm.step",
        "deepnorm_init_": "deepnorm.initialization",
    },
    "07_beyond_transformers": {
        "LayerNormLSTMCell": "beyond_transformers.lstm",
        "graph_layer_norm": "beyond_transformers.graph",
    },
    "08_bug_museum": {
        "annotated_layer_norm_failing_input": "bug_museum.unbiased_deviation",
        "annotated_layer_norm": "bug_museum.unbiased_deviation",
        "row_variance_failing_input": "bug_museum.single_pass_variance",
        "row_variance": "bug_museum.single_pass_variance",
        "layer_norm_dx_failing_input": "bug_museum.detached_deviation",
        "layer_norm_dx": "bug_museum.detached_deviation",
        "item_layer_norm_failing_input": "bug_museum.all_but_first",
        "item_layer_norm": "bug_museum.all_but_first",
        "pre_norm_linear_failing_input": "bug_museum.normed_residual",
        "pre_norm_linear": "bug_museum.normed_residual",
        "deepnorm_linear_failing_input": "bug_museum.alpha_on_branch",
        "deepnorm_linear": "bug_museum.alpha_on_branch",
        "exported_rms_norm_failing_input": "bug_museum.dropped_eps",
        "exported_rms_norm": "bug_museum.dropped_eps",
        "converted_rms_norm_failing_input": "bug_museum.doubled_one",
        "converted_rms_norm": "bug_museum.doubled_one",
        "half_layer_norm_failing_input": "bug_museum.half_statistics",
        "half_layer_norm": "bug_museum.half_statistics",
        "layer_norm_dgamma_failing_input": "bug_museum.rows_only",
        "layer_norm_dgamma": "bug_museum.rows_only",
        "cast_rms_norm_failing_input": "bug_museum.cast_before_gain",
        "cast_rms_norm": "bug_museum.cast_before_gain",
        "sharded_rms_norm_failing_input": "bug_museum.local_mean_square",
        "sharded_rms_norm": "bug_museum.local_mean_square",
    },
    "09_one_kernel": {"rms_norm_kernel": "one_kernel.question"},
}
"""Exercise -> what the learner writes -> the module that has the question, in `QUESTIONS`."""
NEEDED = {
    "torch": "PyTorch, which is not installed: run pip install 'normlab[course]'.",
    "triton": "Triton, which is not installed: run pip install 'normlab[kernels]', on Linux.",
}
"""Libraries that some questions need, and others do not."""
ONLY_WITH = {"09_one_kernel": "triton"}
"""Exercise -> the library without which nothing of it can be judged, and which not every system
has."""
FUNCTIONS = {exercise: tuple(modules) for exercise, modules in MODULES.items()}
SUPPORT: Mapping[str, Mapping[str, Answer]] = {
    "08_bug_museum": {"normlab.norms.layer_norm": layer_norm},
    "09_one_kernel": {"normlab.checks.interpreted_triton": interpreted_triton},
}


class Questions(Mapping[str, Question]):
    """The questions of an exercise by function, each loaded when it is first looked up.

    >>> Questions("05_gradient_flow")["warmup_lr"].points
    2
    """

    def __init__(self, exercise: str) -> None:
        self.modules = MODULES[exercise]

    def __getitem__(self, function: str) -> Question:
        return load_question(self.modules[function], function)

    def __iter__(self) -> Iterator[str]:
        return iter(self.modules)

    def __len__(self) -> int:
        return len(self.modules)


@cache
def load_question(module: str, function: str) -> Question:
    """The question of a module that asks for a function.

    Raises:
        ModuleNotFoundError: that says what to install, if the question needs a library of
            `NEEDED` that is not there.
    """
    try:
        loaded = importlib.import_module(f"normlab.exercises.{module}")
    except ModuleNotFoundError as error:
        if error.name not in NEEDED:
            raise
        needs = f"{function} is a question on {NEEDED[error.name]}"
        raise ModuleNotFoundError(needs, name=error.name) from None
    return next(question for question in loaded.QUESTIONS if question.function == function)


@cache
def load_exercise(name: str) -> Exercise:
    """The exercise of a notebook's name; none of its questions is loaded yet.

    Raises:
        ValueError: if there is none.

    >>> load_exercise("06_deepnorm").functions
    ('deepnorm_constants', 'deepnorm_step', 'deepnorm_init_')
    """
    if name not in MODULES:
        raise ValueError(f"{name!r} is no exercise; expected one of {', '.join(MODULES)}.")
    return Exercise(name, Questions(name), SUPPORT.get(name, {}))


def not_judged_here(name: str) -> str:
    """Why nothing of an exercise can be judged here; "" if it can.

    >>> not_judged_here("01_layer_norm")
    ''
    """
    library = ONLY_WITH.get(name)
    return f"{name} needs {NEEDED[library]}" if library and find_spec(library) is None else ""


def find_exercise(function: str) -> Exercise:
    """The exercise that asks for `function`.

    Raises:
        ValueError: if none does; the message lists what the exercises ask for.

    >>> find_exercise("layer_norm").name
    '01_layer_norm'
    """
    for name, functions in FUNCTIONS.items():
        if function in functions:
            return load_exercise(name)
    asked = ", ".join(name for functions in FUNCTIONS.values() for name in functions)
    raise ValueError(f"no exercise asks for {function!r}. The exercises ask for: {asked}.")


def all_exercises() -> list[Exercise]:
    """All of them, in order."""
    return [load_exercise(name) for name in MODULES]
