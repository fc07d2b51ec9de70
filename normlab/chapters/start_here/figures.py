"""Pictures of a token that is moved and stretched, and of its layer norm."""

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.start_here.moved_token import MovedToken
from normlab.pictures.style import BLUE, GREY
from normlab.tools.table import Table


def draw_moved_token(
    data: MovedToken, axes: tuple[Axes, Axes], /, scale: float, offset: float
) -> None:
    """Left the moved token, right its layer norm, on fixed axes."""
    left, right = axes
    places = np.arange(len(data.x))
    left.bar(places, data.moved(scale, offset), color=GREY)
    right.bar(places, data.normalized(scale, offset), color=BLUE)
    left.set(title="input a·x + b", ylim=(-16, 16), xlabel="feature", xticks=places)
    right.set(title="LayerNorm(a·x + b)", ylim=(-3, 3), xlabel="feature", xticks=places)
    for ax in axes:
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
