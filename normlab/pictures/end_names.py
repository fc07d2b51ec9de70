"""Names at the right ends of lines, in place of a legend for a crowd of grey ones."""

import math
from collections.abc import Mapping

from matplotlib.axes import Axes

from normlab.pictures.style import GREY, INK
from normlab.pictures.svg import CONNECTOR


def name_line_ends(
    ax: Axes, ends: Mapping[str, float], at: tuple[float, float], chosen: str, color: str
) -> None:
    """Write the names of lines beside their right ends, none over another.

    Args:
        ax: with a logarithmic vertical axis whose limits are set.
        ends: where each line ends, by its name; above the axes, its name stands at their top.
        at: x of the last point, and x where the names begin.
        chosen: the name that stands in `color`, in bold.
        color: of that name.

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> _ = ax.set(yscale="log", ylim=(1, 100))
    >>> name_line_ends(ax, {"a": 2.0, "b": 50.0}, at=(1, 2), chosen="b", color="red")
    >>> [text.get_text() for text in ax.texts]
    ['a', 'b']
    """
    last, begin = at
    top = ax.get_ylim()[1]
    for name, height in apart(ends, *ax.get_ylim()).items():
        tip = last + 0.8 * (begin - last)
        (line,) = ax.plot([last, tip], [min(ends[name], top), height], color=GREY, lw=0.6)
        line.set_gid(CONNECTOR)
        text = ax.text(begin, height, name, size=9.5, va="center", color=INK)
        if name == chosen:
            text.set(color=color, weight="bold")


def apart(heights: Mapping[str, float], bottom: float, top: float) -> Mapping[str, float]:
    """Where to write names beside heights on a logarithmic axis so that none covers another.

    >>> {name: round(y, 1) for name, y in apart({"a": 1.0, "b": 10.0}, 0.1, 100).items()}
    {'a': 1.0, 'b': 10.0}
    """
    reach = math.log(top / bottom)
    gap = reach / max(24, len(heights))
    names = sorted(heights, key=lambda name: heights[name])
    places = [min(math.log(heights[name] / bottom), reach) for name in names]
    for _ in range(200):  # neighbours push each other away, a little at a time
        for low in range(len(names) - 1):
            short = gap - (places[low + 1] - places[low])
            if short > 0:
                places[low] -= short / 2
                places[low + 1] += short / 2
        places = [min(max(place, gap / 2), reach - gap / 2) for place in places]
    return {name: bottom * math.exp(place) for name, place in zip(names, places, strict=True)}
