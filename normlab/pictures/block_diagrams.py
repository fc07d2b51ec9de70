"""The block diagram of a wiring: boxes and lines."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch

from normlab.models.placement.wiring import Node, Wiring
from normlab.pictures.style import GREY, ON_COLOR, ORANGE, SKY

COLUMN, WIDTH, FINAL_WIDTH, HEIGHT = 2.4, 2.1, 2.7, 0.62
FILL = {"sub-layer": SKY, "norm": ORANGE, "final norm": ORANGE, "factor": "white"}
LEFT = -1.5


def draw_wiring(wiring: Wiring, ax: Axes, /, rows: int | None = None) -> None:
    """Boxes and lines; the residual stream is the thick line on the left.

    Args:
        wiring: what to draw.
        rows: how high to draw; by default as many rows as the diagram has.
    """
    nodes = wiring.nodes
    top = rows or nodes[-1].row
    heights = [node.row * top / nodes[-1].row for node in nodes]
    for start, end in wiring.edges():
        _draw_line(nodes, heights, (start, end), ax)
    for node, height in zip(nodes, heights, strict=True):
        _draw_box(node, height, ax)
    ax.set_aspect("equal")
    columns = max(2, *(node.column for node in nodes))
    ax.set(xlim=(LEFT, columns * COLUMN + 1.1), ylim=(-0.6, top + 0.6))
    ax.axis("off")


def _draw_box(node: Node, y: float, ax: Axes) -> None:
    x = node.column * COLUMN
    if node.kind in ("input", "output"):
        ax.text(x, y, node.label, ha="center", va="center", bbox={"fc": "white", "ec": "none"})
    elif node.kind == "sum":
        ax.add_patch(Circle((x, y), 0.26, fc="white", ec="black", zorder=3))
        ax.text(x, y, "+", ha="center", va="center_baseline", zorder=4)
    else:
        width = FINAL_WIDTH if node.kind == "final norm" else WIDTH
        box = FancyBboxPatch(
            (x - width / 2, y - HEIGHT / 2),
            width,
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


def _draw_line(
    nodes: Sequence[Node], heights: Sequence[float], edge: tuple[int, int], ax: Axes
) -> None:
    (start, end), (y0, y1) = (nodes[i] for i in edge), (heights[i] for i in edge)
    stream = start.column == end.column == 0
    top = y1 - {"sum": 0.26, "output": 0.45}.get(end.kind, HEIGHT / 2)
    x0, x1 = start.column * COLUMN, end.column * COLUMN
    if stream and any(n.column == 0 and start.row < n.row < end.row for n in nodes):
        path = [(x0, y0 + 0.5), (-1.25, y0 + 0.5), (-1.25, y1), (-0.26, y1)]
    elif start.column < end.column:  # onto a branch, just below its box
        turn = y1 - 0.5
        path = [(x0, y0), (x0, turn), (x1, turn), (x1, top)]
    elif start.column > end.column:  # back to the stream, at the height of the sum
        path = [(x0, y0), (x0, y1), (x1 + 0.26, y1)]
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
