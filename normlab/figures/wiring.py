"""Block diagrams, drawn from the code that runs: see `normlab.models.trace`."""

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch

from normlab.models.placement.standard import find_placement
from normlab.models.placement.wiring import Node, Wiring, trace
from normlab.pictures.style import GREY, ORANGE, SKY

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
        ax.text(x, y, node.label, ha="center", va="center", fontsize="small", zorder=4)


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
