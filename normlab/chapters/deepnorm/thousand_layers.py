"""The stored training runs of chapter 08: 1,000 layers under four placements.

`normlab remake thousand_layers` makes them again from `thousand_layers.toml`: four runs of about
7 minutes and 1.2 GB each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from normlab.tools.table import Table
from normlab.tools.timing import one_thread
from normlab.training.config import TrainConfig
from normlab.training.loop import TrainRecord, train
from normlab.training.sweep import read_results
from normlab.training.sweep.rows import row_config, row_key

STORED = Path(__file__).with_name("thousand_layers.csv")


@dataclass(frozen=True)
class ThousandLayers:
    """Training runs that differ in placement alone.

    Attributes:
        records: by placement, in the order of the file.
        made: device, versions and start of the first run, in words.
    """

    records: Mapping[str, TrainRecord]
    made: str

    def table(self) -> Table:
        """One row per placement: how the run began and ended."""
        columns = ("placement", "steps", "first loss", "last 10 steps", "chance", "end")
        rows = [
            [
                name,
                record.steps[-1] + 1,
                f"{record.losses[0]:.3g}",
                f"{record.final_loss:.3g}",
                f"{record.chance:.3g}",
                record.reason or "all steps done",
            ]
            for name, record in self.records.items()
        ]
        return Table(columns, rows)


def load_thousand_layers() -> ThousandLayers:
    """The runs that come with the package.

    Example:
        >>> deepnorm = load_thousand_layers().records["deepnorm"]
        >>> deepnorm.config.decoder_layers, deepnorm.final_loss < 0.1
        (1000, True)
    """
    return read_thousand_layers(STORED)


def try_the_task(config: TrainConfig, steps: Sequence[int] = (40, 300)) -> dict[int, float]:
    """The losses after these steps if a single layer learns the task of a deep run.

    Example:
        >>> list(try_the_task(TrainConfig(task="successor", decoder_layers=100), steps=(1, 2)))
        [1, 2]
    """
    shallow = replace(config, placement="deepnorm", decoder_layers=1, steps=max(steps))
    with one_thread():
        losses = train(shallow).losses
    return {step: losses[step - 1] for step in steps}


def read_thousand_layers(path: Path) -> ThousandLayers:
    """The runs in a file that `normlab sweep` wrote, one for each placement.

    Raises:
        ValueError: if there is none, if one failed, if two have the same placement, or if the
            file was not written by a sweep.
        OSError: if there is no such file.
    """
    runs: dict[tuple[object, ...], list[Any]] = {}
    for row in read_results(path):
        runs.setdefault(row_key(row), []).append(row)
    records = [_record(path, rows) for rows in runs.values()]
    by_placement = {record.config.placement: record for record in records}
    if not records or len(by_placement) < len(records):
        placements = ", ".join(record.config.placement for record in records) or "none"
        raise ValueError(
            f"{path} has runs with the placements: {placements}; expected one run or more, each "
            "with a placement of its own."
        )
    first: Any = next(iter(runs.values()))[0]
    made = (
        f"{first['device']}, torch {first['torch']}, numpy {first['numpy']}, "
        f"python {first['python']}, seed {first['seed']}, started {first['started']}"
    )
    return ThousandLayers(by_placement, made)


def _record(path: Path, rows: Sequence[Any]) -> TrainRecord:
    """One run from its rows, a row for each recorded step."""
    first = rows[0]
    if first["error"]:
        raise ValueError(
            f"{path}: the run with placement {first['placement']!r} failed ({first['error']}); "
            "sweep again into the same file with --retry-failed."
        )
    return TrainRecord(
        config=row_config(first),
        steps=[row["step"] for row in rows],
        losses=[row["loss"] for row in rows],
        diverged_at=first["diverged_at"],
        reason=first["reason"],
        seconds=first["seconds"],
        chance=first["chance"],
        final_loss=first["final_loss"],
    )
