"""Pictures of what the probes find, by depth of a model, with theory beside it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from normlab.norms import FloatArray
from normlab.pictures.style import (
    GREY,
    ORANGE,
    PINK,
    PLACEMENT_COLORS,
    PLACEMENT_MARKERS,
    SKY,
)

if TYPE_CHECKING:  # what needs torch is loaded by who makes it
    from normlab.probes import DepthProfile, DepthSweep, SublayerFactors

FACTOR_LOOKS = {
    "norm": ("norm alone", ORANGE, "D"),
    "branch": ("branch alone", SKY, "s"),
    "together": ("norm and branch", "black", "o"),
}
FACTOR_TICKS = {1 / 64: "1/64", 1 / 16: "1/16", 1 / 4: "1/4", 1 / 2: "½", 1: "1", 2: "2", 4: "4"}
OTHER_LOOKS = ((SKY, "v"), (PINK, "P"), (GREY, "X"), (ORANGE, "D"), ("black", "*"))
"""Of names that do not begin with a placement."""


def draw_sweep(
    data: "DepthSweep", ax: Axes, /, theory: Mapping[str, FloatArray], ylabel: str
) -> None:
    """One line for each name, in a band of one standard deviation over seeds; theory dashed."""
    for (name, values), look in zip(data.values.items(), _looks(data.values), strict=True):
        label, color = f"{name}, slope {data.said_slope(name)}", look["color"]
        ax.fill_between(data.depths, *data.band(name), color=color, alpha=0.2, lw=0)
        ax.plot(data.depths, values, ms=5, label=label, **look)
        if name in theory:
            ax.plot(data.depths, theory[name], "--", color=color, lw=1)
    ax.plot([], [], "--", color=GREY, lw=1, label="theory")
    ax.set(xscale="log", yscale="log", xlabel="layers", ylabel=ylabel)
    ax.set_xticks(data.depths, [str(depth) for depth in data.depths])
    ax.set_xticks([], minor=True)
    ax.yaxis.set_minor_locator(LogLocator(subs=(2, 4)))
    for set_formatter in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
        set_formatter("{x:g}")
    ax.legend(fontsize="small")


def _looks(names: Iterable[str]) -> list[dict[str, Any]]:
    """Colour and marker of the placement that a name begins with; its second line is open."""
    looks: list[dict[str, Any]] = []
    for name, (color, marker) in zip(names, OTHER_LOOKS, strict=False):
        placement = re.split("[ ,]", name.lower())[0]
        color = PLACEMENT_COLORS.get(placement, color)
        marker = PLACEMENT_MARKERS.get(placement, marker)
        again = any(look["color"] == color for look in looks)
        looks.append({"color": color, "marker": marker, "mfc": "white" if again else color})
    return looks


def draw_decoder(data: "Mapping[str, DepthProfile]", ax: Axes, /) -> None:
    """‖∂ℒ/∂x‖ by layer, one line for each stack, over that at its output."""
    for (name, profile), look in zip(data.items(), _looks(data), strict=True):
        gradient = profile.gradient / profile.gradient[-1]
        ax.plot(profile.layers, gradient, ms=4, label=name, **look)
    ax.set(yscale="log", xlabel="layers below", ylabel="‖∂ℒ/∂x‖ / that at the output")
    ax.legend(fontsize="small")


def draw_token_cosine(data: "Mapping[str, DepthProfile]", ax: Axes, /) -> None:
    """How alike the tokens are, by layer; 1 is rank collapse."""
    for name, profile in data.items():
        color, marker = PLACEMENT_COLORS.get(name, "black"), PLACEMENT_MARKERS.get(name, "x")
        ax.plot(profile.layers, profile.token_cosine, color=color, marker=marker, ms=4, label=name)
    ax.axhline(1, color=GREY, ls=":", lw=1)
    ax.set(xlabel="layers below", ylabel="mean cosine of two tokens", ylim=(-0.05, 1.05))
    ax.legend(fontsize="small", loc="center right")


def draw_factors(data: "Mapping[str, SublayerFactors]", axes: Sequence[Axes], /) -> None:
    """By what norm, branch and both multiply signal, change and gradient; an axes for each entry.

    A small mark is one sub-layer, a large one the geometric mean of all. The axes share y.
    """
    least = 0.25
    for (name, factors), ax in zip(data.items(), axes, strict=True):
        for row, passing in enumerate(factors.passing().values()):
            for place, (part, mean) in enumerate(passing.means().items()):
                label, color, marker = FACTOR_LOOKS[part]
                values, height = getattr(passing, part), -row + 0.22 * (1 - place)
                look: dict[str, Any] = {"color": color, "marker": marker, "ls": "", "mew": 0}
                ax.plot(values, [height] * len(values), ms=4, alpha=0.35, **look)
                ax.plot([mean], [height], ms=9, label=label, **look)
                least = min(least, *values)
        ax.axvline(1, color=GREY, lw=1, zorder=0)
        ax.set(xscale="log", xlabel="multiplies by", title=name, ylim=(-2.6, 0.6))
        ax.set_yticks((0, -1, -2), ("signal ↑", "change ↑", "gradient ↓"))
    for ax in axes:
        ax.set_xlim(0.8 * least, 4)
        shown = [(at, said) for at, said in FACTOR_TICKS.items() if at >= 0.8 * least]
        ax.set_xticks([at for at, _ in shown], [said for _, said in shown])
        ax.minorticks_off()
    handles, labels = axes[0].get_legend_handles_labels()
    figure = axes[0].get_figure(root=True)
    assert figure is not None  # the axes come from one
    figure.legend(handles[:3], labels[:3], loc="outside lower center", ncols=3)
