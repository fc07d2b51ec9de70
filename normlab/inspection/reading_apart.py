"""A stranger's model, read in a process of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Any

from torch import nn
from tqdm import tqdm

from normlab.inspection.depth import depth_profile
from normlab.inspection.depth_loss import mean_square
from normlab.inspection.guessed_inputs import inspect_alone
from normlab.inspection.inspecting import inspect as inspect_model
from normlab.inspection.model_depth import ModelDepth
from normlab.inspection.preparing import NotInspectable
from normlab.inspection.report import Report
from normlab.inspection.small_models import small_model
from normlab.inspection.targets import Built, CannotRead, build, find, own_line, parse_target
from normlab.tools.apart import Limits, OutOfTime, ProcessEnded, WorkFailed, apart

OUT_OF_MEMORY = ("can't allocate memory", "cannot allocate memory", "bad_alloc")


@dataclass(frozen=True)
class Asked:
    """What to read.

    Attributes:
        name: a target, or a model type or config.json of transformers.
        of_transformers: whether it is one of the latter.
        loss: a target that takes the model's output, or "mean-square"; "" measures no depth.
        steps: after how many training steps depth is measured once more.
    """

    name: str
    of_transformers: bool
    loss: str = ""
    steps: int = 0


@dataclass(frozen=True)
class Read:
    """What was read, and what was taken as inputs; "" if they came with the model."""

    report: Report
    taken: str
    depth: ModelDepth | None = None


@dataclass(frozen=True)
class _Refused:
    message: str


def read_apart(asked: Asked, limits: Limits) -> Read:
    """Read a model in a process of its own; what it prints goes nowhere.

    Raises:
        CannotRead: if it could not be read, for whatever reason.
    """
    found: Read | _Refused | None = None
    try:
        found = next(apart(_send, asked, limits=limits), None)
    except OutOfTime as error:
        used = f", {error} among them" if str(error) else ""
        raise CannotRead(
            f"{asked.name} was not read after {limits.seconds:g} seconds{used}. It may need more: "
            f"--seconds {5 * limits.seconds:g}. Or is there a loop that never stops?"
        ) from error
    except ProcessEnded as error:
        raise CannotRead(
            f"{asked.name} ended the process that ran it ({error}). Does it run by itself? It had "
            f"{limits.memory_mb} MB of memory; --memory-mb gives it more."
        ) from error
    except WorkFailed as error:
        raise CannotRead(_failed(asked, limits, str(error))) from error
    if isinstance(found, Read):
        return found
    message = found.message if found else f"{asked.name} sent nothing."
    raise CannotRead(_too_little(asked, limits) if _of_memory(message) else message)


def _failed(asked: Asked, limits: Limits, traceback: str) -> str:
    if _of_memory(traceback):
        return _too_little(asked, limits)
    return f"{asked.name} ran, and reading it failed. That is a fault of normlab:\n{traceback}"


def _of_memory(message: str) -> bool:
    return "MemoryError" in message or any(said in message for said in OUT_OF_MEMORY)


def _too_little(asked: Asked, limits: Limits) -> str:
    return (
        f"{asked.name} needs more than {limits.memory_mb} MB of memory. --memory-mb "
        f"{4 * limits.memory_mb} gives it more; a smaller model of the same code says the same."
    )


def _send(send: Callable[[Any], None], asked: Asked) -> None:
    """In the process of its own; nobody sees its progress bars, so they share no lock."""
    tqdm.set_lock(RLock())
    try:
        send(_read(asked))
    except CannotRead as error:
        send(_Refused(str(error)))


def _read(asked: Asked) -> Read:
    built, taken = _small(asked.name) if asked.of_transformers else (_own(asked.name), "")
    try:
        if built.inputs is None:
            report, guess = inspect_alone(built.model)
            inputs, taken = guess.inputs, guess.said
        else:
            report, inputs = inspect_model(built.model, built.inputs), built.inputs
    except NotInspectable as error:
        raise CannotRead(f"{error}{own_line(error.__cause__ or error)}") from error
    return Read(report, taken, _depth(asked, built.model, inputs) if asked.loss else None)


def _depth(asked: Asked, model: nn.Module, inputs: Any) -> ModelDepth:
    loss = mean_square if asked.loss == "mean-square" else find(parse_target(asked.loss))
    try:
        return depth_profile(model, inputs, loss, asked.steps)
    except ValueError as error:
        raise CannotRead(f"depth was not measured: {error}") from error
    except Exception as error:
        raise CannotRead(
            f"{asked.loss} raised {type(error).__name__}: {error}{own_line(error)}"
        ) from error


def _own(name: str) -> Built:
    return build(parse_target(name))


def _small(name: str) -> tuple[Built, str]:
    try:
        small = small_model(name)
    except ValueError as error:
        raise CannotRead(str(error)) from error
    return Built(small.model, dict(small.inputs)), small.said()
