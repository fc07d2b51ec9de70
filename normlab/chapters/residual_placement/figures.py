"""Pictures of the residual stream by layer, and the block diagrams of placements."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch

from normlab.chapters.residual_placement.stream import InitialLosses, StreamGrowth, compare_change
from normlab.models.placement.standard import find_placement
from normlab.models.placement.wiring import Node, Wiring, trace, wiring_code
from normlab.pictures.end_names import name_line_ends
from normlab.pictures.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    ON_COLOR,
    ORANGE,
    PALE,
    PLACEMENT_COLORS,
    PLACEMENT_MARKERS,
    RED,
    SKY,
)
from normlab.tools.table import Table

CODE = {"family": "monospace", "size": 9}


def draw_growth(growths: Sequence[StreamGrowth], ax: Axes, /) -> None:
    """‖x_l‖²/D by layer, in the band of Xiong et al.'s Lemma 2 for pre-norm."""
    layers = np.arange(len(growths[0].mean_square))
    ax.fill_between(layers, *growths[0].lemma_2(), color=FAINT, label="Lemma 2")
    for growth, color, marker in zip(growths, (BLUE, ORANGE, GREEN), "os^", strict=False):
        label = f"{growth.placement}, tokens: {growth.tokens}"
        ax.plot(layers, growth.mean_square, color=color, marker=marker, ms=4, label=label)
    ax.set(xlabel="layer l", ylabel="‖x_l‖²/D", title="the stream of a pre-norm model")
    ax.legend()


def draw_own_growth(growths: Sequence[StreamGrowth], ax: Axes, /) -> None:
    """The same of a learner's steps, post-norm too."""
    draw_growth(growths, ax)
    ax.set_title("the stream with your steps")


def describe_own_growth(growths: Sequence[StreamGrowth], /) -> str:
    one_token, tokens, post = (growth.mean_square for growth in growths)
    layers = len(post) - 1
    _, highest = growths[0].lemma_2()
    return (
        f"After {layers} layers of your pre_norm_step the mean square of the stream is "
        f"{one_token[-1]:.1f} with 1 token, where Lemma 2 says {highest[-1]:.0f}, and "
        f"{tokens[-1]:.1f} with 16. After each layer of your post_norm_step it is "
        f"{post[1:].mean():.2f}. Chapter 05, section 5, has the two curves of pre-norm."
    )


def draw_placement_growth(
    data: Mapping[str, StreamGrowth], axes: tuple[Axes, Axes], /, placement: str
) -> None:
    """Left the placement's diagram, right its stream by layer; the others in grey, with names."""
    left, right = axes
    draw_placement(placement, left)
    left.text(-1.5, -1.2, wiring_code(find_placement(placement)), CODE, va="top")
    left.set(ylim=(-4.2, 10.6))
    lowest = min(growth.mean_square.min() for growth in data.values())
    limits = lowest / 2, 200.0
    last = len(data[placement].change)
    for name, growth in data.items():
        if name != placement:
            right.plot(growth.mean_square, color=PALE, lw=1, label=name)
    right.set(yscale="log", ylim=limits, xlim=(-0.5, 1.5 * last))
    ends = {name: float(growth.mean_square[-1]) for name, growth in data.items()}
    name_line_ends(right, ends, (last, 1.07 * last), placement, BLUE)
    right.plot(data[placement].mean_square, color=BLUE, marker="o", ms=4, label=placement)
    right.set_xticks(np.unique(np.linspace(0, last, 5).round().astype(int)))
    right.set(xlabel="layer l", ylabel="‖x_l‖²/D", title="mean square of the stream")


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


COLUMN, WIDTH, HEIGHT, ROWS = 2.4, 2.1, 0.62, 10
FILL = {"sub-layer": SKY, "norm": ORANGE, "final norm": ORANGE, "factor": "white"}


def draw_placement(name: str, ax: Axes, /, norm: str = "norm", layer: int = 1) -> None:
    """The block diagram of a placement, from the definition that runs it.

    Args:
        name: one of `normlab.models.PLACEMENTS`.
        norm: what to call the norm.
        layer: of 12, for the placements that change with depth.
    """
    draw_wiring(trace(find_placement(name), norm, layer), ax)
    ax.set_title(name)


def draw_wiring(wiring: Wiring, ax: Axes, /) -> None:
    """Boxes and lines; the residual stream is the thick line on the left."""
    nodes = wiring.nodes
    for start, end in wiring.edges():
        _draw_line(nodes, nodes[start], nodes[end], ax)
    for node in nodes:
        _draw_box(node, ax)
    ax.set_aspect("equal")
    rows = max(nodes[-1].row, ROWS)  # the same for most, so that diagrams side by side compare
    ax.set(xlim=(-1.5, 2 * COLUMN + 1.1), ylim=(-0.6, rows + 0.6))
    ax.axis("off")


def _draw_box(node: Node, ax: Axes) -> None:
    x, y = node.column * COLUMN, node.row
    if node.kind in ("input", "output"):
        ax.text(x, y, node.label, ha="center", va="center", bbox={"fc": "white", "ec": "none"})
    elif node.kind == "sum":
        ax.add_patch(Circle((x, y), 0.26, fc="white", ec="black", zorder=3))
        ax.text(x, y, "+", ha="center", va="center_baseline", zorder=4)
    else:
        box = FancyBboxPatch(
            (x - WIDTH / 2, y - HEIGHT / 2),
            WIDTH,
            HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.12",
            fc=FILL[node.kind],
            ec="black",
            ls="--" if node.kind == "final norm" else "-",
            zorder=3,
        )
        ax.add_patch(box)
        ink = "black" if node.kind == "factor" else ON_COLOR
        ax.text(x, y, node.label, ha="center", va="center", fontsize="small", zorder=4, color=ink)


def _draw_line(nodes: tuple[Node, ...], start: Node, end: Node, ax: Axes) -> None:
    stream = start.column == end.column == 0
    top = end.row - (0.26 if end.kind == "sum" else HEIGHT / 2)
    x0, x1, y0 = start.column * COLUMN, end.column * COLUMN, start.row
    if stream and any(n.column == 0 and start.row < n.row < end.row for n in nodes):
        path = [(x0, y0), (-1.25, y0 + 0.5), (-1.25, end.row), (-0.26, end.row)]
    elif start.column < end.column:  # onto a branch, just below its box
        turn = end.row - 0.5
        path = [(x0, y0), (x0, turn), (x1, turn), (x1, top)]
    elif start.column > end.column:  # back to the stream, at the height of the sum
        path = [(x0, y0), (x0, end.row), (x1 + 0.26, end.row)]
    else:
        path = [(x0, y0), (x1, top)]
    xs, ys = zip(*path, strict=True)
    color, width = ("black", 2.2) if stream else (GREY, 1.4)
    ax.plot(xs, ys, color=color, lw=width, zorder=1, solid_joinstyle="round")
    ax.annotate(
        "",
        path[-1],
        path[-2],
        arrowprops={"arrowstyle": "-|>", "color": color, "shrinkA": 0, "shrinkB": 0},
    )
