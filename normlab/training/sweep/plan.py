"""What a sweep runs: a TOML text read into one `TrainConfig` a run.

record_every = 50              # else the last step alone is recorded
device = "cpu"                 # the default

[run]                          # the same in every run
task = "copy"
decoder_layers = 12

[grid]                         # crossed: here 2 · 2 · 4 runs
placement = ["post-norm", "pre-norm"]
warmup_steps = [0, 100]
seed = [0, 1, 2, 3]
"""

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from normlab.tools.toml_settings import (
    Value,
    as_hinted,
    expect,
    fill,
    read_settings,
    refuse_unknown,
    whole_number,
)
from normlab.training.config import TrainConfig

FIELDS: dict[str, Any] = get_type_hints(TrainConfig)
COMMAND = "normlab sweep"


@dataclass(frozen=True)
class SweepPlan:
    """The runs of a sweep.

    Args:
        runs: one config each, in the order of the grid; its last key varies fastest.
        varied: the keys of the grid.
        record_every: record every so many steps and the last; None records the last alone.
        device: that every run is trained on.
        command: what makes the results, as their rows say it.
    """

    runs: tuple[TrainConfig, ...]
    varied: tuple[str, ...]
    record_every: int | None = None
    device: str = "cpu"
    command: str = COMMAND


@dataclass(frozen=True)
class _File:
    """The keys of a TOML file with a sweep."""

    record_every: Annotated[int | None, whole_number(1)] = None
    device: str = "cpu"
    run: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Any] = field(default_factory=dict)


def read_plan(path: Path) -> SweepPlan:
    """The plan in a TOML file.

    Raises:
        ValueError: that names the file and what is wrong in it, if it is no plan.
        OSError: if there is no such file.
    """
    return replace(read_settings(path, parse_plan), command=f"{COMMAND} {path.name}")


def parse_plan(text: str) -> SweepPlan:
    """The plan in a TOML text.

    The keys of `[run]` and `[grid]` are the fields of `TrainConfig`; what neither names has its
    default. Where a field can be None, the text "none" stands for it.

    Raises:
        ValueError: if a key is unknown or in both tables, a value has another type or comes
            twice in a list, or values do not fit together.

    >>> plan = parse_plan("grid.seed = [0, 1, 2]")
    >>> [config.seed for config in plan.runs]
    [0, 1, 2]
    >>> parse_plan("run.placment = 'pre-norm'")
    Traceback (most recent call last):
    ValueError: [run] has the unknown key 'placment'; did you mean 'placement'?
    """
    file = fill(_File, tomllib.loads(text))
    for name, table in {"[run]": file.run, "[grid]": file.grid}.items():
        refuse_unknown(name, table, FIELDS)
    if both := file.run.keys() & file.grid.keys():
        raise ValueError(f"{', '.join(sorted(both))} in [run] and in [grid]; expected in one.")
    fixed = {k: as_hinted(f"[run] {k}", value, FIELDS[k]) for k, value in file.run.items()}
    axes = {key: _axis(key, values) for key, values in file.grid.items()}
    return SweepPlan(_cross(fixed, axes), tuple(axes), file.record_every, file.device)


def _axis(key: str, values: object) -> list[Value]:
    """The values that `[grid]` gives a key."""
    where = f"[grid] {key}"
    expect(isinstance(values, list), where, values, "a list of values, or the key in [run]")
    assert isinstance(values, list)
    expect(len(values) > 0, where, values, "at least one value")
    checked = [as_hinted(f"{where}[{i}]", v, FIELDS[key]) for i, v in enumerate(values)]
    twice = [value for i, value in enumerate(checked) if value in checked[:i]]
    expect(not twice, where, values, f"each value once, not {twice[0] if twice else ''} twice")
    return checked


def _cross(fixed: Mapping[str, Any], axes: Mapping[str, list[Value]]) -> tuple[TrainConfig, ...]:
    """Every combination of the axes, with what is fixed."""
    runs = []
    for values in itertools.product(*axes.values()):
        varied: dict[str, Any] = dict(zip(axes, values, strict=True))
        try:
            runs.append(TrainConfig(**fixed, **varied))
        except ValueError as error:
            here = ", ".join(f"{key} = {value!r}" for key, value in varied.items())
            raise ValueError(f"run {len(runs) + 1} ({here or 'the only one'}): {error}") from error
    return tuple(runs)
