"""What an exhibit is, and how a failing input for it is judged.

An input fails a buggy function if it is valid and the right function gives something else there.
Many inputs do, so there is no reference: laws decide. Each law is one way to miss, and all of them
ask the same judge.
"""

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from normlab.checks.exercise import FORMULA, Answer, Law, Outputs, Question
from normlab.exercises.drivers.bug_museum import returned_arguments
from normlab.norms import FloatArray

CLEAR = 1e-3
"""The usual share of the greatest number of the right result that the results must differ by."""
CLEAR_IN_HALF = 0.02
"""The same where numbers are float16, whose rounding is 0.0005 for each step."""
MOST_NUMBERS = 1_000_000

Given: TypeAlias = Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Reason:
    """Why the buggy and the right function may agree.

    Args:
        name: short and stable: "two-axes".
        title: for the learner: "x has two axes".
        found: takes the arguments by name; returns what was found, with numbers, else None.
    """

    name: str
    title: str
    found: Callable[..., str | None]


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A function with a bug, beside the right one.

    Args:
        buggy: the function as shown in the notebook.
        right: the repaired one.
        shapes: what the shapes must be, in words.
        shapes_fit: takes the arguments by name; whether their shapes are so.
        reasons: why both may agree, most telling first.
        dtypes: in which the bug can be shown; other arrays are converted to float64.
        greatest: limit of the numbers' size, so that float64 rounds the right result well.
        zero: takes the arguments by name; the size below which a result counts as 0.
        clear: how much the results must differ, as a fraction of the greatest number of the right
            one; more than the rounding of a result in the least of `dtypes`.
    """

    buggy: Answer
    right: Answer
    shapes: str
    shapes_fit: Callable[..., bool]
    reasons: tuple[Reason, ...]
    dtypes: tuple[type[np.floating], ...] = (np.float64,)
    greatest: float = 1000.0
    zero: Callable[..., float] = lambda **given: 1e-6
    clear: float = CLEAR

    @property
    def function(self) -> str:
        return self.right.__name__

    @property
    def names(self) -> list[str]:
        """The arguments that a failing input must hold: those without a default."""
        parameters = inspect.signature(self.right).parameters.values()
        return [p.name for p in parameters if p.default is p.empty]


class Miss(NamedTuple):
    """Why an input is no failing input: the name of the law, and what was found."""

    name: str
    found: str


NO_ARGUMENTS: tuple[Given, ...] = ({},)
"""Of all laws, so that one call of the answer can serve them all."""
AGREE = "no-difference"
FORMAL = {
    "wrong-arguments": "these are not the arguments of the function",
    "wrong-numbers": "an argument does not hold numbers that can be used",
    "wrong-shapes": "the shapes do not fit",
    "right-function-fails": "the right function fails on this input, too",
}


def failing_input_question(exhibit: Exhibit, hints: tuple[str, str, str]) -> Question:
    """Asks for arguments on which the buggy function is wrong."""
    titles = (
        FORMAL
        | {reason.name: f"both functions agree: {reason.title}" for reason in exhibit.reasons}
        | {AGREE: "both functions agree on this input"}
    )
    laws = (
        Law(name, t, NO_ARGUMENTS, partial(_judge, exhibit, name)) for name, t in titles.items()
    )
    return Question(
        function=f"{exhibit.function}_failing_input",
        levels={FORMULA: 1},
        driver=returned_arguments,
        library_norms=True,
        hints={FORMULA: hints},
        laws=tuple(laws),
    )


def _judge(exhibit: Exhibit, name: str, outputs: Outputs) -> str | None:
    miss = judged(exhibit, outputs)
    return miss.found if miss and miss.name == name else None


def judged(exhibit: Exhibit, outputs: Outputs) -> Miss | None:
    """None if the input fails the buggy function, else why not."""
    if sorted(outputs) != sorted(exhibit.names):
        got, wanted = ", ".join(map(str, outputs)) or "none", ", ".join(exhibit.names)
        return Miss("wrong-arguments", f"The dict holds {got}; expected {wanted}.")
    for name, value in outputs.items():
        fault = _numbers_fault(exhibit, value)
        if fault:
            return Miss("wrong-numbers", f"{name} {fault}")
    given = {name: _converted(exhibit, value) for name, value in outputs.items()}
    if not exhibit.shapes_fit(**given):
        shapes = ", ".join(f"{name} {value.shape}" for name, value in given.items())
        return Miss("wrong-shapes", f"Got {shapes}; expected {exhibit.shapes}.")
    return _agreement(exhibit, given)


def _numbers_fault(exhibit: Exhibit, value: Any) -> str | None:
    if not isinstance(value, np.ndarray):
        return f"is {value!r}; expected an array or a number."
    held = (np.float32, np.float64, *exhibit.dtypes)
    if value.dtype.kind not in "iu" and value.dtype not in held:
        return f"is {value.dtype}; expected float64 or float32, so that rounding stays small."
    if not 1 <= value.size <= MOST_NUMBERS:
        return f"holds {value.size:,} numbers; expected 1 to {MOST_NUMBERS:,}."
    if not np.isfinite(value).all():
        return "holds NaN or inf; expected finite numbers, since these spoil a right function, too."
    if np.abs(value.astype(np.float64)).max() > exhibit.greatest:
        return (
            f"holds a number beyond ±{exhibit.greatest:,g}; expected smaller ones, which show the "
            "bug as well, and are not mistaken for rounding."
        )
    return None


def _converted(exhibit: Exhibit, value: FloatArray) -> FloatArray:
    return value if value.dtype in exhibit.dtypes else value.astype(np.float64)


def _agreement(exhibit: Exhibit, given: Given) -> Miss | None:
    """Why both functions give the same, if they do."""
    wide = {name: value.astype(np.float64) for name, value in given.items()}
    try:
        right = _quietly(exhibit.right, wide)
    except Exception as error:
        return Miss("right-function-fails", f"It raises {type(error).__name__}: {error}")
    if not np.isfinite(right).all():
        return Miss("right-function-fails", "It gives NaN or inf; expected finite results.")
    try:
        buggy = _quietly(exhibit.buggy, given)
    except Exception:  # to raise where the right function gives a result is a failure, too
        return None
    share = _difference(buggy, right, exhibit.zero(**wide))
    if share > exhibit.clear:
        return None
    measured = (
        f"They differ by {share:.2g} of the greatest number of the right result; expected more "
        f"than {exhibit.clear:g}."
    )
    for reason in exhibit.reasons:
        found = reason.found(**given)
        if found:
            return Miss(reason.name, f"{found} {measured}")
    return Miss(AGREE, measured)


def _quietly(function: Answer, given: Given) -> FloatArray:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return np.asarray(function(**given))


def _difference(buggy: FloatArray, right: FloatArray, zero: float) -> float:
    """max|buggy − right| / (max|right| + zero); inf where the shapes or NaN differ."""
    if buggy.shape != right.shape or not np.isfinite(buggy).all():
        return float("inf")
    return float(np.abs(buggy - right).max() / (np.abs(right).max() + zero))
