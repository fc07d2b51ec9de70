"""What a learner calls after ✓: `use` makes a chapter's own picture with the learner's code."""

import importlib
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from normlab.checks import examine
from normlab.exercises import find_exercise
from normlab.study.notebook import asked
from normlab.study.said import Said

if TYPE_CHECKING:  # matplotlib takes a second, which `from normlab import use` should not
    from normlab.pictures import Picture, Use

SHOWN = {
    ("layer_norm",): (
        "start_here",
        "the numbers in a transformer of 24 layers, without a norm and with your layer_norm",
    ),
    ("layer_norm_backward",): (
        "backward",
        "which directions of a gradient get through your backward pass, and which are lost",
    ),
    ("rms_norm",): (
        "rms_norm",
        "what leaves the output of your rms_norm as it was, beside layer norm and three others",
    ),
    ("RMSNorm",): ("rms_norm", "a small text model that is trained with your RMSNorm"),
    ("post_norm_step", "pre_norm_step"): (
        "residual_placement",
        "how the residual stream of 24 layers grows with either of your steps",
    ),
    ("layer_gradient_norms", "loglog_slope"): (
        "gradient_flow",
        "the gradient by layer and by depth in post-norm, pre-norm and DeepNorm, with your slopes",
    ),
    ("warmup_lr",): (
        "warmup",
        "a post-norm model of 6 layers that is trained with your warmup, and without one",
    ),
    ("deepnorm_constants", "deepnorm_step", "deepnorm_init_"): (
        "deepnorm",
        "the training of 24 layers with your DeepNorm, beside post-norm",
    ),
    ("LayerNormLSTMCell",): (
        "beyond_transformers",
        "an LSTM of your cell that learns to add, beside nn.LSTM",
    ),
    ("graph_layer_norm",): (
        "beyond_transformers",
        "the nodes of a graph after many layers with your graph_layer_norm in both modes",
    ),
    ("rms_norm_kernel",): (
        "one_kernel",
        "what your kernel reads and writes, beside one operation at a time",
    ),
}
"""Answers that are used together -> the chapter whose `uses.USES` uses them, and what it shows."""


def use(*answers: Callable[..., Any]) -> "Picture | Said":
    """Use your answers: a picture of the course, made by your code.

    It runs nothing before `check` says ✓ of each: then it says what will be shown. Nor does it
    run while nbgrader grades.

    Args:
        answers: the functions or classes themselves: `use(layer_norm)`.

    Raises:
        TypeError: if one of them is not a function or class.
        ValueError: if they are not used together; the message lists what is.

    >>> def layer_norm(x, gamma, beta, eps=1e-5):
    ...     raise NotImplementedError
    >>> use(layer_norm)  # doctest: +ELLIPSIS
    Once check(layer_norm) says ✓, use(layer_norm) shows the numbers in a transformer of ...
    """
    given = {asked(answer, "use")[0]: answer for answer in answers}
    names = _used_together(given)
    chapter, shows = SHOWN[names]
    grading = os.environ.get("NBGRADER_EXECUTION")
    try:
        missing = [name for name in names if grading or not is_right(name, given[name])]
    except ModuleNotFoundError as error:
        return Said(error)
    if missing:
        *others, last = (f"check({name})" for name in missing)
        checks = " and ".join(filter(None, [", ".join(others), last]))
        says = "says" if len(missing) == 1 else "say"
        return Said(f"Once {checks} {says} ✓, use({', '.join(names)}) shows {shows}.")
    try:
        import torch
    except ModuleNotFoundError:
        return Said(f"use({', '.join(names)}) needs torch: run pip install 'normlab[course]'.")
    from normlab.tools.timing import one_thread

    use_of: Use = importlib.import_module(f"normlab.chapters.{chapter}.uses").USES[names]
    with one_thread(), torch.random.fork_rng(devices=[]):
        return use_of.picture(*(given[name] for name in names))


def _used_together(given: Iterable[str]) -> tuple[str, ...]:
    for names in SHOWN:
        if set(names) == set(given):
            return names
    known = ", ".join(f"use({', '.join(names)})" for names in SHOWN)
    raise ValueError(f"got use({', '.join(given)}); expected one of {known}.")


def is_right(name: str, answer: Callable[..., Any]) -> bool:
    """Whether `check` says ✓ of an answer."""
    exercise = find_exercise(name)
    return examine(exercise, exercise.question(name), answer).passed
