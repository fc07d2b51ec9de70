"""The picture of which rates train deep decoders."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from normlab.chapters.warmup.deep_rates import DeepRates, plain
from normlab.pictures.style import PLACEMENT_COLORS, PLACEMENT_MARKERS

_ASIDE = 0.22
"""How far the marks of two placements stand from each other, in depths."""


def draw_deep_rates(data: DeepRates, axes: Sequence[Axes], /, budgets: Sequence[int]) -> None:
    """Learning rate by depth, one axes for each budget of steps.

    A mark stands where seeds train: filled where all do, open where some do. The line leads along
    the highest rate at which all do; ↑ says that no higher one was tried, and a mark in the row
    at the bottom that none of the rates trains all.
    """
    below = data.rates[0] / 4
    for ax, budget in zip(axes, budgets, strict=True):
        for number, placement in enumerate(data.placements):
            _draw_placement(data, ax, placement, budget, _ASIDE * (number - 1), below)
        ticks = [below, *data.rates]
        ax.set(yscale="log", ylim=(below / 1.6, data.rates[-1] * 9), title=f"{budget} steps")
        ax.set_yticks(ticks, ["none", *(plain(rate) for rate in data.rates)])
        ax.set_xticks(range(len(data.depths)), [str(depth) for depth in data.depths])
        ax.set(xlim=(-0.5, len(data.depths) - 0.5), xlabel="layers")
        ax.minorticks_off()
        ax.grid(visible=False, axis="x")
    axes[0].set(ylabel="learning rate")
    axes[0].legend(loc="upper center", ncols=3, fontsize=8, columnspacing=1)


def _draw_placement(
    data: DeepRates, ax: Axes, placement: str, budget: int, aside: float, below: float
) -> None:
    color, marker = PLACEMENT_COLORS[placement], PLACEMENT_MARKERS[placement]
    places = [depth + aside for depth in range(len(data.depths))]
    highest = [data.highest(placement, layers, budget) for layers in data.depths]
    line = [below if rate is None else rate for rate in highest]
    ax.plot(places, line, color=color, marker=marker, markersize=5, linewidth=1.4, label=placement)
    for x, layers, top in zip(places, data.depths, highest, strict=True):
        for rate in data.rates:
            share = data.share(placement, layers, rate, budget)
            if share:
                filled = color if share == 1 else "white"
                ax.plot([x], [rate], marker, color=color, markerfacecolor=filled, markersize=5)
        if top == data.rates[-1]:
            ax.text(x, top * 1.25, "↑", color=color, ha="center", va="bottom", fontsize=9)
