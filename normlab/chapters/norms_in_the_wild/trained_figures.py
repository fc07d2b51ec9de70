"""Pictures of several streams, and of designs that were trained under one budget."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.norms_in_the_wild.streams import MixedStreams
from normlab.chapters.norms_in_the_wild.trained_placements import (
    LEAST_SHOWN,
    TrainedPlacements,
    TrainedSetting,
)
from normlab.pictures.style import (
    BAND,
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE,
    PINK,
    PLACEMENT_COLORS,
    RED,
)
from normlab.tools.table import Table

_LEAST = 1e-3
"""The lowest that the axis of differences between streams shows."""
DESIGN_COLORS = {
    "no norm": GREY,
    "pre-norm": PLACEMENT_COLORS["pre-norm"],
    "post-norm": PLACEMENT_COLORS["post-norm"],
    "Peri-LN": PLACEMENT_COLORS["peri-norm"],
    "LayerNorm Scaling": PINK,
    "hyper-connections": GREEN,
}
BESIDE = "pre-norm"
"""The design that every other one is shown beside."""


def draw_mixed_streams(data: MixedStreams, axes: Sequence[Axes], /) -> None:
    """Left how far the products stretch, right what they leave of differences, by layer."""
    looks = zip(data.largest, (GREY, RED, BLUE, ORANGE), (":", "-.", "-", "--"), strict=True)
    for kind, color, dash in looks:
        for ax, values in zip(axes, (data.largest[kind], data.between[kind]), strict=True):
            ax.plot(np.where(values < _LEAST, np.nan, values), dash, color=color, label=kind)
    for ax, title in zip(axes, ("stretches at most", "left of a difference"), strict=True):
        ax.set(yscale="log", ylim=(_LEAST, 3e3), xlabel="layer", title=title)
        ax.set_yticks([1e-3, 1e-2, 0.1, 1, 10, 100, 1000])
        ax.set_yticklabels(["0.001", "0.01", "0.1", "1", "10", "100", "1000"])
        ax.minorticks_off()
    axes[0].legend(loc="lower left", fontsize=8)


def draw_trained(data: TrainedSetting, axes: tuple[Axes, Axes], /, design: str) -> None:
    """Left the loss of every design, the lowest on top; right what each layer of one is worth."""
    _draw_losses(data.runs, axes[0], data.task, data.layers, design)
    _draw_worth(data.runs, axes[1], data.task, data.layers, design)


def _draw_losses(data: TrainedPlacements, ax: Axes, task: str, layers: int, chosen: str) -> None:
    """A mark for each seed, a bar at their median; of what has learned nothing, a number alone.

    A band is behind the chosen design.
    """
    upwards = data.ranked(task, layers)[::-1]
    for height, design in enumerate(upwards):
        color, middle = DESIGN_COLORS.get(design, INK), data.median_loss(task, layers, design)
        if data.learned(task, layers, design):
            losses = [run.loss for run in data.best(task, layers, design)]
            ax.plot(losses, [height] * len(losses), "o", color=color, ms=4, alpha=0.6)
            ax.plot([middle, middle], [height - 0.35, height + 0.35], color=color, lw=2.5)
        else:
            place = ax.get_yaxis_transform()  # x in shares of the axes
            ax.text(
                0.98,
                height,
                f"{middle:,.{0 if middle > 10 else 2}f} →",
                transform=place,
                ha="right",
                va="center",
            )
    ax.set_yticks(range(len(upwards)), upwards)
    row = upwards.index(chosen)
    ax.axhspan(row - 0.45, row + 0.45, color=PALE, alpha=BAND, lw=0)
    ax.set(ylim=(-0.7, len(upwards) - 0.3), title=f"{task}, {layers} layers")
    ax.set_xlabel(f"loss, nats a character; chance {data.chance(task):.2f}")
    ax.grid(visible=False, axis="y")


def _draw_worth(data: TrainedPlacements, ax: Axes, task: str, layers: int, chosen: str) -> None:
    """Lines are medians over seeds, the band of the chosen design is from lowest to highest."""
    for design, dash in {BESIDE: "--", chosen: "-"}.items():
        if not data.learned(task, layers, design):
            said = f"{design} has learned nothing"
            ax.text(0.5, 0.6, said, transform=ax.transAxes, ha="center")
            continue
        runs = data.best(task, layers, design)
        worth = np.maximum([run.worth for run in runs], LEAST_SHOWN)  # (S, L)
        color, numbers = DESIGN_COLORS.get(design, INK), np.arange(1, layers + 1)
        if design == chosen:
            ax.fill_between(numbers, worth.min(0), worth.max(0), color=color, alpha=BAND, lw=0)
        middle = np.median(worth, axis=0)  # over seeds: (S, L) -> (L,)
        ax.plot(numbers, middle, dash, color=color, label=design)
    ax.set(yscale="log", ylim=(LEAST_SHOWN / 1.3, 5), xlabel="layer left out")
    ax.set_title("the loss rises by")
    ax.set_yticks([LEAST_SHOWN, 0.01, 0.1, 1], ["0.005\nor less", "0.01", "0.1", "1"])
    ax.set_xticks([1, *(layers * quarter // 4 for quarter in (1, 2, 3, 4))])
    ax.minorticks_off()
    ax.legend(loc="upper right")


def describe_trained(data: TrainedSetting, /, design: str) -> tuple[str, Table]:
    runs, task, layers = data.runs, data.task, data.layers
    ranked, table = runs.ranked(task, layers), runs.table(task, layers)
    loss = f"{runs.median_loss(task, layers, design):.2f}"
    place = f"{task}, {layers} layers: {design} is number {ranked.index(design) + 1} of "
    sentence = f"{place}{len(ranked)}, with a loss of {loss}."
    if runs.learned(task, layers, design):
        worth = {row[0]: row[-1] for row in table.rows}
        sentence += (
            f" Left out, a layer of its deeper half costs {worth[design]} on average; one of "
            f"{BESIDE}'s costs {worth[BESIDE]}."
        )
    return sentence, table
