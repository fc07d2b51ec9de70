"""Pictures of graph networks: nodes that run together with depth, and what that costs."""

import numpy as np
from matplotlib.axes import Axes

from normlab.graph_runs import AccuracyByDepth
from normlab.norms import FloatArray
from normlab.pictures.style import BLUE, GREEN, GREY, ORANGE
from normlab.smoothing import Smoothing
from normlab.tools.table import Table

LOOKS = {
    "no norm": (GREY, "x", ":"),
    "LN, mode node": (BLUE, "o", "-"),
    "LN, mode graph": (ORANGE, "s", "--"),
    "GraphNorm": (GREEN, "^", "-."),
}
COMMUNITIES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))
SHOWN = 20


def spread(x: FloatArray) -> FloatArray:
    """Each node in the two directions in which the nodes differ most, over the nodes' length.

    (N, D) -> (N, 2): 0 for all where the nodes are one and the same vector.
    """
    length = np.sqrt((x**2).sum(1).mean())  # (N, D) -> (N,) -> ()
    centered = (x - x.mean(0)) / length  # (N, D) - (D,)
    _, _, directions = np.linalg.svd(centered, full_matrices=False)
    places = centered @ directions[:2].T  # (N, D) @ (D, 2) -> (N, 2)
    return places * np.sign(places[np.abs(places).argmax(0), [0, 1]])


def draw_smoothing(data: Smoothing, axes: tuple[Axes, Axes], /, layers: int, norm: str) -> None:
    """Left the nodes after so many layers; right how far apart their directions are, by depth."""
    left, right = axes
    places, labels = spread(data.layers[norm][layers]), data.graph.labels
    for community, (color, marker) in enumerate(COMMUNITIES):
        own = places[labels == community][:SHOWN]  # (N, 2) -> (n, 2)
        left.plot(*own.T.round(4), marker, color=color, ms=5, label=f"community {community + 1}")
    left.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), xlabel="direction 1", ylabel="direction 2")
    left.set_title(f"{norm}, {layers} layers")
    left.legend(loc="lower right", fontsize=8)
    for name in data.layers:
        color, marker, dash = LOOKS[name]
        apart = data.apart(name)
        chosen = name == norm
        width = 2.4 if chosen else 1
        right.plot(apart, dash, color=color, linewidth=width, label=name)
        if chosen:
            right.plot(layers, apart[layers], marker, color=color, ms=9, mec="black")
    right.set(yscale="log", ylim=(1e-17, 10), xlabel="layers", ylabel="mean of 1 − cos")
    right.set_yticks([1e-16, 1e-12, 1e-8, 1e-4, 1], ["10⁻¹⁶", "10⁻¹²", "10⁻⁸", "10⁻⁴", "1"])
    right.set_xticks([0, 16, 32, 48, 64])
    right.minorticks_off()
    right.set_title("how far apart directions are")
    right.legend(loc="lower left", fontsize=8)


def describe_smoothing(data: Smoothing, /, layers: int, norm: str) -> tuple[str, Table]:
    energy, apart = data.energy(norm)[layers], data.apart(norm)[layers]
    sentence = (
        f"{norm}, {layers} untrained layers: the Dirichlet energy is {energy:.0e} a node, and the "
        f"directions are {apart:.0e} apart."
    )
    return sentence, data.table()


def draw_accuracy(data: AccuracyByDepth, ax: Axes, /) -> None:
    """The share of right labels by depth: the mean over seeds, and each seed as a small mark."""
    for name, values in data.accuracy.items():
        color, marker, dash = LOOKS[name]
        ax.plot(data.depths, values, marker, color=color, ms=3, alpha=0.5)
        ax.plot(data.depths, values.mean(1), dash, marker=marker, color=color, label=name)
    ax.axhline(1 / 3, color="black", linewidth=0.8, linestyle=(0, (1, 3)))
    ax.text(data.depths[0], 1 / 3 - 0.01, "guessing", va="top", fontsize=8)
    ax.set(xscale="log", xlabel="layers", ylabel="share of right labels", ylim=(0.15, 1.02))
    ax.set_xticks(data.depths, [str(depth) for depth in data.depths])
    ax.minorticks_off()
    ax.legend(loc="center left", bbox_to_anchor=(0.02, 0.45), fontsize=8)
