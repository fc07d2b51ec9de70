"""A stranger's model, read in a process of its own."""

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
from normlab.inspection.strangers_code import result_of
from normlab.inspection.targets import Built, CannotRead, build, find, own_line, parse_target
from normlab.tools.apart import Limits


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


def read_apart(asked: Asked, limits: Limits) -> Read:
    """Read a model in a process of its own.

    Raises:
        CannotRead: if it could not be read, for whatever reason.
    """
    read: Read = result_of(asked.name, "read", limits, _read, asked)
    return read


def _read(asked: Asked) -> Read:
    """In the process of its own; nobody sees its progress bars, so they share no lock."""
    tqdm.set_lock(RLock())
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
