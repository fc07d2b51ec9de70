"""What came out of a sweep: one row a configuration, all seeds in it."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from normlab.tools.table import Table
from normlab.training.sweep.plan import SweepPlan
from normlab.training.sweep.rows import Key, Row, config_key

COLUMNS = ("runs", "failed", "diverged", "median final loss", "chance", "seconds")


@dataclass(frozen=True)
class SweepSummary:
    """The last rows of a sweep's runs.

    Args:
        varied: the keys of the grid.
        rows: the last row of each run of the plan that is in the results, in the plan's order.
        planned: number of runs of the plan.
    """

    varied: tuple[str, ...]
    rows: tuple[Row, ...]
    planned: int

    @property
    def failed(self) -> int:
        """Runs that an error stopped."""
        return sum(bool(row["error"]) for row in self.rows)

    def errors(self) -> Table:
        """How many runs each error stopped."""
        counts = Counter(str(row["error"]) for row in self.rows if row["error"])
        return Table(("runs", "error"), [[n, error] for error, n in counts.most_common()])

    def table(self) -> Table:
        """One row for each combination of the grid but for the seed."""
        keys = [key for key in self.varied if key != "seed"]
        groups: dict[Key, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(tuple(row[key] for key in keys), []).append(row)
        rows = [[*map(_shown, key), *_outcome(same)] for key, same in groups.items()]
        return Table((*keys, *COLUMNS), rows)


def summarize(plan: SweepPlan, runs: Mapping[Key, Sequence[Row]]) -> SweepSummary:
    """The summary of a plan's runs, as far as they are there."""
    keys = [config_key(config) for config in plan.runs]
    rows = tuple(runs[key][-1] for key in keys if key in runs)
    return SweepSummary(plan.varied, rows, len(plan.runs))


def _shown(value: object) -> object:
    return "none" if value is None else value


def _outcome(rows: Sequence[Row]) -> list[object]:
    """The cells under `COLUMNS`."""
    trained = [row for row in rows if not row["error"]]
    diverged = sum(row["diverged_at"] is not None for row in trained)
    counts = [len(rows), len(rows) - len(trained), diverged]
    if not trained:
        return [*counts, "", "", ""]
    loss, chance, seconds = (
        [float(row[name] or 0) for row in trained] for name in ("final_loss", "chance", "seconds")
    )
    middle = statistics.median(loss)
    return [*counts, f"{middle:.3f}", f"{chance[0]:.3f}", f"{sum(seconds):.1f}"]
