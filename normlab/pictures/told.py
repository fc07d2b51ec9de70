"""A matplotlib figure in words, made from its data, for whoever hears a page."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

PLACES: Any = ("left", "center", "right")
SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "eta": "η", "theta": "θ", "lambda": "λ", "mu": "μ", "sigma": "σ", "Delta": "Δ", "ell": "ℓ",
    "partial": "∂", "nabla": "∇", "sqrt": "√", "sum": "Σ", "infty": "∞", "approx": "≈", "leq": "≤",
    "geq": "≥", "cdot": "·", "times": "×", "odot": "⊙", "Vert": "‖", "|": "‖", ",": " ",
    "log": "log ", "frac": "", "mathcal": "", "mathrm": "",
}  # fmt: skip
MOST = 8
"""As many lines, bars or points of one axes are told one by one; more are summed up."""


def figure_in_words(figure: Figure) -> str:
    """What the axes of a figure show: their labels, and where each line, bar and cloud runs.

    A diagram is told by the label of its axes (`ax.set_label`, which is not drawn), else by its
    words.

    >>> ax = Figure().subplots()
    >>> _ = ax.plot([1, 2, 4], [1.0, 0.5, 0.25], label="loss")
    >>> _ = ax.set(xlabel="step", ylabel="size", title="Training")
    >>> figure_in_words(ax.figure)
    'Training. size over step. loss: from 1 at 1 to 0.25 at 4.'
    """
    told = [_axes_in_words(ax) for ax in figure.axes if ax.get_visible()]
    told = [words for words in told if words]
    if len(told) > 1:
        told = [f"Panel {number}: {words}" for number, words in enumerate(told, start=1)]
    return _spoken(" ".join([*_sentences([figure.get_suptitle()]), *told]))


def _axes_in_words(ax: Axes) -> str:
    titles = [ax.get_title(place) for place in PLACES]
    labels = [*_axis_names(ax), *_named_places(ax)]
    content = [*_lines(ax), *_bars(ax), *_clouds(ax), *_grids(ax)] if ax.axison else []
    if not content:  # a diagram, or a table
        words = (text.get_text().strip() for text in ax.texts)
        content = [
            str(ax.get_label()) or ", ".join(word for word in words if re.search(r"\w", word))
        ]
    return " ".join(_sentences([*titles, *labels, *content]))


def _sentences(texts: Iterable[str]) -> list[str]:
    """Each text that says anything, in one line, with a full stop."""
    lines = [" ".join(text.split()) for text in texts]
    return [line if line[-1] in ".?!" else f"{line}." for line in lines if line]


def _spoken(text: str) -> str:
    r"""A text without the marks of TeX.

    >>> _spoken(r"part of $dx_i$ over $\sigma_\varepsilon^{3/2}$")
    'part of dx_i over σ_ε^(3/2)'
    """
    plain = re.sub(r"\\hat\s*\{?(\w)\}?", r"\1 hat", text)
    plain = re.sub(r"\{([^{}]*\W[^{}]*)\}", r"(\1)", plain)
    plain = re.sub(r"\\([A-Za-z]+|[|,])", lambda found: SIGNS.get(found[1], found[1]), plain)
    return re.sub(r"[${}]", "", plain)


def _axis_names(ax: Axes) -> list[str]:
    across, up = (
        " ".join(label.split()) + (" (logarithmic)" if label and scale == "log" else "")
        for label, scale in (
            (ax.get_xlabel(), ax.get_xscale()),
            (ax.get_ylabel(), ax.get_yscale()),
        )
    )
    if across and up:
        return [f"{up} over {across}"]
    return [f"across: {across}"] if across else [f"upward: {up}"] if up else []


def _named_places(ax: Axes) -> Iterator[str]:
    """The words that stand at an axis in place of numbers, if no bars have them."""
    if ax.containers or not ax.axison:
        return
    for name, axis in (("from left to right", ax.xaxis), ("from below", ax.yaxis)):
        words = [label.get_text().strip() for label in axis.get_ticklabels()]
        if any(re.search("[A-Za-z]{2}", re.sub("mathdefault", "", word)) for word in words):
            yield f"{name}: {', '.join(words)}"


def _lines(ax: Axes) -> Iterator[str]:
    drawn = [line for line in ax.lines if line.get_transform() == ax.transData]
    curves = [line for line in drawn if len(np.atleast_1d(line.get_xdata())) > 1]
    named = [line for line in curves if _name(line)]
    unnamed = [line for line in curves if not _name(line)]
    for line in named[: 2 * MOST] + (unnamed if len(unnamed) <= MOST else []):
        x, y = _numbers(line.get_xdata()), _numbers(line.get_ydata())
        if x.size and x.size == y.size:
            yield f"{_name(line) or 'a line'}: {_run(x, y)}"
    if len(unnamed) > MOST:
        heights = np.concatenate([_numbers(line.get_ydata()) for line in unnamed])
        yield f"{len(unnamed)} lines without names, {_range(heights)}"


def _run(x: Any, y: Any) -> str:
    """From where a line goes to where, with its peak or its bottom if it turns."""
    told = f"from {_short(y[0])} at {_short(x[0])} to {_short(y[-1])} at {_short(x[-1])}"
    ends = sorted((y[0], y[-1]))
    for word, place in (("lowest", np.nanargmin(y)), ("highest", np.nanargmax(y))):
        if not ends[0] <= y[place] <= ends[1]:
            told += f", {word} {_short(y[place])} at {_short(x[place])}"
    return told


def _bars(ax: Axes) -> Iterator[str]:
    """Bars by the name of their group; those without one are a group together."""
    groups: dict[str, list[float]] = {}
    for container in ax.containers:
        if isinstance(container, BarContainer):
            upright = container.orientation == "vertical"
            sizes = [bar.get_height() if upright else bar.get_width() for bar in container]
            groups.setdefault(_name(container) or "bars", []).extend(sizes)
            axis: Any = ax.xaxis if upright else ax.yaxis
    for name, sizes in groups.items():
        places = [label.get_text() for label in axis.get_ticklabels()]
        if len(sizes) > 2 * MOST:
            yield f"{name}: {len(sizes)} bars, {_range(np.array(sizes))}"
        elif len(places) == len(sizes) and all(places):
            told = zip(places, sizes, strict=True)
            yield f"{name}: " + ", ".join(f"{place} {_short(size)}" for place, size in told)
        else:
            yield f"{name}: " + ", ".join(map(_short, sizes))


def _clouds(ax: Axes) -> Iterator[str]:
    for cloud in ax.collections:
        points: Any = np.ma.filled(np.ma.asarray(cloud.get_offsets(), dtype=float), np.nan)
        if isinstance(cloud, PathCollection) and len(points):
            name = _name(cloud) or "points"
            where = f"{_range(points[:, 1])}, across {_range(points[:, 0])}"
            yield f"{name}: {len(points)} of them, {where}"


def _grids(ax: Axes) -> Iterator[str]:
    meshes = [c for c in ax.collections if hasattr(c, "get_coordinates")]
    for grid in [*ax.images, *meshes]:
        values: Any = np.ma.filled(np.ma.asarray(grid.get_array(), dtype=float), np.nan)
        if values.ndim >= 2:
            yield f"a grid of {values.shape[0]} by {values.shape[1]} values, {_range(values)}"


def _name(artist: Any) -> str:
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _numbers(values: Any) -> Any:
    """As floats; none where they are words."""
    try:
        return np.asarray(values, dtype=float).ravel()
    except (TypeError, ValueError):
        return np.array([])


def _range(values: Any) -> str:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "none of them finite"
    return f"from {_short(finite.min())} to {_short(finite.max())}"


def _short(value: float) -> str:
    """Three digits, which is what a picture shows.

    >>> _short(0.0001234), _short(2.0), _short(123456)
    ('0.000123', '2', '123,000')
    """
    if np.isnan(value):
        return "not a number"
    value = float(f"{value:.3g}") + 0.0
    if value and (abs(value) < 1e-4 or abs(value) >= 1e6):
        return f"{value:.3g}"
    return f"{value:,.10g}"
