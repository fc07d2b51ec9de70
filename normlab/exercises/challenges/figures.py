"""Pictures of an attempt at an open challenge beside the course's own recipes."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from normlab.exercises.challenges.baselines import Baseline
from normlab.exercises.challenges.challenge import Outcome
from normlab.pictures.style import BLUE, GREEN, ORANGE, PINK, RED
from normlab.tools.table import Table

YOURS = "this attempt"
_LOOKS: Mapping[str, tuple[str, Any]] = {
    "pre-norm": (BLUE, "-."),
    "post-norm": (RED, "--"),
    "post-norm, small rate": (ORANGE, (0, (5, 1, 1, 1, 1, 1))),
    "DeepNorm's constants": (GREEN, ":"),
    "LayerNorm Scaling": (GREEN, ":"),
    "scaled init": (ORANGE, (0, (5, 1, 1, 1, 1, 1))),
    "growing branches": (RED, "--"),
}
"""Of each stored recipe: a placement has the colour that it has in every chapter."""
_LEAST = 1e-3
"""Nats; a layer that changes the loss by less stands at the lower edge."""


def draw_attempt(outcome: Outcome, baselines: Sequence[Baseline], figure: Figure, /) -> None:
    """Left the losses by step, one curve a seed; right, where it was measured, the layers."""
    axes = figure.subplots(1, 2 if outcome.by_layer else 1, squeeze=False)[0]
    draw_losses(outcome, baselines, axes[0])
    if outcome.by_layer:
        draw_layers(outcome, baselines, axes[1])
        axes[0].legend().remove()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=9)


def draw_losses(outcome: Outcome, baselines: Sequence[Baseline], ax: Axes, /) -> None:
    """The loss by step of every seed. A cross marks where a run was given up."""
    longest = max(len(curve) for b in baselines for curve in b.outcome.losses)
    top = 1.3 * max(curve[0] for b in baselines for curve in b.outcome.losses)
    for baseline in baselines:
        color, dash = _LOOKS[baseline.name]
        for number, curve in enumerate(baseline.outcome.losses):
            label = baseline.name if number == 0 else None
            ax.plot(curve, linestyle=dash, color=color, linewidth=1.1, alpha=0.8, label=label)
    for number, curve in enumerate(outcome.losses):
        label = YOURS if number == 0 else None
        ax.plot(curve, color=PINK, linewidth=1.8, label=label)
        if len(curve) < longest:
            height = curve[-1] if curve[-1] < top else top  # a loss that is no number: to the top
            ax.plot([len(curve) - 1], [height], "X", color=PINK, markersize=9, clip_on=False)
    ax.set(xlabel="step", ylabel="loss (nats)", title="training, one curve a seed")
    ax.set(xlim=(0, longest), ylim=(0, top))


def draw_layers(outcome: Outcome, baselines: Sequence[Baseline], ax: Axes, /) -> None:
    """How much the loss rises when a layer is left out, by layer; the deep half is shaded."""
    for baseline in baselines:
        color, dash = _LOOKS[baseline.name]
        ax.plot(*_shown(baseline.outcome.by_layer), linestyle=dash, color=color, linewidth=1.3)
    layers, rises = _shown(outcome.by_layer)
    ax.plot(layers, rises, "o-", color=PINK, markersize=4)
    half, last = len(layers) / 2, len(layers)
    ax.axvspan(half + 0.5, last + 0.5, color="black", alpha=0.05, linewidth=0)
    ax.set(yscale="log", ylim=(_LEAST, 10), xlabel="layer that is left out")
    ax.set(ylabel="rise of the loss (nats)", title="does the layer matter?")


def _shown(rises: Sequence[float]) -> tuple[list[int], list[float]]:
    layers = [number + 1 for number in range(len(rises))]
    return layers, [max(rise, _LEAST) for rise in rises]


def describe_attempt(outcome: Outcome, baselines: Sequence[Baseline], /) -> tuple[str, Table]:
    """The score beside those of the course's recipes: a sentence, and a table, best first."""
    named = [(YOURS, outcome), *((b.name, b.outcome) for b in baselines)]
    ranked = sorted(named, key=lambda item: -item[1].score)
    columns = ("recipe", "score", *(name for name, _ in outcome.measured))
    rows = [[name, f"{o.score:.0f}", *(v for _, v in o.measured)] for name, o in ranked]
    others = "; ".join(f"{b.name} {b.outcome.score:.0f}" for b in baselines)
    return f"{YOURS} has {outcome.score:.0f} of 100; {others}.", Table(columns, rows)
