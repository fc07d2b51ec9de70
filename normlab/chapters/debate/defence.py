"""Choose a norm and a placement for a given budget, and defend the choice by measurements."""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from normlab.models.placement.standard import find_placement
from normlab.models.transformer import NORMS
from normlab.tools.table import Table
from normlab.training.config import TrainConfig

TIE = 0.05
"""Losses that differ by less of chance count as equal; seeds differ by as much near the edge."""


@dataclass(frozen=True)
class Choice:
    """A placement and a norm, by their names in `PLACEMENTS` and `NORMS` of `normlab.models`.

    Raises:
        ValueError: if there is none of that name.

    >>> str(Choice("pre-norm", "rms_norm"))
    'pre-norm, rms_norm'
    """

    placement: str
    norm: str = "layer_norm"

    def __post_init__(self) -> None:
        find_placement(self.placement)
        if self.norm not in NORMS:
            raise ValueError(f"norm is {self.norm!r}; expected one of {', '.join(NORMS)}.")

    def __str__(self) -> str:
        return f"{self.placement}, {self.norm}"


@dataclass(frozen=True)
class Brief:
    """What is given: how deep, how long, and how much tuning.

    Args:
        layers: of the decoder.
        steps: of each run, the budget.
        tries: how many learning rates may be tried.
        rates: from which they are taken, without knowing which will do.
        warmup_steps, task, init: of each run.
        seeds: runs of each setting; the median counts.

    Raises:
        ValueError: if `tries` is not between 1 and the number of rates, or a list is empty.
    """

    layers: int
    steps: int
    tries: int
    rates: Sequence[float] = (1e-3, 3e-3, 1e-2, 3e-2)
    warmup_steps: int = 0
    task: str = "successor"
    init: str = "xavier"
    seeds: Sequence[int] = (0,)

    def __post_init__(self) -> None:
        if not self.seeds or not 1 <= self.tries <= len(self.rates):
            raise ValueError(
                f"tries is {self.tries}, for {len(self.rates)} rates and {len(self.seeds)} seeds; "
                "expected at least one of each, and no more tries than rates."
            )

    def config(self, choice: Choice, rate: float, seed: int) -> TrainConfig:
        """One run: 32 features, 8 sequences of 8 tokens, Adam."""
        return TrainConfig(
            task=self.task,
            tokens=8,
            batch=8,
            d_model=32,
            d_ff=128,
            decoder_layers=self.layers,
            placement=choice.placement,
            norm=choice.norm,
            init=self.init,
            steps=self.steps,
            learning_rate=rate,
            warmup_steps=self.warmup_steps,
            seed=seed,
        )


@dataclass(frozen=True)
class Defence:
    """A choice beside its alternatives, under one brief.

    Attributes:
        choice: what is defended.
        brief: the same for all.
        losses: final loss over chance by contender and rate; the median over seeds, at most 1,
            since guessing costs no training. A run that ended in nan counts as 1.
        spread: the lowest and the highest of the seeds, in the same way.
    """

    choice: Choice
    brief: Brief
    losses: Mapping[Choice, Mapping[float, float]]
    spread: Mapping[Choice, Mapping[float, tuple[float, float]]] = field(default_factory=dict)

    def expected(self, contender: Choice, tries: int | None = None) -> float:
        """The mean over all sets of `tries` rates of the lowest loss in the set.

        One try is the mean over the rates: what matters is how many of them do. With as many
        tries as rates it is the best rate alone.

        >>> losses = {Choice("pre-norm"): {1e-3: 0.2, 1e-2: 0.4}}
        >>> defence = Defence(Choice("pre-norm"), Brief(1, 1, 1, rates=(1e-3, 1e-2)), losses)
        >>> [round(defence.expected(Choice("pre-norm"), tries), 3) for tries in (1, 2)]
        [0.3, 0.2]
        """
        count = self.brief.tries if tries is None else tries
        sets = itertools.combinations(self.losses[contender].values(), count)
        return statistics.mean(min(losses) for losses in sets)

    def trained(self, contender: Choice) -> int:
        """At how many rates the loss ends below half of chance."""
        return sum(loss < 0.5 for loss in self.losses[contender].values())

    @property
    def best(self) -> Choice:
        """The contender with the lowest expected loss."""
        return min(self.losses, key=self.expected)

    @property
    def defended(self) -> bool:
        """Whether no alternative is better by more than `TIE`."""
        return self.expected(self.choice) <= self.expected(self.best) + TIE

    def sentence(self) -> str:
        """What came of it, in words."""
        brief, mine = self.brief, self.expected(self.choice)
        tries = f"{brief.tries} of {len(brief.rates)} learning rates"
        start = f"{self.choice}: with {tries} tried, {mine:.2f} of the loss of chance is expected; "
        if self.best == self.choice:
            return start + "no alternative is better."
        end = f"the best alternative, {self.best}, has {self.expected(self.best):.2f}"
        tie = ", which counts as equal." if self.defended else ". The choice is not defended."
        return start + end + tie

    def table(self) -> Table:
        """One row per contender, the best first: each rate's loss, how many train, and the sum."""
        rates = self.brief.rates
        columns = (
            "",
            *(f"rate {rate:g}" for rate in rates),
            "rates that train",
            f"expected, {self.brief.tries} tried",
        )
        rows = []
        for contender in sorted(self.losses, key=self.expected):
            losses = self.losses[contender]
            name = f"{contender} ← yours" if contender == self.choice else str(contender)
            shown = [f"{losses[rate]:.2f}" for rate in rates]
            count = f"{self.trained(contender)} of {len(rates)}"
            rows.append([name, *shown, count, f"{self.expected(contender):.2f}"])
        return Table(columns, rows)
