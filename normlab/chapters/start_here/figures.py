"""Pictures of a token that is moved and stretched, and of its layer norm."""

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.start_here.moved_token import MovedToken
from normlab.pictures.style import BLUE, GREY
from normlab.tools.table import Table


def draw_moved_token(
    data: MovedToken, axes: tuple[Axes, Axes], /, scale: float, offset: float
) -> None:
    """Left the moved token, right its layer norm in front of it, both on the same scale."""
    left, right = axes
    places = np.arange(len(data.x))
    moved, normalized = data.moved(scale, offset), data.normalized(scale, offset)
    left.bar(places, moved, color=GREY)
    right.bar(places, moved, color=GREY, alpha=0.3, label="the input")
    right.bar(places, normalized, width=0.5, color=BLUE, label="the output")
    right.legend(loc="lower right")
    for ax, title in zip(axes, ("input a·x + b", "LayerNorm(a·x + b)"), strict=True):
        ax.set(title=title, ylim=(-16, 16), xlabel="feature", xticks=places)
        ax.axhline(0, color="black", linewidth=0.8)


def describe_moved_token(data: MovedToken, /, scale: float, offset: float) -> tuple[str, Table]:
    before, after = data.moved(scale, offset), data.normalized(scale, offset)
    sentence = (
        f"The input has {len(before)} features, mean {before.mean():.1f} and "
        f"standard deviation {before.std():.1f}; "
        f"the output has mean {abs(after.mean()):.1f} and standard deviation {after.std():.1f}."
    )
    rows = [[i, f"{a:.3f}", f"{b:.3f}"] for i, (a, b) in enumerate(zip(before, after, strict=True))]
    return sentence, Table(("feature", "input", "output"), rows)
