"""The LSTM cell with layer norm, drawn over several time steps."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch

from normlab.chapters.beyond_transformers.cell_diagram import (
    ACROSS,
    EDGES,
    MEMORY,
    PARTS,
    Part,
    cell_in_words,
)
from normlab.pictures.style import BLUE, GREY, ON_COLOR, ORANGE, SKY

STEP = 7.4
"""The distance of two time steps."""
WIDE, TALL, ROUND = {"norm": 1.4, "map": 1.3, "gate": 1.15}, 0.62, 0.27
FILL = {"norm": ORANGE, "map": "white", "gate": SKY}
GROUND = 0.2
"""The row in which h runs to the next step."""
Path = list[tuple[float, float]]


def draw_unrolled_cell(ax: Axes, /, steps: int = 2) -> None:
    """The LN-LSTM cell, c' = σ(f)·c + σ(i)·tanh(g) and h' = σ(o)·tanh(LN_c(c')), over time.

    The memory c is the thick line at the top; the norms are orange.

    Args:
        ax: to draw on; twice as wide as high for two steps.
        steps: how many time steps, at least 1.

    Source: Ba, Kiros & Hinton 2016, supplementary material, Eq. 20 to 22, arXiv:1607.06450.
    """
    for step in range(steps):
        for edge in EDGES:
            _draw_arrow(_path(*edge), ax, step, thick=edge == ("kept", "c"))
        for edge in ACROSS:
            _draw_arrow(_path_back(*edge), ax, step, thick=edge[0] == "c")
        for part in PARTS.values():
            _draw_part(part, ax, step)
    _draw_ends(ax, steps)
    ax.set(xlim=(-2.2, STEP * (steps - 1) + 7.8), ylim=(-0.35, 7.4))
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_label(cell_in_words())


def _time(step: int) -> str:
    """
    >>> _time(-1), _time(0), _time(2)
    ('-1', '', '+2')
    """
    return f"{step:+}" if step else ""


def _draw_part(part: Part, ax: Axes, step: int) -> None:
    x, y = part.x + step * STEP, part.y
    words: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
    if part.kind == "value":
        label = part.label % _time(step) if "%s" in part.label else part.label
        ax.text(x, y, label, fontsize=11, **words)
        return
    if part.kind == "operation":
        ax.add_patch(Circle((x, y), ROUND, fc="white", ec="black", zorder=3))
        ax.text(x, y, part.label, fontsize=11, **{**words, "va": "center_baseline"})
        return
    _draw_box(part, x, ax)


def _draw_box(part: Part, x: float, ax: Axes) -> None:
    wide, gate = WIDE[part.kind], part.kind == "gate"
    box = FancyBboxPatch(
        (x - wide / 2, part.y - TALL / 2),
        wide,
        TALL,
        boxstyle="square,pad=0" if gate else "round,pad=0,rounding_size=0.1",
        fc=FILL[part.kind],
        ec="black",
        zorder=3,
    )
    ax.add_patch(box)
    ink = "black" if part.kind == "map" else ON_COLOR
    words = ax.text(x, part.y, part.label, fontsize=8 if gate else 10, color=ink, zorder=4)
    words.set(ha="center", va="center")


def _path(start: str, end: str) -> Path:
    """The corners of an arrow within a step, from the edge of one part to that of the next."""
    a, b = PARTS[start], PARTS[end]
    if start == "sum":  # into the row of gates, from below
        return [(a.x, a.y + ROUND), (a.x, b.y - TALL / 2)]
    if end in ("sum", "written") and a.x != b.x:  # upward, then to the side
        side = ROUND if a.x > b.x else -ROUND
        return [(a.x, _top(a)), (a.x, b.y), (b.x + side, b.y)]
    if start == "o":  # below the gates, where nothing else runs
        return [(a.x, a.y - TALL / 2), (a.x, b.y), (b.x - ROUND, b.y)]
    if end == "norm_c":
        return [(b.x, a.y), (b.x, b.y + TALL / 2)]
    if a.y == b.y:
        return [(a.x + ROUND, a.y), (b.x - ROUND, b.y)]
    down = a.y > b.y
    return [(a.x, a.y - TALL / 2 if down else _top(a)), (b.x, _top(b) if down else _bottom(b))]


def _path_back(start: str, end: str) -> Path:
    """The corners of an arrow that comes from the step before."""
    a, b = PARTS[start], PARTS[end]
    if start == "c":
        return [(a.x + ROUND - STEP, MEMORY), (b.x - ROUND, MEMORY)]
    x = a.x - STEP
    return [(x, a.y - ROUND), (x, GROUND), (b.x, GROUND), (b.x, b.y - TALL / 2)]


def _top(part: Part) -> float:
    return part.y + {"value": 0.3, "operation": ROUND}.get(part.kind, TALL / 2)


def _bottom(part: Part) -> float:
    return part.y - (ROUND if part.kind == "operation" else TALL / 2)


def _draw_arrow(path: Sequence[tuple[float, float]], ax: Axes, step: int, thick: bool) -> None:
    shift = step * STEP
    points = [(max(x + shift, -1.6), y) for x, y in path]
    color, width = ("black", 2.4) if thick else (GREY, 1.3)
    xs, ys = zip(*points, strict=True)
    ax.plot(xs, ys, color=color, lw=width, zorder=1, solid_joinstyle="round")
    arrow = {"arrowstyle": "-|>", "color": color, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", points[-1], points[-2], arrowprops=arrow)


def _draw_ends(ax: Axes, steps: int) -> None:
    """What goes in and out: the names of c and h at each border of a step."""
    for border in range(steps + 1):
        x, time = PARTS["h"].x + (border - 1) * STEP, _time(border - 1)
        ax.text(x + 0.2, MEMORY + 0.3, f"$c_{{t{time}}}$", ha="center", fontsize=11, color=BLUE)
        ax.text(x + 0.25, 1.6, f"$h_{{t{time}}}$", ha="left", va="center", fontsize=11, color=BLUE)
    h, c, end = PARTS["h"], PARTS["c"], PARTS["h"].x + 1.6
    _draw_arrow([(c.x + ROUND, MEMORY), (end, MEMORY)], ax, steps - 1, thick=True)
    corners = [(h.x, h.y - ROUND), (h.x, GROUND), (end, GROUND)]
    _draw_arrow(corners, ax, steps - 1, thick=False)
