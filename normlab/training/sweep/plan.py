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
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from normlab.tools.toml_settings import expect, read_settings, refuse_unknown
from normlab.training.config import TrainConfig
from normlab.training.sweep.values import Value, describe, kinds

FIELDS: dict[str, Any] = get_type_hints(TrainConfig)
TOP: dict[str, Any] = {"record_every": int, "device": str}
TABLES = ("run", "grid")


@dataclass(frozen=True)
class SweepPlan:
    """The runs of a sweep.

    Args:
        runs: one config each, in the order of the grid; its last key varies fastest.
        varied: the keys of the grid.
        record_every: record every so many steps and the last; None records the last alone.
        device: that every run is trained on.
    """

    runs: tuple[TrainConfig, ...]
    varied: tuple[str, ...]
    record_every: int | None = None
    device: str = "cpu"


def read_plan(path: Path) -> SweepPlan:
    """The plan in a TOML file.

    Raises:
        ValueError: that names the file and what is wrong in it, if it is no plan.
        OSError: if there is no such file.
    """
    return read_settings(path, parse_plan)


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
    document = tomllib.loads(text)
    refuse_unknown("the file", document, (*TOP, *TABLES))
    for name in TABLES:
        expect(isinstance(document.get(name, {}), dict), name, document.get(name), "a table")
    run, grid = (document.get(name, {}) for name in TABLES)
    for name, table in zip(TABLES, (run, grid), strict=True):
        refuse_unknown(f"[{name}]", table, FIELDS)
    if both := run.keys() & grid.keys():
        raise ValueError(f"{', '.join(sorted(both))} in [run] and in [grid]; expected in one.")
    top: dict[str, Any] = {k: check(k, document[k], TOP[k]) for k in TOP if k in document}
    every = top.get("record_every")
    expect(every is None or every >= 1, "record_every", every, "at least 1")
    fixed = {key: check(f"[run] {key}", value, FIELDS[key]) for key, value in run.items()}
    axes = {key: _axis(key, values) for key, values in grid.items()}
    return SweepPlan(_cross(fixed, axes), tuple(axes), **top)


def check(where: str, value: object, hint: Any) -> Value:
    """`value` as a field of type `hint` holds it: whole numbers as floats, "none" as None.

    >>> check("clip", "none", float | None), check("clip", 1, float | None)
    (None, 1.0)
    """
    expected = kinds(hint)
    if value == "none" and type(None) in expected:
        return None
    if type(value) is int and float in expected:
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is {value}; expected a finite number.")
    expect(type(value) in expected, where, value, describe(hint))
    return value  # type: ignore[return-value] # one of the expected types


def _axis(key: str, values: object) -> list[Value]:
    """The values that `[grid]` gives a key."""
    where = f"[grid] {key}"
    expect(isinstance(values, list), where, values, "a list of values, or the key in [run]")
    assert isinstance(values, list)
    expect(len(values) > 0, where, values, "at least one value")
    checked = [check(f"{where}[{i}]", value, FIELDS[key]) for i, value in enumerate(values)]
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
