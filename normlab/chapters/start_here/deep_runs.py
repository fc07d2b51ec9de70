"""The training of those networks.

`normlab remake without_norm` makes the stored runs again, in about 5 minutes on one core.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from normlab.chapters.start_here.deep_networks import LAYERS, NETWORKS, network_config
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import joined, read_rows, split, write_rows
from normlab.tools.timing import one_thread
from normlab.training.loop import TrainRecord
from normlab.training.seeds import train_seeds

STORED = Path(__file__).with_name("without_norm.csv")
RATES, SEEDS, EVERY = (3e-4, 1e-3, 3e-3), (0, 1, 2), 2


@dataclass(frozen=True)
class DeepRun:
    """One run of one network.

    Attributes:
        network: its name in `NETWORKS`.
        learning_rate, seed: of the run.
        losses: in nats, of every other step and of the last one.
        last_step: counted from 0; before the 99th if the run was given up.
        final_loss: the mean over the last 10 steps.
        chance: the loss of guessing.
    """

    network: str
    learning_rate: float
    seed: int
    losses: Sequence[float]
    last_step: int
    final_loss: float
    chance: float

    @property
    def steps(self) -> list[int]:
        """Of each loss.

        >>> DeepRun("no norm", 0.1, 0, [9.0, 8.0, 7.0], 3, 7.0, 2.8).steps
        [0, 2, 3]
        """
        return [*range(0, self.last_step, EVERY), self.last_step]


@dataclass(frozen=True)
class DeepRuns:
    """Runs of several networks, rates and seeds."""

    runs: Sequence[DeepRun]

    def of(self, network: str, learning_rate: float) -> list[DeepRun]:
        """The runs of one network at one rate, one for each seed."""
        rate = learning_rate
        return [r for r in self.runs if (r.network, r.learning_rate) == (network, rate)]

    def final_losses(self, network: str, learning_rate: float) -> list[float]:
        """How the runs of one network at one rate end; nan if a run had no loss any more."""
        return [run.final_loss for run in self.of(network, learning_rate)]


def write_runs(
    path: Path, rates: Sequence[float] = RATES, layers: int = LAYERS, **changes: Any
) -> None:
    """Train every network at every rate with three seeds, and store the losses.

    Args:
        path: the file to write.
        rates: learning rates.
        layers: of each network.
        changes: of the config, such as `steps`.
    """
    rows: list[dict[str, object]] = []
    with one_thread():
        for name, rate in progress_bar([(n, r) for n in NETWORKS for r in rates], "deep networks"):
            config = network_config(name, layers, learning_rate=rate, **changes)
            rows += [_row(name, record) for record in train_seeds(config, SEEDS, every=EVERY)]
    write_rows(path, rows, "normlab remake without_norm")


def _row(name: str, record: TrainRecord) -> dict[str, object]:
    return {
        "network": name,
        "layers": record.config.decoder_layers,
        "learning_rate": f"{record.config.learning_rate:g}",
        "seed": record.config.seed,
        "chance": f"{record.chance:.4f}",
        "final_loss": f"{record.final_loss:.4g}",
        "last_step": record.steps[-1],
        "losses": joined(record.losses),
    }


def load_deep_runs() -> DeepRuns:
    """The runs that come with the package.

    >>> runs = load_deep_runs()
    >>> max(runs.final_losses("layer norm", 0.001)) < 0.1
    True
    """
    return DeepRuns([_run(row) for row in read_rows(STORED)])


def _run(row: Mapping[str, str]) -> DeepRun:
    return DeepRun(
        row["network"],
        float(row["learning_rate"]),
        int(row["seed"]),
        split(row["losses"]),
        int(row["last_step"]),
        float(row["final_loss"]),
        float(row["chance"]),
    )
