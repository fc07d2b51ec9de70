"""Pictures of who shares a mean on graphs."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from normlab.chapters.beyond_transformers.mean_groups import SharedMeans
from normlab.pictures.style import GREEN, GREY, ON_COLOR, ORANGE, PINK, RED, SKY

COLORS = (SKY, ORANGE, GREEN, PINK, RED, GREY)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
EDGE = 0.46
"""Half of a cell's side; the distance of two is 1."""


def draw_shared_means(data: SharedMeans, axes: Sequence[Axes], /) -> None:
    """A row for each node, a column for each channel; one letter and colour for one mean."""
    for place, (norm, ax) in enumerate(zip(data.groups, axes, strict=True)):
        _draw_groups(data, ax, norm)
        for node, graph in enumerate(data.batch) if place == 0 else ():
            words = f"node {node}, graph {graph}"
            ax.text(-0.7, node, words, ha="right", va="center", fontsize=10)
        ax.set_label(_told(data, norm))


def _draw_groups(data: SharedMeans, ax: Axes, norm: str) -> None:
    for (node, channel), group in _cells(data, norm):
        corner = (channel - EDGE, node - EDGE)
        color = COLORS[group % len(COLORS)]
        ax.add_patch(Rectangle(corner, 2 * EDGE, 2 * EDGE, fc=color, ec="black", lw=0.8))
        letter = ax.text(channel, node, LETTERS[group], fontsize=13, color=ON_COLOR)
        letter.set(ha="center", va="center_baseline")
    nodes, channels = data.groups[norm].shape
    for channel in range(channels):
        ax.text(channel, nodes - 0.35, str(channel), ha="center", va="top", fontsize=10)
    middle = (channels - 1) / 2
    ax.text(middle, nodes + 0.15, "channel", ha="center", va="top", fontsize=10)
    ax.set(xlim=(-0.6, channels - 0.4), ylim=(nodes + 0.7, -0.6), title=norm)
    ax.set_aspect("equal")
    ax.set_axis_off()


def _cells(data: SharedMeans, norm: str) -> list[tuple[tuple[int, int], int]]:
    groups = data.groups[norm].tolist()
    return [((n, d), group) for n, row in enumerate(groups) for d, group in enumerate(row)]


def _told(data: SharedMeans, norm: str) -> str:
    """The panel in words: its means, and the letters of each node."""
    sizes = data.sizes(norm)
    rows = [
        f"node {node} of graph {graph} has {' '.join(LETTERS[g] for g in row)}"
        for node, (graph, row) in enumerate(
            zip(data.batch, data.groups[norm].tolist(), strict=True)
        )
    ]
    shared = (
        f"{len(sizes)} means, each shared by {max(sizes)} numbers"
        if _even(sizes)
        else (f"{len(sizes)} means, shared by {min(sizes)} to {max(sizes)} numbers")
    )
    return f"{shared}: {'; '.join(rows)}"


def _even(sizes: Sequence[int]) -> bool:
    return len(set(sizes)) == 1


def describe_shared_means(data: SharedMeans, /) -> str:
    """All panels in words."""
    return " ".join(f"{norm}: {_told(data, norm)}." for norm in data.groups)
