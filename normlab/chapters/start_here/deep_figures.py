"""Pictures of deep networks with and without norms: their activations, and their training."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.start_here.deep_networks import BINS, LAYERS, NETWORKS, NORM, LayerSizes
from normlab.chapters.start_here.deep_runs import DeepRun
from normlab.pictures.style import BLUE, GREY, PINK
from normlab.tools.table import Table

_LOOKS = dict(zip(NETWORKS, ((GREY, "-"), (BLUE, "--"), (PINK, "-.")), strict=True))
_LOWEST, _HIGHEST = 1e-3, 1e11
"""Losses that a picture shows; what lies beyond stands at its edge."""

Deep = tuple[LayerSizes, Mapping[str, list[DeepRun]]]


def draw_deep_network(data: Deep, axes: tuple[Axes, Axes], /, network: str, layer: int) -> None:
    """Left the sizes of the activations of one layer, right the training of all networks."""
    sizes, runs = data
    draw_sizes(sizes, axes[0], network, layer)
    draw_deep_losses(runs, axes[1], network)


def draw_sizes(sizes: LayerSizes, ax: Axes, network: str, layer: int) -> None:
    """A histogram of |x| in one layer, over the outline of what went into the first."""
    shares, (color, _) = sizes.shares[network], _LOOKS[network]
    ax.stairs(shares[layer], 10**BINS, fill=True, color=color, label=f"layer {layer}")
    ax.stairs(shares[0], 10**BINS, color="black", linewidth=1.2, label="the input")
    ax.set(xscale="log", xlim=(1e-3, 1e7), ylim=(0, 0.25), title="before training")
    ax.set(xlabel="|x| of a number", ylabel="share of the numbers")
    ax.legend(loc="upper right")


def draw_own_norm(sizes: LayerSizes, axes: tuple[Axes, Axes], /) -> None:
    """The numbers after the last layer: left without a norm, right with a learner's own."""
    titles = ("without a norm", "with your layer_norm")
    for ax, network, title in zip(axes, sizes.rms, titles, strict=True):
        draw_sizes(sizes, ax, network, len(sizes.rms[network]) - 1)
        ax.set_title(title)


def describe_own_norm(sizes: LayerSizes, /) -> str:
    without, own = sizes.rms.values()
    layers = len(own) - 1
    return (
        f"After {layers} layers the numbers have the root mean square {_size(without[-1])} without "
        f"a norm, and {_size(own[-1])} with your layer_norm at all {2 * layers + 1} places. With "
        "the course's it is the same picture: chapter 00, “24 layers”."
    )


def draw_deep_losses(runs: Mapping[str, list[DeepRun]], ax: Axes, network: str) -> None:
    """The loss by step of every seed; the chosen network stands out."""
    for name, of_network in runs.items():
        color, dash = _LOOKS[name]
        for run in of_network:
            alpha, width = (1.0, 2.0) if name == network else (0.6, 1.0)
            losses = np.clip(run.losses, _LOWEST, _HIGHEST)
            label = name if run is of_network[0] else None
            ax.plot(run.steps, losses, dash, color=color, alpha=alpha, linewidth=width, label=label)
    chance = runs[NORM][0].chance
    ax.axhline(chance, color="black", linestyle=(0, (1, 3)), label=f"guessing: {chance:.1f}")
    ax.set(yscale="log", ylim=(_LOWEST, _HIGHEST), xlim=(0, 100), title="training, 3 seeds each")
    ax.set(xlabel="step", ylabel="loss (nats)", yticks=[1e-2, 1, 1e2, 1e4, 1e6])
    ax.legend(loc="upper right", fontsize=8)


def describe_deep_network(data: Deep, /, network: str, layer: int) -> tuple[str, Table]:
    sizes, runs = data
    ends = " and ".join(_size(run.final_loss) for run in runs[network])
    sentence = (
        f"{network[0].upper()}{network[1:]}: after {layer} of {LAYERS} layers the numbers have the "
        f"root mean square {_size(sizes.rms[network][layer])}. Three seeds end their training at "
        f"losses of {ends}; guessing costs {runs[network][0].chance:.1f}."
    )
    rows = [
        [
            name,
            _size(sizes.rms[name][layer]),
            ", ".join(_size(run.final_loss) for run in runs[name]),
        ]
        for name in runs
    ]
    return sentence, Table(("network", f"root mean square, layer {layer}", "final losses"), rows)


def _size(value: float) -> str:
    """One or two digits: the rest is another with another seed."""
    if math.isnan(value):
        return "no number"
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 100 else f"{value:.2g}"
