"""What a challenge is: settings that a learner's function returns, a training, and a score."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from normlab.training.config import TrainConfig

Settings: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Budget:
    """What every attempt trains: the same for all, so that scores can be compared.

    Args:
        layers: blocks of each model.
        steps: updates of the weights.
        seeds: one model is trained for each.

    >>> Budget(layers=24, steps=200, seeds=(0, 1, 2)).config().decoder_layers
    24
    """

    layers: int
    steps: int
    seeds: tuple[int, ...]

    def config(self) -> TrainConfig:
        """Copying four symbols: the answer needs attention, so no embedding can give it."""
        return TrainConfig(
            task="copy",
            decoder_layers=self.layers,
            d_model=32,
            heads=4,
            d_ff=64,
            tokens=8,
            vocab_size=8,
            batch=16,
            steps=self.steps,
        )

    def __str__(self) -> str:
        return f"{self.layers} layers, {self.steps} steps, seeds {self.seeds}"


@dataclass(frozen=True)
class Outcome:
    """What an attempt gave.

    Args:
        score: from 0 to 100.
        measured: (what it is, what it came to) as a learner reads it, in the order of the formula.
        losses: of every step (nats), one curve for each seed; a run that was given up is shorter.
        by_layer: the rise of the loss without each layer, where a challenge measures it.
        numbers: what other scores are computed from.
    """

    score: float
    measured: Sequence[tuple[str, str]]
    losses: Sequence[Sequence[float]]
    by_layer: Sequence[float] = ()
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def as_json(self) -> str:
        """As the learner's record keeps it: four digits of each loss."""
        values = {
            "score": self.score,
            "measured": list(self.measured),
            "losses": [[float(f"{loss:.4g}") for loss in curve] for curve in self.losses],
            "by_layer": [float(f"{rise:.4g}") for rise in self.by_layer],
            "numbers": dict(self.numbers),
        }
        return json.dumps(values, ensure_ascii=False)


def read_outcome(text: str) -> Outcome:
    """What `Outcome.as_json` wrote.

    >>> outcome = Outcome(50.0, [("final loss", "0.1")], [[2.0, 1.0]])
    >>> read_outcome(outcome.as_json()).losses
    [[2.0, 1.0]]
    """
    values = json.loads(text)
    values["measured"] = [(name, value) for name, value in values["measured"]]
    return Outcome(**values)


@dataclass(frozen=True)
class Challenge:
    """One open challenge.

    Args:
        function: what the learner writes.
        title: as a learner reads it.
        rules: another number whenever equal settings could get another score than before.
        read: `read(answer, budget)` calls the learner's function, and returns its settings.
        say: the settings in a few words.
        measure: `measure(settings, budget)` trains, and scores.
        budget: of each attempt.
    """

    function: str
    title: str
    rules: int
    read: Callable[[Answer, Budget], Settings]
    say: Callable[[Settings], str]
    measure: Callable[[Settings, Budget], Outcome]
    budget: Budget

    @property
    def rules_text(self) -> str:
        """Under which rules an attempt is scored; scores of different rules do not compare."""
        return f"rules {self.rules}, {self.budget}"
