"""Pictures of the residual stream by layer."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from normlab.figures.wiring import draw_placement
from normlab.models.placement.standard import find_placement
from normlab.models.placement.wiring import wiring_code
from normlab.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PLACEMENT_COLORS,
    PLACEMENT_MARKERS,
    RED,
)
from normlab.residual import InitialLosses, StreamGrowth, compare_change
from normlab.tools.table import Table

CODE = {"family": "monospace", "size": 7}


def draw_growth(growths: Sequence[StreamGrowth], ax: Axes, /) -> None:
    """‖x_l‖²/d by layer, in the band of Xiong et al.'s Lemma 2 for pre-norm."""
    layers = np.arange(len(growths[0].mean_square))
    ax.fill_between(layers, 1 + layers / 2, 1 + 3 * layers / 2, color="#E5E5E5", label="Lemma 2")
    for growth, color, marker in zip(growths, (BLUE, ORANGE, GREEN), "os^", strict=False):
        label = f"{growth.placement}, tokens: {growth.tokens}"
        ax.plot(layers, growth.mean_square, color=color, marker=marker, ms=4, label=label)
    ax.set(xlabel="layer l", ylabel="‖x_l‖²/d", title="the stream of a pre-norm model")
    ax.legend()


def draw_placement_growth(
    data: Mapping[str, StreamGrowth], axes: tuple[Axes, Axes], /, placement: str
) -> None:
    """Left the placement's diagram, right its stream by layer, the others in grey."""
    left, right = axes
    draw_placement(placement, left)
    left.text(-1.5, -1.2, wiring_code(find_placement(placement)), CODE, va="top")
    left.set(ylim=(-4.2, 10.6))
    growths = data.values()
    lowest = min(growth.mean_square.min() for growth in growths)
    for growth in growths:
        right.plot(growth.mean_square, color="#C8C8C8", lw=1)
    chosen = data[placement].mean_square
    right.plot(chosen, color=BLUE, marker="o", ms=4, label=placement)
    right.set(yscale="log", ylim=(lowest / 2, 200), xlim=(-0.5, len(chosen) - 0.5))
    right.set(xlabel="layer l", ylabel="‖x_l‖²/d", title="mean square of the stream")
    right.legend(loc="upper left")


def describe_placement_growth(
    data: Mapping[str, StreamGrowth], /, placement: str
) -> tuple[str, Table]:
    growth = data[placement]
    first, last = growth.mean_square[0], growth.mean_square[-1]
    sentence = (
        f"With {placement} the mean square of the stream goes from {first:.2g} to {last:.3g} in "
        f"{len(growth.change)} layers; the first block changes the stream by "
        f"{100 * growth.change[0]:.3g} %, the last by {100 * growth.change[-1]:.3g} %."
    )
    return sentence, growth.table()


def draw_initial_losses(data: InitialLosses, ax: Axes, /) -> None:
    """The loss before any training, by depth."""
    looks = zip(data.losses.items(), (GREEN, BLUE, RED), "^os", strict=True)
    for (name, losses), color, marker in looks:
        ax.plot(data.depths, losses, color=color, marker=marker, label=name)
    ax.axhline(data.chance, color=GREY, ls="--", label="guessing")
    ax.set(xscale="log", xlabel="layers", ylabel="loss before training", xticks=data.depths)
    ax.set_xticks([], minor=True)
    ax.set_xticklabels([str(depth) for depth in data.depths])
    ax.legend()


Growths = Mapping[float, Sequence[StreamGrowth]]


def draw_identity(data: Growths, ax: Axes, /, scale: float) -> None:
    """How much each block changes the stream, at one scale of the weights."""
    layers = np.arange(1, len(data[scale][0].change) + 1)
    for growth in data[scale]:
        color, marker = PLACEMENT_COLORS[growth.placement], PLACEMENT_MARKERS[growth.placement]
        ax.plot(layers, growth.change, color=color, marker=marker, ms=4, label=growth.placement)
    ax.set(ylim=(-0.05, 2.05), xlim=(0, len(layers) + 1))
    ax.set(xlabel="block", ylabel="‖change‖ / ‖stream‖", title=f"weights × {scale:g}")
    ax.legend(ncols=4, loc="upper right")


def describe_identity(data: Growths, /, scale: float) -> tuple[str, Table]:
    last = len(data[scale][0].change)
    parts = [
        f"{growth.placement} {growth.change[0]:.3g} and {growth.change[-1]:.3g}"
        for growth in data[scale]
    ]
    sentence = (
        f"Weights × {scale:g}: the first and the last block change the stream, relative to its "
        f"length, by: {'; '.join(parts)}."
    )
    return sentence, compare_change(data[scale], (1, 2, last // 2, last))
