"""Pictures of what the probes find, by depth of a model, with theory beside it."""

from collections.abc import Mapping

from matplotlib.axes import Axes

from normlab.norms import FloatArray
from normlab.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PLACEMENT_COLORS,
    PLACEMENT_MARKERS,
    RED,
)
from normlab.probes import DepthProfile, DepthSweep

LOOKS = ((RED, "s"), (BLUE, "o"), (GREEN, "^"), (ORANGE, "D"))


def draw_sweep(
    data: DepthSweep, ax: Axes, /, theory: Mapping[str, FloatArray], ylabel: str
) -> None:
    """One line for each name; theory dashed in the same colour."""
    for (name, values), (color, marker) in zip(data.values.items(), LOOKS, strict=False):
        label = f"{name}, slope {data.slope(name):.2f}"
        ax.plot(data.depths, values, color=color, marker=marker, ms=5, label=label)
        if name in theory:
            ax.plot(data.depths, theory[name], "--", color=color, lw=1)
    ax.plot([], [], "--", color=GREY, lw=1, label="theory")
    ax.set(xscale="log", yscale="log", xlabel="layers", ylabel=ylabel)
    ax.set_xticks(data.depths, [str(depth) for depth in data.depths])
    ax.set_xticks([], minor=True)
    ax.legend(fontsize="small")


def draw_decoder(data: Mapping[str, DepthProfile], ax: Axes, /) -> None:
    """‖∂ℒ/∂x‖ by layer, one line for each stack, over that at its output."""
    for (name, profile), (color, marker) in zip(data.items(), LOOKS, strict=False):
        gradient = profile.gradient / profile.gradient[-1]
        ax.plot(profile.layers, gradient, color=color, marker=marker, ms=4, label=name)
    ax.set(yscale="log", xlabel="layers below", ylabel="‖∂ℒ/∂x‖ / that at the output")
    ax.legend(fontsize="small")


def draw_token_cosine(data: Mapping[str, DepthProfile], ax: Axes, /) -> None:
    """How alike the tokens are, by layer; 1 is rank collapse."""
    for name, profile in data.items():
        color, marker = PLACEMENT_COLORS.get(name, "black"), PLACEMENT_MARKERS.get(name, "x")
        ax.plot(profile.layers, profile.token_cosine, color=color, marker=marker, ms=4, label=name)
    ax.axhline(1, color=GREY, ls=":", lw=1)
    ax.set(xlabel="layers below", ylabel="mean cosine of two tokens", ylim=(-0.05, 1.05))
    ax.legend(fontsize="small", loc="center right")
