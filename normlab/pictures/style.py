"""One look for every picture: colours that colour-blind readers can tell apart, and a helper.

A colour never stands alone: lines differ in dash or marker too, and areas carry a label.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, PINK, SKY, RED, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C",
)  # fmt: skip
"""The palette of Okabe & Ito (2008)."""

PALE, FAINT, INK = "#C8C8C8", "#E5E5E5", "#5A5A5A"
"""Greys of what stands back: lines of others, grounds and grids, small names."""

BAND = 0.3
"""How opaque a band beside a line is: seen on a dark page, and through another one."""

ON_COLOR = "#000001"
"""Text on a coloured ground: nearly black, since pure black turns white on a dark page."""

NORM_COLORS = {
    "BatchNorm": ORANGE,
    "LayerNorm": BLUE,
    "RMSNorm": GREEN,
    "InstanceNorm": PINK,
    "GroupNorm": SKY,
}
NORM_MARKERS = {
    "BatchNorm": "s",
    "LayerNorm": "o",
    "RMSNorm": "^",
    "InstanceNorm": "D",
    "GroupNorm": "v",
}

PLACEMENT_COLORS = {
    "none": GREY,
    "post-norm": RED,
    "pre-norm": BLUE,
    "deepnorm": GREEN,
    "peri-norm": ORANGE,
    "layerscale": PINK,
}
PLACEMENT_MARKERS = {
    "none": "x",
    "post-norm": "s",
    "pre-norm": "o",
    "deepnorm": "^",
    "peri-norm": "D",
    "layerscale": "v",
}

STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # a fixed height spares matplotlib a second layout of all ticks
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
    "svg.hashsalt": "normlab",
}


_DRAWING = threading.RLock()


@contextmanager
def styled() -> Iterator[None]:
    """Within it pictures are drawn in the course's style, by one thread at a time.

    matplotlib's settings belong to the process: a thread that leaves its own `rc_context` takes
    the style away from another that is still drawing.
    """
    with _DRAWING, mpl.rc_context(STYLE):
        yield


def new_figure(
    columns: int = 1, width: float = 7.0, height: float = 3.2, **subplots: Any
) -> tuple[Figure, Any]:
    """A figure in the course's style, with `columns` axes side by side, for a notebook cell.

    `subplots` goes to `plt.subplots`. Returns `(figure, axes)`. Sets matplotlib's `rcParams`.
    """
    with _DRAWING:
        plt.rcParams.update(STYLE)  # stays, so that titles and legends drawn later have it too
        return plt.subplots(1, columns, figsize=(width, height), layout="constrained", **subplots)
