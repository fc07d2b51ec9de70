"""The rows of a sweep: one for each run and recorded step."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, TypeAlias

from normlab.tools.toml_settings import Value
from normlab.training.config import TrainConfig
from normlab.training.loop import TrainRecord
from normlab.training.sweep.plan import FIELDS, SweepPlan

Row: TypeAlias = dict[str, Value]
Key: TypeAlias = tuple[Value, ...]

COLUMNS: dict[str, Any] = FIELDS | {
    "step": int | None,
    "loss": float | None,
    "final_loss": float | None,
    "chance": float | None,
    "diverged_at": int | None,
    "reason": str,
    "error": str,
    "seconds": float | None,
    "together": int,
    "device": str,
    "started": str,
    "normlab": str,
    "torch": str,
    "numpy": str,
    "python": str,
    "command": str,
}
"""Type of each column. The first are the fields of `TrainConfig`; then

- `step`, `loss`: a recorded step, counted from 0, and the loss of its batch; None of a failed run.
- `final_loss`, `chance`, `diverged_at`, `reason`: of the run, as in `TrainRecord`.
- `error`: the type and message of what stopped a failed run, else "".
- `seconds`: of the run; its share, if it was trained together with other seeds.
- `together`: how many seeds were trained as one.
- `device`, and `started`: the UTC time at which it began; of a failed run, at which it failed.
- versions of `normlab`, `torch`, `numpy` and `python`.
- `command`: what made the row, as in `SweepPlan`.
"""


def config_key(config: TrainConfig) -> Key:
    """What tells a run from all others: every field of its config."""
    return tuple(getattr(config, name) for name in FIELDS)


def row_key(row: Row) -> Key:
    """The same, from a row."""
    return tuple(row[name] for name in FIELDS)


def row_config(row: Row) -> TrainConfig:
    """The config that a row is of."""
    fields: Any = {name: row[name] for name in FIELDS}
    return TrainConfig(**fields)


def now() -> str:
    """The UTC time to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def record_rows(record: TrainRecord, started: str, plan: SweepPlan) -> list[Row]:
    """The rows of a run of the plan, one for each recorded step.

    The runs of the plan are those that were trained together.
    """
    of_run = {
        "final_loss": record.final_loss,
        "chance": record.chance,
        "diverged_at": record.diverged_at,
        "reason": record.reason,
        "error": "",
        "seconds": round(record.seconds, 4),
        "together": len(plan.runs),
    }
    common = asdict(record.config) | of_run | _circumstances(plan, started)
    recorded = zip(record.steps, record.losses, strict=True)
    return [_ordered(common | {"step": step, "loss": loss}) for step, loss in recorded]


def failure_row(config: TrainConfig, error: BaseException, plan: SweepPlan) -> Row:
    """The row of a run of the plan that was stopped by an error."""
    message = " ".join(f"{type(error).__name__}: {error}".split())  # one line
    empty = dict.fromkeys(COLUMNS)
    of_run = {"reason": "", "error": message, "together": len(plan.runs)}
    return _ordered(empty | asdict(config) | of_run | _circumstances(plan, now()))


def is_whole(rows: Sequence[Row]) -> bool:
    """Whether these rows of one run go up to its last step."""
    last: Any = rows[-1]
    if last["error"]:
        return True
    ends = last["steps"] - 1 if last["diverged_at"] is None else last["diverged_at"]
    return last["step"] == ends


def recorded_steps(rows: Sequence[Row], record_every: int | None) -> list[int]:
    """The steps that a run of these rows should hold."""
    last: Any = rows[-1]["step"]
    if record_every is None:
        return [last]
    return sorted({*range(0, last + 1, record_every), last})


def _circumstances(plan: SweepPlan, started: str) -> Row:
    versions: Row = {name: version(name) for name in ("normlab", "torch", "numpy")}
    where: Row = {"device": plan.device, "started": started, "command": plan.command}
    return versions | where | {"python": platform.python_version()}


def _ordered(row: Row) -> Row:
    return {name: row[name] for name in COLUMNS}
