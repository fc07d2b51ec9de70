"""A model that collapses, taken apart: norm, branch and both, from update to update.

`normlab remake collapse_parts` makes the stored numbers again, in a minute on one core.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from normlab.chapters.warmup.layer_looks import held_out
from normlab.probes import (
    SublayerFactors,
    sublayer_factors,
    watched_outputs,
)
from normlab.probes.depth import token_cosine
from normlab.tools.error_bars import standard_error, with_error
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import read_rows, write_rows
from normlab.tools.table import Table
from normlab.tools.timing import one_thread
from normlab.training.config import TrainConfig
from normlab.training.run import Run, batch_loss

STORED = Path(__file__).with_name("collapse_parts.csv")
CONFIG = TrainConfig(
    task="copy", decoder_layers=6, placement="post-norm", d_model=32, d_ff=128, batch=16,
    steps=300, learning_rate=1e-2,
)  # fmt: skip
LOOKS, SEEDS = (0, 1, 3, 10), range(12)


@dataclass(frozen=True)
class TakenApart:
    """A run's model after some updates, on a batch that it is not trained on.

    Attributes:
        updates: made so far.
        factors: by what norm, branch and both multiply signal, change and gradient.
        output_cosine: the mean cosine of two outputs of one FFN, for two tokens of the whole batch;
            the mean over layers. 1: it puts out the same direction whatever it reads.
        matrix_norm: ‖W_1‖₂, the largest singular value; the mean over layers.
    """

    updates: int
    factors: SublayerFactors
    output_cosine: float
    matrix_norm: float

    def numbers(self) -> dict[str, float]:
        """The geometric means over sub-layers, and the other two, by name."""
        means = {
            f"{what}, {part}": mean
            for what, factors in self.factors.passing().items()
            for part, mean in factors.means().items()
        }
        return {**means, "output_cosine": self.output_cosine, "matrix_norm": self.matrix_norm}


def take_apart(config: TrainConfig, looks: Collection[int]) -> tuple[TakenApart, ...]:
    """Train a decoder, and take it apart after each number of updates in `looks`.

    Raises:
        ValueError: as `sublayer_factors`.

    >>> one, two = take_apart(TrainConfig(decoder_layers=1, d_model=16), looks=(0, 2))
    >>> one.updates, two.updates
    (0, 2)
    """
    run, seen = Run(config, torch.device("cpu")), []
    for updates in sorted(looks):
        while len(run.losses) < updates:
            run.step()
        seen.append(_taken_apart(run))
    return tuple(seen)


def _taken_apart(run: Run) -> TakenApart:
    inputs, targets, mask = held_out(run)
    factors = sublayer_factors(
        run.model, lambda model: batch_loss(model(inputs), targets, mask), run.config.seed
    )
    networks = [block.feed_forward for block in run.model.decoder.blocks]
    with torch.no_grad(), watched_outputs(networks) as outputs:
        run.model(inputs)
    cosines = [token_cosine(y.flatten(0, 1)[None]) for y in outputs]  # -> (1, B·T, D) -> ()
    norms = [torch.linalg.matrix_norm(f.inner.weight.detach(), 2).item() for f in networks]
    return TakenApart(
        len(run.losses),
        factors,
        float(np.mean(cosines)),
        float(np.mean(norms)),  # (L,) -> ()
    )


@dataclass(frozen=True)
class CollapseParts:
    """The stored numbers of `TakenApart`, by the number of updates: one row for each seed."""

    rows: Sequence[dict[str, float]]

    def measured(self, name: str, updates: int) -> list[float]:
        """One number after so many updates, one for each seed."""
        return [row[name] for row in self.rows if row["updates"] == updates]

    def table(self) -> Table:
        """One row per number of updates: the mean over seeds with its standard error."""
        columns = {
            "gradient: norm alone": "gradient, norm",
            "branch alone": "gradient, branch",
            "norm and branch": "gradient, together",
            "signal: branch alone": "signal, branch",
            "cosine of two outputs": "output_cosine",
            "‖W_1‖₂": "matrix_norm",
        }
        rows = []
        for updates in sorted({int(row["updates"]) for row in self.rows}):
            by_seed = [self.measured(name, updates) for name in columns.values()]
            said = [with_error(float(np.mean(v)), standard_error(v)) for v in by_seed]  # (K,) -> ()
            rows.append([updates, *said])
        return Table(("updates", *columns), rows)


def write_parts(path: Path, seeds: Sequence[int] = SEEDS, looks: Sequence[int] = LOOKS) -> None:
    """Take the runs of all seeds apart, and write one row for each look."""
    with one_thread():
        rows = [
            {"seed": seed, "updates": taken.updates}
            | {name: f"{number:.4g}" for name, number in taken.numbers().items()}
            for seed in progress_bar(seeds, "runs")
            for taken in take_apart(replace(CONFIG, seed=seed), looks)
        ]
    write_rows(path, rows, "normlab remake collapse_parts")


def load_collapse_parts() -> CollapseParts:
    """The numbers that come with the package.

    >>> parts = load_collapse_parts()
    >>> max(parts.measured("gradient, together", 10)) < 0.8
    True
    """
    names = [*next(iter(read_rows(STORED)))]
    numbers = names[: names.index("matrix_norm") + 1]
    return CollapseParts([{n: float(row[n]) for n in numbers} for row in read_rows(STORED)])
