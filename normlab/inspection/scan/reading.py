"""One unit of a scan, read in a process of its own."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import RLock
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from normlab.inspection.input_sizes import size_of
from normlab.inspection.inspecting import inspect
from normlab.inspection.library_of_models import CannotBuild
from normlab.inspection.module_reading import read_norm
from normlab.inspection.report import InspectedNorm
from normlab.inspection.scan.facts import Cells, cells_of, first_line, norm_cells
from normlab.inspection.scan.own_layers import own_layers
from normlab.inspection.scan.units import Unit, models_path
from normlab.inspection.shrinking import LEVELS, Level
from normlab.inspection.small_models import SmallModel, build_small, small_config, small_model

SECONDS = 15
"""Of processor time for one model."""
NORM = re.compile(r"norm|NORM|Norm")
NOT_TELLING = ("parameters still", "Validation", "none of its arguments is known")
Send = Callable[[Any], None]


def read_unit(send: Send, unit: Unit) -> None:
    """Send the cells of a unit's rows: built small, run and read."""
    _quiet_and_limited()
    try:
        small = small_model(unit.kind())
        found = _cells(small, unit)
        if not _has_wiring(found) and own_layers(models_path() / unit.folder):
            found = _of_another_model(unit, small) or found
        send(found)
    except Exception as error:  # whatever a library's code raises
        send([{"outcome": "failed", "reason": telling(error)}])


def _cells(small: SmallModel, unit: Unit) -> list[Cells]:
    report = inspect(small.model, small.inputs)
    found = cells_of(report, small.model, small.config, unit.folder)
    return [cells | {"level": small.level} for cells in found]


def _has_wiring(found: Sequence[Cells]) -> bool:
    return any(cells["outcome"] == "wiring" for cells in found)


def _of_another_model(unit: Unit, small: SmallModel) -> list[Cells]:
    """The same of another model of a configuration: a head may have layers that the first lacks."""
    try:
        found = _cells(small_model(unit.kind(), besides=type(small.model)), unit)
    except ValueError:  # there is none, or it does not run
        return []
    return found if _has_wiring(found) else []


def read_norms_alone(send: Send, unit: Unit) -> None:
    """Send the cells of a row of a model that does not run: those of its modules that are norms."""
    _quiet_and_limited()
    for make in _unrun(unit.kind()):
        try:
            model = make()
        except Exception:  # the next way may do
            continue
        norms, met = _norms_of(model)
        if met:
            kept = {"norms_read": str(len(norms)), "norms_met": str(met)}
            send(norm_cells(norms) | kept | {"model": type(model).__name__})
            return


def _quiet_and_limited() -> None:
    """Nobody sees progress bars here, so they share no lock; and processor time is limited."""
    tqdm.set_lock(RLock())
    torch.set_num_threads(1)
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(used) + SECONDS + 1, most))


def telling(error: BaseException) -> str:
    """What an error says, on one line: of several tries, the first that tells most.

    >>> telling(ValueError("Sizes 3 and 4 do not match.\\nIt was tried twice."))
    'ValueError: Sizes 3 and 4 do not match.'
    """
    if not isinstance(error, CannotBuild):
        return first_line(f"{type(error).__name__}: {error}")
    tries = [line.strip() for line in str(error).splitlines()[1:]] or [str(error)]
    plain = [line for line in tries if not any(said in line for said in NOT_TELLING)]
    return first_line((plain or tries)[0].partition(": ")[2] or tries[0])


def _unrun(kind: Any) -> Iterator[Callable[[], nn.Module]]:
    """Ways to build a model that need not run: whole without its numbers, then small."""

    def whole() -> nn.Module:
        with torch.device("meta"):
            return build_small(kind())

    yield whole
    for level in LEVELS[:-1]:
        yield partial(_small, kind, level)


def _small(kind: Any, level: Level) -> nn.Module:
    return build_small(small_config(kind, level))


def _norms_of(model: nn.Module) -> tuple[list[InspectedNorm], int]:
    """The norms among the modules of a model, and how many are called so."""
    found = [
        (name, module)
        for name, module in model.named_modules()
        if NORM.search(type(module).__name__) and not [*module.children()]
    ]
    read = []
    for name, module in found:
        try:
            reading = read_norm(module, _size(module, getattr(model, "config", None)))
        except Exception:  # it is no norm over the last axis, or does not run alone
            continue
        read.append(InspectedNorm(name, reading, "inner", "", "", ""))
    return read, len(found)


def _size(module: nn.Module, config: Any) -> int:
    """How wide a norm is: by its weight, or as the model is."""
    weights = [parameter.shape[-1] for parameter in module.parameters() if parameter.dim()]
    return weights[0] if weights else size_of(config, "hidden_size", 32)
