"""Pictures of the backward pass: its three paths, its directions, its size."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.backward.upstream import GradientPaths, ScaleSweep, TurnedUpstream
from normlab.pictures.style import BLUE, GREEN, GREY, ORANGE
from normlab.tools.table import Table

_NODES = {
    "$x_i$": (0.0, 0.0), r"$\mu$": (1.15, 1.0), "Var": (1.15, -1.0),
    r"$\hat{x}_1$": (3.2, 1.0), r"$\hat{x}_i$": (3.2, 0.0), r"$\hat{x}_D$": (3.2, -1.0),
    "$y_1$": (4.3, 1.0), "$y_i$": (4.3, 0.0), "$y_D$": (4.3, -1.0), r"$\mathcal{L}$": (5.4, 0.0),
}  # fmt: skip
_OUTPUTS = ("1", "i", "D")
DIRECT, THROUGH_MEAN, THROUGH_VARIANCE = "direct", "through μ", "through Var"
_NO_SLOPE, _BEHIND = "μ to Var", "behind x̂"  # the edge that carries a 0; what all paths share
_LOOKS = {
    DIRECT: (BLUE, "-"),
    THROUGH_MEAN: (ORANGE, "--"),
    THROUGH_VARIANCE: (GREEN, "-."),
    _NO_SLOPE: (GREY, ":"),
    _BEHIND: ("black", "-"),
}
PATHS = (DIRECT, THROUGH_MEAN, THROUGH_VARIANCE)
# from, to, and the path; a statistic reaches all outputs, and the token one of them
_EDGES = [
    ("$x_i$", r"$\mu$", THROUGH_MEAN),
    ("$x_i$", "Var", THROUGH_VARIANCE),
    (r"$\mu$", "Var", _NO_SLOPE),
    ("$x_i$", r"$\hat{x}_i$", DIRECT),
    *((r"$\mu$", rf"$\hat{{x}}_{j}$", THROUGH_MEAN) for j in _OUTPUTS),
    *(("Var", rf"$\hat{{x}}_{j}$", THROUGH_VARIANCE) for j in _OUTPUTS),
    *((rf"$\hat{{x}}_{j}$", f"$y_{j}$", _BEHIND) for j in _OUTPUTS),
    *((f"$y_{j}$", r"$\mathcal{L}$", _BEHIND) for j in _OUTPUTS),
]
_SLOPES = (
    ("$1/D$", (0.35, 0.68), THROUGH_MEAN),
    ("$2(x_i - \\mu)/D$", (0.1, -0.72), THROUGH_VARIANCE),
    ("0", (1.02, 0.3), _NO_SLOPE),
    (r"$1/\sigma_\varepsilon$", (1.6, 0.13), DIRECT),
    (r"$-1/\sigma_\varepsilon$", (2.2, 1.16), THROUGH_MEAN),
    (r"$-(x_j - \mu)/2\sigma_\varepsilon^3$", (2.2, -1.19), THROUGH_VARIANCE),
    (r"$\gamma_i$", (3.75, 0.13), _BEHIND),
    ("$g_i$", (4.8, 0.13), _BEHIND),
)
_FAINT = 0.15


def _in_words(path: str) -> str:
    """The graph for whoever hears it: its paths, each with the nodes and the slopes along it."""
    told = [f"Layer norm as a graph: {path} alone, the other paths are faint"]
    if not path:
        told = ["Layer norm as a graph: three paths from x_i to x̂, then y and the loss"]
    for of in [path, _BEHIND] if path else _LOOKS:
        steps = ", ".join(f"{tail} to {head}" for tail, head, one in _EDGES if one == of)
        slopes = ", ".join(label for label, _, one in _SLOPES if one == of)
        told.append(f"Path {of}: {steps}; slopes {slopes}")
    return ". ".join(told)


def draw_three_paths(ax: Axes, /, path: str = "") -> None:
    """Layer norm as a graph: what each quantity depends on, and the local derivatives.

    Args:
        ax: where it is drawn.
        path: the one to show, one of `PATHS`; the others are faint. "" shows all.

    Raises:
        ValueError: if there is no such path.
    """
    if path and path not in PATHS:
        raise ValueError(f"path is {path!r}; expected one of {', '.join(PATHS)}.")
    shown = {path, _BEHIND} if path else _LOOKS.keys()
    for tail, head, of in _EDGES:
        color, dash = _LOOKS[of]
        arrow: Any = {
            "arrowstyle": "->", "color": color, "linestyle": dash, "linewidth": 1.8,
            "shrinkA": 14, "shrinkB": 14, "alpha": 1.0 if of in shown else _FAINT,
        }  # fmt: skip
        ax.annotate("", _NODES[head], _NODES[tail], arrowprops=arrow)
    for label, place, of in _SLOPES:
        color, alpha = _LOOKS[of][0], 1.0 if of in shown else _FAINT
        ax.text(*place, label, ha="center", va="center", color=color, alpha=alpha)
    for name, (across, up) in _NODES.items():
        box = {"boxstyle": "circle,pad=0.3", "facecolor": "white", "edgecolor": "black"}
        ax.text(across, up, name, ha="center", va="center", bbox=box)
    for across in (3.2, 4.3):
        for up in (-0.5, 0.5):
            ax.text(across, up, "⋮", ha="center", va="center")
    ax.set(xlim=(-0.5, 5.7), ylim=(-1.4, 1.4), label=_in_words(path))
    ax.set_axis_off()


def draw_gradient_paths(data: GradientPaths, ax: Axes, /) -> None:
    """For each feature, what each of the three paths adds to dx, and their sum."""
    places = np.arange(len(data.total))
    bars = {
        DIRECT: (data.direct, ""),
        THROUGH_VARIANCE: (data.through_variance, "//"),
        THROUGH_MEAN: (data.through_mean, ".."),
    }
    for shift, (name, (values, hatch)) in zip((-0.26, 0, 0.26), bars.items(), strict=True):
        color, _ = _LOOKS[name]
        ax.bar(places + shift, values, 0.24, label=name, color=color, hatch=hatch, ec="white")
    ax.plot(places, data.total, "kD", markersize=6, label="sum = dx")
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(
        xlabel="feature $i$", ylabel="part of $dx_i$", xticks=places, title="Three paths add to dx"
    )
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))


_PARTS = ("along 1", "along neither", "along x̂")


def draw_turned_upstream(
    data: TurnedUpstream, axes: tuple[Axes, Axes, Axes], /, angle: float, scale: float
) -> None:
    """Left the upstream gradient, in the middle its parts before and after, right dx."""
    g, dx = data.upstream(angle), data.gradient(angle, scale)
    left, middle, right = axes
    places = np.arange(len(g))
    left.bar(places, g, color=GREY)
    right.bar(places, dx, color=BLUE)
    left.set(title="upstream g", ylim=(-4, 4), xlabel="feature", xticks=places)
    right.set(title="dx", ylim=(-5, 5), xlabel="feature", xticks=places)
    for ax in (left, right):
        ax.axhline(0, color="black", linewidth=0.8)
    rows = np.arange(len(_PARTS))
    middle.barh(rows - 0.2, data.lengths(g), 0.36, color=GREY, label="in g")
    middle.barh(
        rows + 0.2, data.lengths(dx), 0.36, color=BLUE, hatch="//", ec="white", label="in dx"
    )
    middle.set(xlim=(0, 6.5), ylim=(3.1, -0.6), yticks=rows, yticklabels=_PARTS)
    middle.set(title="length of each part", xlabel="length")
    middle.legend(loc="lower right", ncols=2)


def describe_turned_upstream(
    data: TurnedUpstream, /, angle: float, scale: float
) -> tuple[str, Table]:
    g, dx = data.upstream(angle), data.gradient(angle, scale)
    before, after = data.lengths(g), data.lengths(dx)
    shares = 100 * before**2 / (before**2).sum()
    length_g, length_dx = data.total_lengths(angle, scale)
    sentence = (
        f"{data.norm}, ε = {data.eps:g}, input scale {scale:g}: {shares[0]:.0f} % of the squared "
        f"length of g lies along 1, {shares[2]:.0f} % along x̂ and {shares[1]:.0f} % along "
        f"neither; g has length {length_g:.2f} and dx has length {length_dx:.2f}."
    )
    rows = [
        [part, f"{b:.3f}", f"{a:.3f}"] for part, b, a in zip(_PARTS, before, after, strict=True)
    ]
    return sentence, Table(("part", "length in g", "length in dx"), rows)


def draw_scale_sweep(data: ScaleSweep, ax: Axes, /) -> None:
    """‖dx‖ against the scale of the input, both axes logarithmic, one curve for each ε."""
    looks = (("o", "-", BLUE), ("s", "--", ORANGE))
    unit = np.sqrt(data.features)
    for (eps, lengths), (marker, dash, color) in zip(data.lengths.items(), looks, strict=True):
        ax.loglog(
            data.scales, lengths / unit, dash, marker=marker, color=color, label=f"ε = {eps:g}"
        )
        edge = np.sqrt(eps)
        ax.axvline(edge, color=color, linestyle="-.", linewidth=1, label=f"a = √ε = {edge:.2g}")
    ax.loglog(data.scales, 1 / data.scales, ":", color=GREY, label="1/a", zorder=1)
    ax.set(xlabel="scale a of the input", ylabel="‖dx‖ / ‖g‖", title="The gradient at input a·x")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
