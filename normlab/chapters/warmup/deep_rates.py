"""Which learning rates train deep decoders without warmup: the stored runs of chapter 07.

The task is `successor`, the easiest. A run ends when it has trained, and its row says after how
many steps: so one file answers for every budget of steps up to 600. `normlab remake deep_rates`
makes the runs again, in one and a half hours on one core.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from normlab.chapters.warmup.rate_map import TRAINED
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import read_rows, write_rows
from normlab.tools.table import Table
from normlab.tools.timing import one_thread
from normlab.training.config import TrainConfig
from normlab.training.run import Run
from normlab.training.seeds import RunStack

STORED = Path(__file__).with_name("deep_rates.csv")
CONFIG = TrainConfig(task="successor", tokens=8, batch=8, d_model=32, d_ff=128, steps=600)
PLACEMENTS = ("post-norm", "deepnorm", "pre-norm")
DEPTHS, RATES, SEEDS = (12, 24, 48, 96), (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2), (0, 1, 2)
LAST = 10
"""How many losses at the end of a run its mean is taken of."""


@dataclass(frozen=True)
class DeepRate:
    """One run without warmup, which ends when it has trained.

    Attributes:
        placement, layers, learning_rate, seed: of the run.
        trained_after: the number of steps after which the mean of the last ten losses was below
            half of chance for the first time; None if it never was.
        steps: that were run.
        final_loss: the mean of the last ten losses, stored to two decimals.
        diverged: whether the run was given up.
    """

    placement: str
    layers: int
    learning_rate: float
    seed: int
    trained_after: int | None
    steps: int
    final_loss: float
    diverged: bool

    def trains(self, budget: int) -> bool:
        """Whether it trains within so many steps.

        >>> DeepRate("pre-norm", 12, 1e-3, 0, 40, 40, 1.2, False).trains(30)
        False
        """
        return self.trained_after is not None and self.trained_after <= budget


@dataclass(frozen=True)
class DeepRates:
    """Runs that differ in placement, depth, learning rate and seed."""

    runs: Sequence[DeepRate]

    @property
    def placements(self) -> list[str]:
        """In the order of the file."""
        return list(dict.fromkeys(run.placement for run in self.runs))

    @property
    def depths(self) -> list[int]:
        """The numbers of layers, from small to great."""
        return sorted({run.layers for run in self.runs})

    @property
    def rates(self) -> list[float]:
        """The learning rates, from small to great."""
        return sorted({run.learning_rate for run in self.runs})

    def share(self, placement: str, layers: int, learning_rate: float, budget: int) -> float:
        """The share of the seeds that train within so many steps.

        Raises:
            ValueError: if there is no such run.
        """
        wanted = placement, layers, learning_rate
        found = [r for r in self.runs if (r.placement, r.layers, r.learning_rate) == wanted]
        if not found:
            raise ValueError(
                f"no run of {placement!r} with {layers} layers at {plain(learning_rate)}; "
                f"expected one of {self.placements}, {self.depths} and {self.rates}."
            )
        return sum(run.trains(budget) for run in found) / len(found)

    def highest(self, placement: str, layers: int, budget: int) -> float | None:
        """The highest rate at which every seed trains within so many steps; None if none does.

        >>> run = DeepRate("pre-norm", 12, 1e-3, 0, 40, 40, 1.2, False)
        >>> [DeepRates([run]).highest("pre-norm", 12, budget) for budget in (30, 150)]
        [None, 0.001]
        """
        good = [r for r in self.rates if self.share(placement, layers, r, budget) == 1]
        return max(good, default=None)

    def table(self, budgets: Sequence[int]) -> Table:
        """The highest rate that trains every seed, a row per placement and depth."""
        rows = [
            [placement, layers, *(self._said(placement, layers, steps) for steps in budgets)]
            for placement in self.placements
            for layers in self.depths
        ]
        return Table(("placement", "layers", *(f"in {steps} steps" for steps in budgets)), rows)

    def _said(self, placement: str, layers: int, budget: int) -> str:
        rate = self.highest(placement, layers, budget)
        if rate is None:
            return "none"
        return f"{'≥ ' if rate == self.rates[-1] else ''}{plain(rate)}"


def plain(rate: float) -> str:
    """A learning rate without a power of ten.

    >>> plain(3e-05)
    '0.00003'
    """
    return f"{rate:.10f}".rstrip("0")


def train_until(config: TrainConfig, seeds: Sequence[int]) -> list[DeepRate]:
    """Train all seeds together until each has trained, was given up, or is out of steps.

    Trained is what `rate_map.outcome` calls so: the mean of the last ten losses is below half of
    chance.

    Args:
        config: of every run, but for its seed; its `steps` are the most that a run takes.
        seeds: of the runs, at least one.

    >>> [run.steps for run in train_until(replace(CONFIG, decoder_layers=1, steps=2), [0])]
    [2]
    """
    runs = [Run(replace(config, seed=seed), torch.device("cpu")) for seed in seeds]
    stack = RunStack(runs)
    trained: dict[int, int] = {}
    while len(stack.losses) < config.steps and not all(
        run.reason or run.config.seed in trained for run in runs
    ):
        stack.step()
        for run in runs:
            last = run.losses[-LAST:]
            low = len(last) == LAST and sum(last) / LAST < TRAINED * run.task.chance
            if low:
                trained.setdefault(run.config.seed, len(run.losses))
    return [_ended(run, trained.get(run.config.seed)) for run in runs]


def _ended(run: Run, trained_after: int | None) -> DeepRate:
    steps = trained_after or len(run.losses)
    losses, config = run.losses[:steps][-LAST:], run.config
    setting = config.placement, config.decoder_layers, config.learning_rate, config.seed
    assert isinstance(config.placement, str)
    given_up = bool(run.reason) and not trained_after
    return DeepRate(*setting, trained_after, steps, sum(losses) / len(losses), given_up)


def write_deep_rates(
    path: Path,
    depths: Sequence[int] = DEPTHS,
    rates: Sequence[float] = RATES,
    seeds: Sequence[int] = SEEDS,
    steps: int = CONFIG.steps,
) -> None:
    """Train every placement at every depth and rate, and write one row for each run.

    Args:
        path: the file to write.
        depths, rates, seeds: of the runs.
        steps: the most that a run takes.
    """
    configs = [
        replace(CONFIG, decoder_layers=n, placement=p, learning_rate=rate, steps=steps)
        for n in depths
        for p in PLACEMENTS
        for rate in rates
    ]
    with one_thread():
        found = [train_until(config, seeds) for config in progress_bar(configs, "deep runs")]
    rows = [{**vars(run), "final_loss": f"{run.final_loss:.2f}"} for runs in found for run in runs]
    write_rows(path, rows, "normlab remake deep_rates")


def load_deep_rates() -> DeepRates:
    """The runs that come with the package."""
    return read_deep_rates(STORED)


def read_deep_rates(path: Path) -> DeepRates:
    """The runs in a file that `write_deep_rates` wrote.

    Raises:
        OSError: if there is no such file.
    """
    return DeepRates([_run(row) for row in read_rows(path)])


def _run(row: Mapping[str, str]) -> DeepRate:
    return DeepRate(
        row["placement"],
        int(row["layers"]),
        float(row["learning_rate"]),
        int(row["seed"]),
        int(row["trained_after"]) if row["trained_after"] else None,
        int(row["steps"]),
        float(row["final_loss"]),
        row["diverged"] == "True",
    )
