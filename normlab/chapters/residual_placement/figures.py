"""Pictures of the residual stream by layer, and the block diagrams of placements."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.residual_placement.diagrams import HIGHEST, draw_placement
from normlab.chapters.residual_placement.stream import StreamGrowth, compare_change
from normlab.chapters.residual_placement.streams import PlacementStreams
from normlab.chapters.residual_placement.untrained_losses import InitialLosses
from normlab.pictures.end_names import name_line_ends
from normlab.pictures.style import (
    BLUE,
    FAINT,
    GREY,
    PALE,
    PLACEMENT_COLORS,
    PLACEMENT_MARKERS,
    RED,
)
from normlab.tools.error_bars import with_error
from normlab.tools.table import Table

GROWTH_LOOKS = ((BLUE, "o", BLUE), (BLUE, "o", "white"), (RED, "s", RED))
"""Of pre-norm, of pre-norm with more tokens, and of post-norm."""


def draw_growth(growths: Sequence[StreamGrowth], ax: Axes, /) -> None:
    """‖x_l‖²/D by layer and its spread over draws, in the band of Xiong et al.'s Lemma 2."""
    layers = np.arange(len(growths[0].mean_square))
    ax.fill_between(layers, *growths[0].lemma_2(), color=FAINT, label="Lemma 2")
    for growth, (color, marker, inside) in zip(growths, GROWTH_LOOKS, strict=False):
        mean, label = growth.mean_square, f"{growth.placement}, tokens: {growth.tokens}"
        if growth.spread is not None:
            ends = mean - growth.spread, mean + growth.spread
            ax.fill_between(layers, *ends, color=color, alpha=0.25, lw=0)
            label += f", mean and spread of {growth.draws} draws"
        ax.plot(layers, mean, color=color, marker=marker, mfc=inside, ms=4, label=label)
    ax.set(xlabel="layer l", ylabel="‖x_l‖²/D", title="the stream of a pre-norm model")
    ax.legend()


def draw_own_growth(growths: Sequence[StreamGrowth], ax: Axes, /) -> None:
    """The same of a learner's steps, post-norm too."""
    draw_growth(growths, ax)
    ax.set_title("the stream with your steps")


def describe_own_growth(growths: Sequence[StreamGrowth], /) -> str:
    layers = len(growths[0].change)
    one_token, tokens, post = (_at_the_end(growth) for growth in growths)
    _, highest = growths[0].lemma_2()
    return (
        f"After {layers} layers of your pre_norm_step the mean square of the stream is "
        f"{one_token} with 1 token, where Lemma 2 says {highest[-1]:.0f}, and "
        f"{tokens} with 16. After your post_norm_step it is "
        f"{post}. Chapter 05, section 5, has the two curves of pre-norm."
    )


def _at_the_end(growth: StreamGrowth) -> str:
    end = growth.mean_square[-1]
    if growth.spread is None:
        return f"{end:.1f}"
    return with_error(end, growth.spread[-1] / math.sqrt(growth.draws))


def draw_change(growths: Sequence[StreamGrowth], ax: Axes, /) -> None:
    """How much each block changes the stream, by block; lines that are 0 are named, not drawn."""
    bottom, last = 2e-5, len(growths[0].change)
    blocks = np.arange(1, last + 1)
    ends = {}
    for growth in growths:
        name = f"{growth.placement}, {growth.init}"
        if not growth.change.any():
            ends[f"{name}: 0"] = bottom
            continue
        ends[name] = max(bottom, float(growth.change[-1]))
        color, dash = PLACEMENT_COLORS.get(growth.placement, GREY), DASHES[growth.init]
        ax.plot(blocks, growth.change, color=color, ls=dash, label=name)
    ax.set(
        yscale="log", ylim=(bottom, 100), xlim=(0, 1.75 * last), xticks=[1, *range(6, last + 1, 6)]
    )
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set(xlabel="block", ylabel="‖change‖ / ‖stream‖", title="change of the stream by each block")
    name_line_ends(ax, ends, (last, 1.06 * last), "", BLUE)


def draw_placement_growth(
    data: PlacementStreams, axes: tuple[Axes, Axes], /, placement: str
) -> None:
    """Left the placement's diagram, right its stream by layer; in grey the others known so far."""
    left, right = axes
    chosen = data.at(placement)
    last = len(chosen.change)
    draw_placement(placement, left, layer=last, layers=last, rows=HIGHEST)
    # from the decade below the start of the stream, which is that of all placements
    bottom, top = 10 ** np.floor(np.log10(chosen.mean_square[0] / 2)), 200.0
    for name, growth in data.known.items():
        if name != placement:
            right.plot(growth.mean_square, color=PALE, lw=1, label=name)
    right.set(yscale="log", ylim=(bottom, top), xlim=(-0.5, 1.65 * last))
    right.yaxis.set_major_formatter("{x:g}")
    right.set_yticks([], minor=True)
    ends = {name: max(bottom, float(g.mean_square[-1])) for name, g in data.known.items()}
    color = PLACEMENT_COLORS.get(placement, "black")
    marker = PLACEMENT_MARKERS.get(placement, "o")
    name_line_ends(right, ends, (last, 1.07 * last), placement, color)
    right.plot(chosen.mean_square, color=color, marker=marker, ms=4, label=placement)
    right.set_xticks(np.unique(np.linspace(0, last, 5).round().astype(int)))
    right.set(xlabel="layer l", ylabel="‖x_l‖²/D", title="mean square of the stream")


def describe_placement_growth(data: PlacementStreams, /, placement: str) -> tuple[str, Table]:
    growth = data.at(placement)
    first, last = growth.mean_square[0], growth.mean_square[-1]
    sentence = (
        f"With {placement} the mean square of the stream goes from {first:.2g} to {last:.3g} in "
        f"{len(growth.change)} layers."
    )
    rows = [[layer, f"{square:.3g}"] for layer, square in enumerate(growth.mean_square)]
    return sentence, Table(("layer", "‖x_l‖²/D"), rows)


def draw_initial_losses(data: InitialLosses, ax: Axes, /) -> None:
    """The loss before any training, by depth: the mean over seeds, and each seed."""
    looks = ((RED, "s", "-", 9), (BLUE, "o", "-", 5), (BLUE, "v", "--", 5))
    for (name, losses), (color, marker, dash, size) in zip(data.losses.items(), looks, strict=True):
        mean = losses.mean(axis=0)  # (seeds, N) -> (N,)
        ax.plot(data.depths, mean, color=color, marker=marker, ms=size, ls=dash, label=name)
        ax.plot(data.depths, losses.T, color=color, marker=".", ms=3, ls="", zorder=1)
    ax.axhline(data.chance, color=GREY, ls="--", label="guessing")
    ax.set(xscale="log", xlabel="layers", ylabel="loss before training", xticks=data.depths)
    ax.set_xticks([], minor=True)
    ax.set_xticklabels([str(depth) for depth in data.depths])
    ax.legend()


DASHES = {
    "xavier": "-",
    "xiong": (0, (5, 1, 1, 1)),
    "gpt2": "--",
    "gpt2-scaled": ":",
    "zero-output": "-.",
}
Growths = Mapping[float, Sequence[StreamGrowth]]


def draw_identity(data: Growths, ax: Axes, /, scale: float) -> None:
    """How much each block changes the stream, at one scale of the weights."""
    layers = np.arange(1, len(data[scale][0].change) + 1)
    for growth in data[scale]:
        color, marker = PLACEMENT_COLORS[growth.placement], PLACEMENT_MARKERS[growth.placement]
        ax.plot(layers, growth.change, color=color, marker=marker, ms=4, label=growth.placement)
    ax.set_yscale("symlog", linthresh=0.01)
    ax.set_yticks((0, 0.01, 0.1, 1, 10, 100), ("0", "0.01", "0.1", "1", "10", "100"))
    ax.set(ylim=(-0.001, 300), xlim=(0, len(layers) + 1))
    ax.set(xlabel="block", ylabel="‖change‖ / ‖stream‖", title=f"weights × {scale:g}")
    ax.legend(ncols=2, loc="upper right")


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
