"""The second challenge: the smallest change that makes pre-norm's deep layers matter."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from normlab.exercises.challenges.baselines import load_baselines
from normlab.exercises.challenges.challenge import Answer, Budget, Outcome, Settings
from normlab.exercises.challenges.leaving_out import (
    held_out_loss,
    output_moved,
    rises_without_each_layer,
)
from normlab.exercises.challenges.names import DEEP_LAYERS
from normlab.exercises.challenges.settings import returned_settings
from normlab.exercises.challenges.training import train_all
from normlab.models.placement.base import Gains, Placement, Site
from normlab.models.placement.standard import PreNorm
from normlab.models.transformer import TransformerConfig
from normlab.tools.toml_settings import as_hinted, expect, number, refuse_unknown
from normlab.training.config import TrainConfig

CHANGES = ("branch", "norm_output", "shortcut", "init_gain")
"""What may be multiplied by a factor in layer ℓ: x + c·f(norm(x)), x + f(c·norm(x)),
c·x + f(norm(x)), and the initial W_v, W_o and FFN weights."""
RATE, WARMUP = 1e-3, 50
MATTERS = 0.1
"""Nats; a layer counts in full if leaving it out costs as much."""
MARGIN = 0.1
"""Nats; the loss may be that much above plain pre-norm's."""
FACTOR = number(0.01, 100)


def read_change(answer: Answer, budget: Budget) -> Settings:
    """What `answer(layer, layers)` returns for each layer: which change, and the factors.

    Raises:
        ValueError: unless it is one change, the same at every layer, and each factor a number
            in its range.

    >>> read_change(lambda layer, layers: {"branch": layer / layers}, Budget(2, 1, (0,)))
    {'change': 'branch', 'factors': [0.5, 1.0]}
    """
    names, factors = [], []
    for layer in range(1, budget.layers + 1):
        where = f"pre_norm_change({layer}, {budget.layers})"
        returned = returned_settings(where, answer, layer, budget.layers)
        refuse_unknown(where, returned, CHANGES)
        expect(len(returned) == 1, where, returned, f"one of {', '.join(CHANGES)}, and a factor")
        ((name, factor),) = returned.items()
        factor = as_hinted(f"{where} {name}", factor, float)
        expect(FACTOR.right(factor), f"{where} {name}", factor, FACTOR.words)
        names.append(name)
        factors.append(factor)
    expect(len(set(names)) == 1, "the change", sorted(set(names)), "the same one in every layer")
    return {"change": names[0], "factors": factors}


def say_change(settings: Settings) -> str:
    """The change in a few words: its factor in the first, the middle and the last layer.

    >>> say_change({"change": "branch", "factors": [1.0, 1.5, 2.0]})
    'branch × 1, …, 1.5, …, 2'
    """
    factors = settings["factors"]
    shown = (factors[0], factors[len(factors) // 2], factors[-1])
    return f"{settings['change']} × {', …, '.join(f'{factor:.3g}' for factor in shown)}"


def changed_pre_norm(change: str, factors: Sequence[float]) -> type[Placement]:
    """Pre-norm with one thing multiplied in layer ℓ by `factors[ℓ − 1]`; its blocks can be silent.

    A silent block leaves out its branches, and keeps its shortcut with the factor of that.
    """

    class ChangedPreNorm(PreNorm):
        silent = False

        def __init__(self, site: Site) -> None:
            super().__init__(site)
            by_name = dict.fromkeys(CHANGES, 1.0) | {change: factors[site.layer - 1]}
            self.branch, self.norm_output, self.shortcut, gain = by_name.values()
            self.gains = Gains(value_output=gain, feed_forward=gain)

        def step(self, x: Any, f: Any, norm: Any) -> Any:
            kept = self.shortcut * x
            return kept if self.silent else kept + self.branch * f(self.norm_output * norm(x))

    return ChangedPreNorm


@dataclass(frozen=True)
class ChangedRun(TrainConfig):
    """A run of `changed_pre_norm`."""

    change: str = "branch"
    factors: Sequence[float] = ()

    def model(self) -> TransformerConfig:
        return replace(super().model(), placement=changed_pre_norm(self.change, self.factors))


@dataclass(frozen=True)
class Measured:
    """What a trained change came to, each a mean over the seeds.

    Args:
        share: how much of the deep half matters, from 0 to 1 (`deep_share`).
        moved: how far the change moves the output of the untrained model (`output_moved`).
        loss: after the training, of sequences that were not trained on.
    """

    share: float
    moved: float
    loss: float


def score_of(found: Measured, plain: Measured) -> float:
    """100 · √(gain · nearness), or 0 if the loss is more than 0.1 above plain pre-norm's.

    gain = (share − plain share)/(1 − plain share) and nearness = 1 − moved/√2, neither below 0.
    Two outputs that have nothing in common are √2 apart.

    >>> plain = Measured(share=0.1, moved=0.0, loss=0.03)
    >>> score_of(plain, plain), score_of(Measured(1.0, 0.0, 0.12), plain)
    (0.0, 100.0)
    >>> score_of(Measured(1.0, 0.0, 0.2), plain), score_of(Measured(1.0, 0.0, math.nan), plain)
    (0.0, 0.0)
    """
    if not found.loss <= plain.loss + MARGIN:
        return 0.0
    gain = max(0.0, (found.share - plain.share) / (1 - plain.share))
    nearness = max(0.0, 1 - found.moved / math.sqrt(2))
    return 100 * math.sqrt(gain * nearness)


def deep_share(rises: Sequence[float]) -> float:
    """The mean over the deep half of the layers of rise/0.1, each between 0 and 1.

    Args:
        rises: of the loss (nats) when each layer is left out. A layer counts in full from 0.1 on,
            so one layer that carries all counts no more than another.

    >>> deep_share([2.0, 2.0, 5.0, 0.05])
    0.75
    """
    deep = rises[len(rises) // 2 :]
    return sum(min(1.0, max(0.0, rise / MATTERS)) for rise in deep) / len(deep)


def attempt_change(settings: Settings, budget: Budget) -> Outcome:
    """Train one changed pre-norm model a seed, and score the change against plain pre-norm."""
    plain = load_baselines(DEEP_LAYERS)[0].outcome.numbers
    return measure_change(settings, budget, Measured(**plain))


def measure_change(settings: Settings, budget: Budget, plain: Measured | None = None) -> Outcome:
    """`attempt_change` beside another plain pre-norm; beside itself, if none is given."""
    config = replace(budget.config(), learning_rate=RATE, warmup_steps=WARMUP)
    changed = ChangedRun(**{**vars(config), **settings})
    untrained = ChangedRun(**vars(config), factors=[1.0] * budget.layers)
    moved = [output_moved(changed, untrained, seed) for seed in budget.seeds]
    runs = train_all(changed, budget)
    rises = [rises_without_each_layer(run) for run in runs]
    losses = [held_out_loss(run) for run in runs]
    found = Measured(_mean(map(deep_share, rises)), _mean(moved), _mean(losses))
    measured = [
        ("deep half matters", f"{found.share:.0%}"),
        ("untrained output moved by", f"{found.moved:.2f}"),
        ("loss afterwards", f"{found.loss:.3f}"),
    ]
    by_layer = [_mean(of_layer) for of_layer in zip(*rises, strict=True)]
    score = score_of(found, plain or found)
    return Outcome(score, measured, [r.losses for r in runs], by_layer, vars(found))


def _mean(numbers: Iterable[float]) -> float:
    numbers = list(numbers)
    return sum(numbers) / len(numbers)
