"""What trains: learning rate × warmup × placement × depth, from the stored runs of chapter 07.

`normlab remake warmup` makes them again from `warmup.toml`, in half an hour on one core.
"""

import math
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Protocol

from normlab.tools.table import Table
from normlab.training.config import TrainConfig
from normlab.training.sweep import read_results
from normlab.training.sweep.rows import row_config, row_key

STORED = Path(__file__).with_name("warmup.csv")
TRAINED, STUCK = 0.5, 0.95
Outcome = Literal["trained", "part of the way", "stuck", "diverged"]


class Ended(Protocol):
    """A run that came to its end: a `TrainRecord`, or a `StoredRun`."""

    @property
    def final_loss(self) -> float: ...
    @property
    def chance(self) -> float: ...
    @property
    def diverged_at(self) -> int | None: ...


@dataclass(frozen=True)
class StoredRun:
    """The end of one run of a sweep; the fields are those of `normlab.training.TrainRecord`."""

    config: TrainConfig
    final_loss: float
    chance: float
    diverged_at: int | None


def outcome(run: Ended) -> Outcome:
    """What became of a run.

    - "diverged": it was given up (`normlab.training.why_diverged`).
    - "trained": its last losses are below half of chance. Guessing among V symbols costs ln V;
      half of that is the loss of a model that is left with √V of them, 4 of 16.
    - "stuck": they are above 0.95 · chance. A mean over 10 batches scatters by less than that.
    - "part of the way": between the two.

    >>> outcome(StoredRun(TrainConfig(), final_loss=0.1, chance=2.77, diverged_at=None))
    'trained'
    """
    if run.diverged_at is not None:
        return "diverged"
    if run.final_loss < TRAINED * run.chance:
        return "trained"
    return "stuck" if run.final_loss > STUCK * run.chance else "part of the way"


@dataclass(frozen=True)
class WarmupMap:
    """Runs that differ in placement, depth, warmup, learning rate and seed.

    Attributes:
        runs: in the order of the file.
        made: device, versions and start of the first run, in words.
    """

    runs: tuple[StoredRun, ...]
    made: str

    def axis(self, name: str) -> list[Any]:
        """The different values of a field of the config, from small to great."""
        return sorted({getattr(run.config, name) for run in self.runs})

    def placements(self) -> list[str]:
        """The placements, in the order of the file."""
        return list(dict.fromkeys(run.config.placement for run in self.runs))

    def cell(self, **setting: object) -> list[StoredRun]:
        """The runs whose config has these values, by seed.

        >>> cell = load_warmup_map().cell(
        ...     placement="post-norm", decoder_layers=6, warmup_steps=0, learning_rate=1e-2
        ... )
        >>> [outcome(run) for run in cell]
        ['stuck', 'stuck', 'stuck']
        """
        return sorted(
            (
                run
                for run in self.runs
                if all(getattr(run.config, name) == value for name, value in setting.items())
            ),
            key=lambda run: run.config.seed,
        )

    def median_loss(self, **setting: object) -> float:
        """The median final loss of a cell: inf for a loss that is not a number, nan for no run."""
        losses = [run.final_loss for run in self.cell(**setting)]
        finite = [loss if math.isfinite(loss) else math.inf for loss in losses]
        return statistics.median(finite) if finite else math.nan

    def best_median(self, placement: str, layers: int) -> float:
        """The lowest median final loss of a placement at any rate and warmup."""
        runs = self.cell(placement=placement, decoder_layers=layers)
        settings = {(run.config.learning_rate, run.config.warmup_steps) for run in runs}
        cell = {"placement": placement, "decoder_layers": layers}
        return min(
            self.median_loss(learning_rate=rate, warmup_steps=steps, **cell)
            for rate, steps in settings
        )

    def table(self) -> Table:
        """One row per depth, placement and warmup: how many seeds trained at each rate."""
        rates = self.axis("learning_rate")
        rows = []
        for layers in self.axis("decoder_layers"):
            for placement in self.placements():
                for warmup in self.axis("warmup_steps"):
                    cells = [
                        self.cell(
                            decoder_layers=layers,
                            placement=placement,
                            warmup_steps=warmup,
                            learning_rate=rate,
                        )
                        for rate in rates
                    ]
                    rows.append([layers, placement, warmup, *map(trained_of, cells)])
        return Table(("layers", "placement", "warmup", *(f"{rate:g}" for rate in rates)), rows)

    def spread(self, edges: Sequence[float]) -> Table:
        """How many runs end between these shares of chance: what another bound would change."""
        shares = [run.final_loss / run.chance for run in self.runs]
        rows = [
            [f"{low:g} … {high:g}", sum(low <= share < high for share in shares)]
            for low, high in pairwise(edges)
        ]
        return Table(("final loss / chance", "runs"), rows)


def trained_of(runs: Collection[Ended]) -> str:
    """How many of these runs trained: "2 of 3", or "" if there is none."""
    count = sum(outcome(run) == "trained" for run in runs)
    return f"{count} of {len(runs)}" if runs else ""


def load_warmup_map() -> WarmupMap:
    """The runs that come with the package."""
    return read_warmup_map(STORED)


def read_warmup_map(path: Path) -> WarmupMap:
    """The runs in a file that `normlab sweep` wrote.

    Raises:
        ValueError: if there is no run, if one failed, or if the file was not written by a sweep.
        OSError: if there is no such file.
    """
    last: dict[object, Any] = {row_key(row): row for row in read_results(path)}
    rows = list(last.values())
    failed = [row["error"] for row in rows if row["error"]]
    if failed or not rows:
        raise ValueError(
            f"{path} has {len(rows)} runs, and {len(failed)} of them failed "
            f"({failed[0] if failed else 'none'}); expected at least one, and none that failed: "
            "sweep again into the same file with --retry-failed."
        )
    first = rows[0]
    made = (
        f"{first['device']}, torch {first['torch']}, numpy {first['numpy']}, "
        f"python {first['python']}, started {first['started']}"
    )
    return WarmupMap(tuple(map(_stored_run, rows)), made)


def _stored_run(row: Any) -> StoredRun:
    return StoredRun(row_config(row), row["final_loss"], row["chance"], row["diverged_at"])
