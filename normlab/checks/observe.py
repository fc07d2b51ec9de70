"""Run an answer, and write down what can be seen from outside."""

import linecache
import os
import random
import re
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np

from normlab.checks.drivers import WrongReturn
from normlab.checks.exercise import Answer, Arguments, Driver, Outputs

OURS = Path(__file__).resolve().parents[1]
REAL = "biuf"
"""The kinds of dtypes that hold real numbers."""
LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))
INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]")
"""In the paths of libraries: an environment may use those of a user, or of another Python."""


@dataclass(frozen=True)
class Raised:
    """An exception, the learner's own line that led to it, and whether that line raised it.

    Its kind is the name of its class. What a learner raises and derives from ValueError is one.
    """

    kind: str
    message: str
    line: str | None
    by_learner: bool

    @property
    def by_statement(self) -> bool:
        """Whether the learner's line says `raise`: an error that was meant."""
        return bool(self.line and re.search(r"`raise\b", self.line))

    def __str__(self) -> str:
        first, *_ = self.message.splitlines() or ["(without a message)"]
        return f"{self.kind}: {first}" + (f", in {self.line}" if self.line else "")


@dataclass(frozen=True)
class Observation:
    """What one call did: outputs or an exception, and what it made of arguments that it changed.

    `outputs` holds NumPy arrays, strings and None only. `refused` is the name of what it called
    although a grader does not let it.
    """

    outputs: Outputs | None = None
    raised: Raised | None = None
    changed: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""


Respond: TypeAlias = Callable[[Arguments], Observation]
"""What an answer does on the arguments of its driver: done now, or recorded elsewhere."""


def observe(driver: Driver, answer: Answer, arguments: Arguments) -> Observation:
    """Call `answer` through `driver` on copies of the arguments."""
    given = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in arguments.items()}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            returned = driver(answer, **given)
        outputs = {printable(n): to_array(value, printable(n)) for n, value in returned.items()}
    except BaseException as error:  # a learner's own class may be of any kind
        if is_from_the_keyboard(error):
            raise
        return Observation(raised=_raised(error), changed=_changed(arguments, given))
    return Observation(outputs, changed=_changed(arguments, given))


def to_array(value: Any, name: str) -> Any:
    """`value` as an array of its own; strings and None stay.

    Raises:
        WrongReturn: if it is neither.
    """
    if value is None or isinstance(value, str):
        return value and printable(value)
    if hasattr(value, "detach"):  # a torch tensor, without importing torch for it
        value = value.detach().cpu()
        value = (value.float() if "bfloat16" in str(value.dtype) else value).numpy()
    try:
        array = np.array(value)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in REAL:
        seen = f"of dtype {array.dtype}" if isinstance(value, np.ndarray) else _type_of(value)
        raise WrongReturn(f"{name} is {seen}; expected real numbers.")
    return array


def _type_of(value: Any) -> str:
    return f"of type {type(value).__name__}"


def _changed(arguments: Arguments, given: Arguments) -> dict[str, Any]:
    """What was made of arrays that were changed; a text where they hold no real numbers now."""
    arrays = {k: v for k, v in arguments.items() if isinstance(v, np.ndarray)}
    changed = {k: given[k] for k, v in arrays.items() if not _identical(v, given[k])}
    return {
        k: v if v.dtype.kind in REAL else f"an array of dtype {v.dtype}" for k, v in changed.items()
    }


def _identical(before: np.ndarray, after: np.ndarray) -> bool:
    same_form = before.shape == after.shape and before.dtype == after.dtype
    return same_form and before.tobytes() == after.tobytes()


def _raised(error: BaseException) -> Raised:
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    by_learner = bool(files) and is_learners(files[-1])
    meant = by_learner and issubclass(type(error), ValueError)
    kind = ValueError if meant else type(error)
    return Raised(kind.__name__, message_of(error), own_line(error.__traceback__), by_learner)


def is_from_the_keyboard(error: BaseException) -> bool:
    """Whether somebody has pressed Ctrl-C: then no line of a learner raises it."""
    if type(error) is not KeyboardInterrupt:
        return False
    return not re.search(r"\braise\b", own_line(error.__traceback__) or "")


LONGEST_MESSAGE = 1000
LONGEST_LINE = 200


def printable(text: str) -> str:
    """The text as every terminal and file can hold it: a half of a surrogate pair becomes "?".

    >>> printable("a\\ud800b")
    'a?b'
    """
    return text.encode(errors="replace").decode()


def message_of(error: BaseException) -> str:
    """The first characters of an error's message; a learner's own error may fail to say one."""
    try:
        return printable(str(error)[:LONGEST_MESSAGE])
    except BaseException as another:
        return f"(its message cannot be shown: {type(another).__name__})"


def own_line(trace: TracebackType | None) -> str | None:
    """The innermost line that is neither in a library nor in normlab: its number and its start."""
    for frame, number in reversed(list(traceback.walk_tb(trace))):
        code = frame.f_code
        if is_learners(code.co_filename):
            line = linecache.getline(code.co_filename, number).strip()
            if line:
                shown = line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"
                return f"line {number} of `{code.co_name[:LONGEST_LINE]}`: `{shown}`"
    return None


def in_library(filename: str) -> bool:
    """Whether code of this file belongs to Python or to an installed library."""
    known = filename.startswith((*LIBRARIES, "<frozen", "<__array"))
    return known or INSTALLED.search(filename) is not None


@lru_cache(maxsize=1024)
def is_learners(filename: str) -> bool:
    """Whether code of this file is neither a library's nor normlab's."""
    return not in_library(filename) and OURS not in Path(filename).parents


def attempted(observation: Observation) -> bool:
    """Whether there is an answer at all: the unsolved exercise raises NotImplementedError."""
    raised = observation.raised
    return raised is None or raised.kind != "NotImplementedError" or not raised.by_learner


@contextmanager
def undisturbed() -> Iterator[None]:
    """What an answer may set for all is afterwards as it was: random numbers, how NumPy prints,
    the folder, and torch's modes."""
    drawn = random.getstate()
    drawn_by_numpy = np.random.get_state()  # noqa: NPY002 # answers may draw from the old generator
    printed = np.get_printoptions()
    folder, depth = Path.cwd(), sys.getrecursionlimit()
    try:
        with torch_undisturbed():
            yield
    finally:
        random.setstate(drawn)
        np.random.set_state(drawn_by_numpy)  # noqa: NPY002 # as above
        np.set_printoptions(**printed)
        os.chdir(folder)
        sys.setrecursionlimit(depth)


@contextmanager
def torch_undisturbed() -> Iterator[None]:
    """Leave torch as it is, if it is loaded at all: random numbers, threads, dtype and gradients.

    In between there is one thread: on a busy machine two make small calls far slower.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    threads, random_numbers = torch.get_num_threads(), torch.get_rng_state()
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(random_numbers)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
