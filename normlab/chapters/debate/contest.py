"""Runs a choice and its alternatives under one brief, or takes them from stored runs."""

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from normlab.chapters.debate.defence import Brief, Choice, Defence
from normlab.chapters.warmup.rate_map import (
    StoredRun,
    WarmupMap,
    load_warmup_map,
    read_warmup_map,
)
from normlab.tools.progress_bar import progress_bar
from normlab.tools.timing import one_thread
from normlab.training.loop import TrainRecord, train

STORED = Path(__file__).with_name("briefs.csv")
CONTENDERS = ("post-norm", "pre-norm", "deepnorm", "peri-norm")
"""What a choice is compared with, if nothing else is said."""


def alternatives(choice: Choice) -> list[Choice]:
    """The choice, the other placements with its norm, and its placement with the other norm.

    >>> [str(other) for other in alternatives(Choice("pre-norm"))][:2]
    ['pre-norm, layer_norm', 'post-norm, layer_norm']
    """
    other_norm = "rms_norm" if choice.norm == "layer_norm" else "layer_norm"
    placements = [replace(choice, placement=name) for name in CONTENDERS]
    return list(dict.fromkeys([choice, *placements, replace(choice, norm=other_norm)]))


def defend(choice: Choice, brief: Brief) -> Defence:
    """Train the choice and its alternatives at every rate, with a progress bar.

    Example:
        >>> brief = Brief(layers=1, steps=2, tries=1, rates=(1e-3,))
        >>> len(defend(Choice("pre-norm"), brief).losses)
        5
    """
    contenders = alternatives(choice)
    runs = list(itertools.product(contenders, brief.rates, brief.seeds))
    ended: dict[tuple[Choice, float], list[TrainRecord | StoredRun]] = {}
    with one_thread():
        for contender, rate, seed in progress_bar(runs, "runs"):
            record = train(brief.config(contender, rate, seed))
            ended.setdefault((contender, rate), []).append(record)
    return _defence(choice, brief, ended)


def defend_from_map(choice: Choice, layers: int, warmup_steps: int, tries: int) -> Defence:
    """The same from the stored runs of chapter 07: copying, 600 steps, three seeds.

    Raises:
        ValueError: if there are no runs of that kind.

    >>> defend_from_map(Choice("pre-norm"), layers=12, warmup_steps=0, tries=1).defended
    True
    """
    return _from_stored(load_warmup_map(), choice, layers, warmup_steps, tries)


def defend_from_briefs(
    choice: Choice, layers: int, warmup_steps: int, tries: int, init: str = "xavier"
) -> Defence:
    """The same from stored runs of the closing task's kind: successor, 25 steps, five seeds.

    Raises:
        ValueError: if there are no runs of that kind.

    >>> defend_from_briefs(Choice("deepnorm"), layers=24, warmup_steps=0, tries=1).defended
    True
    """
    return _from_stored(load_briefs(), choice, layers, warmup_steps, tries, init)


def load_briefs() -> WarmupMap:
    """The stored runs of many briefs; `briefs.toml` beside this file says which.

    >>> load_briefs().axis("decoder_layers")
    [6, 12, 24]
    """
    return read_warmup_map(STORED)


def _from_stored(
    stored: WarmupMap,
    choice: Choice,
    layers: int,
    warmup_steps: int,
    tries: int,
    init: str = "xavier",
) -> Defence:
    runs = stored.cell(decoder_layers=layers, warmup_steps=warmup_steps, init=init)
    ended: dict[tuple[Choice, float], list[TrainRecord | StoredRun]] = {}
    for run in runs:
        key = Choice(run.config.placement, run.config.norm), run.config.learning_rate
        ended.setdefault(key, []).append(run)
    if choice not in {contender for contender, _ in ended}:
        raise ValueError(
            f"nothing is stored for {choice} with {layers} layers, {warmup_steps} steps of warmup "
            f"and {init} weights; expected layers in {stored.axis('decoder_layers')}, warmup in "
            f"{stored.axis('warmup_steps')}, weights in {stored.axis('init')}, and a placement in "
            f"{stored.placements()}."
        )
    brief = Brief(
        layers=layers,
        steps=runs[0].config.steps,
        tries=tries,
        rates=stored.axis("learning_rate"),
        warmup_steps=warmup_steps,
        task=runs[0].config.task,
        init=init,
        seeds=stored.axis("seed"),
    )
    return _defence(choice, brief, ended)


def _defence(
    choice: Choice,
    brief: Brief,
    ended: Mapping[tuple[Choice, float], Sequence[TrainRecord | StoredRun]],
) -> Defence:
    losses: dict[Choice, dict[float, float]] = {}
    spread: dict[Choice, dict[float, tuple[float, float]]] = {}
    for (contender, rate), runs in ended.items():
        shares = [_share_of_chance(run) for run in runs]
        losses.setdefault(contender, {})[rate] = statistics.median(shares)
        spread.setdefault(contender, {})[rate] = min(shares), max(shares)
    return Defence(choice, brief, losses, spread)


def _share_of_chance(run: TrainRecord | StoredRun) -> float:
    share = run.final_loss / run.chance
    return min(share, 1.0) if math.isfinite(share) else 1.0
