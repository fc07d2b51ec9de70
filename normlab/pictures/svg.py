"""A matplotlib figure for the browser: as SVG that fits the page, and where its numbers stand."""

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.container import BarContainer, Container
from matplotlib.figure import Figure

POINTS = 72  # to an inch
CONNECTOR = "normlab:connector:"
"""The gid of a line that is no data."""
NAMED = re.compile(r' id="normlab:')
DECIMALS = re.compile(r"-?\d+\.\d{3,}")
PLACE = re.compile(r'(?<= [xy]=")-?\d+\.\d{3,}(?=")|(?m:^[LC](?: -?\d+(?:\.\d+)?)+)')
"""Where a marker stands, and the points of a path."""
GREY = re.compile(r"#([0-9a-f]{2})\1\1\b")


def to_svg(figure: Figure) -> str:
    """The figure as it is, in the ink of the page that shows it."""
    # savefig would draw twice, once only to lay out
    buffer = BytesIO()
    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    # what parts are called may come twice, as for the bars of one container: it is no id
    svg = PLACE.sub(_rounded, buffer.getvalue().decode())
    return NAMED.sub(' data-part="', GREY.sub(_ink, svg))


def _rounded(found: re.Match[str]) -> str:
    """Places to a hundredth of a point, which nobody sees and which take a fifth of the size."""
    return DECIMALS.sub(lambda number: f"{float(number[0]):.2f}", found[0])


def _ink(found: re.Match[str]) -> str:
    """A shade of grey as a share of the page's ink: dark on a light page, light on a dark one."""
    share = round(100 * (1 - int(found[1], 16) / 255))
    if share in (0, 100):
        return "currentColor" if share else "var(--normlab-ground)"
    return f"color-mix(in srgb, currentColor {share}%, var(--normlab-ground))"


def name_artists(ax: Axes) -> None:
    """Tell the browser which parts of a picture are data, and what they are called."""
    for line in ax.lines:
        of_data = line.get_transform() == ax.transData  # not the lines from edge to edge
        if of_data and line.get_gid() != CONNECTOR:
            line.set_gid(f"normlab:line:{_label(line)}")
    for collection in ax.collections:
        collection.set_gid(f"normlab:points:{_label(collection)}")
    for container in ax.containers:
        if isinstance(container, BarContainer):
            kind = "bar" if container.orientation == "vertical" else "barh"
            for patch in container:
                patch.set_gid(f"normlab:{kind}:{_label(container)}")


def _label(artist: Artist | Container) -> str:
    """What an artist is called in a legend; "" if it has no name of its own."""
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


Panel = tuple[float, float, float, float]
"""A part of a picture in points: left, top, width and height."""


def panels(figure: Figure, columns: int) -> list[Panel]:
    """The part of each axes with all its labels, without gaps; `columns` of them in a row."""
    points = POINTS / figure.get_dpi()
    width, height = (size * POINTS for size in figure.get_size_inches())
    boxes: Any = [ax.get_tightbbox() for ax in figure.axes]
    rows = [boxes[first : first + columns] for first in range(0, len(boxes), columns)]
    upright = [
        (height - max(b.y1 for b in row) * points, height - min(b.y0 for b in row) * points)
        for row in rows
    ]
    return [
        (round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1))
        for row, (top, bottom) in zip(rows, _without_gaps(upright, height), strict=True)
        for left, right in _without_gaps([(b.x0 * points, b.x1 * points) for b in row], width)
    ]


def _without_gaps(
    spans: Sequence[tuple[float, float]], end: float
) -> Iterator[tuple[float, float]]:
    """The spans from 0 to the end, each up to the middle of the gap to the next."""
    cuts = [float(right + left) / 2 for (_, right), (left, _) in pairwise(spans)]
    return pairwise([0.0, *cuts, end])


def plot_of(ax: Axes, figure: Figure) -> dict[str, Any]:
    """The edges of an axes in the picture (left, top, right, bottom), and their numbers."""
    ax.apply_aspect()
    box, height = ax.get_position(), figure.get_figheight() * POINTS
    width = figure.get_figwidth() * POINTS
    edges = (box.x0 * width, (1 - box.y1) * height, box.x1 * width, (1 - box.y0) * height)
    return {
        "box": [round(float(edge), 1) for edge in edges],
        "xlim": list(map(float, ax.get_xlim())),
        "ylim": list(map(float, ax.get_ylim())),
        "xlog": ax.get_xscale() == "log",
        "ylog": ax.get_yscale() == "log",
        "xlabel": ax.get_xlabel(),
        "ylabel": ax.get_ylabel(),
        "ruled": [len(ax.get_xticks()) > 0, len(ax.get_yticks()) > 0],
    }
