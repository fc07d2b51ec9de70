"""Pictures of chapter 10: how far each library's norms are from float64."""

import math
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter

from matplotlib.axes import Axes

from normlab.chapters.frameworks.audits.worst import WorstError
from normlab.chapters.frameworks.comparison import Comparison, SweepView, shown
from normlab.chapters.frameworks.framework import COMPARED_NORMS
from normlab.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    NORM_COLORS,
    NORM_MARKERS,
    ORANGE,
    PINK,
    RED,
    SKY,
)
from normlab.tools.table import Table

FRAMEWORK_LOOKS = {
    "NumPy": (PINK, "P"),
    "ours in torch": (SKY, "v"),
    "torch.nn": (RED, "o"),
    "Keras on torch": (GREEN, "^"),
    "tf.keras": (ORANGE, "s"),
    "Flax": (BLUE, "D"),
}


def draw_differences(data: Comparison, ax: Axes, /) -> None:
    """Each framework's greatest difference from float64, a bar for either norm.

    At its end stands on which result it is, y, dx, dγ or dβ; `differences` has them all.
    """
    names = list(data.reports)
    for norm, shift in zip(COMPARED_NORMS, (-0.19, 0.19), strict=True):
        worst = [max(data.reports[n].differences[norm].items(), key=itemgetter(1)) for n in names]
        rows = [i + shift for i in range(len(names))]
        values = [value for _, value in worst]
        ax.barh(rows, values, 0.34, color=NORM_COLORS[norm], label=norm)
        for row, (result, value) in zip(rows, worst, strict=True):
            ax.text(1.05 * value, row, result, va="center", fontsize=8)
    ax.axvline(2.0**-24, color="black", linewidth=0.8, linestyle=":")
    ax.set(xscale="log", xlim=(2e-8, 2e-6), xlabel="greatest difference / largest entry")
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    ax.set_title("float32 against float64, ε = 1e-5; dotted: half a spacing at 1")
    ax.legend(fontsize=8, loc="lower right")


def draw_sweep(view: SweepView, ax: Axes, /, std: float, framework: str) -> None:
    """Distance against the standard deviation of the input: one framework in colour."""
    distance = view.distance()
    for name, (color, marker) in FRAMEWORK_LOOKS.items():
        points = view.points(name)
        chosen = name == framework
        ax.plot(
            [p.std for p in points], [distance(p) for p in points],
            color=color if chosen else GREY, linewidth=1.8 if chosen else 0.8, marker=marker,
            markersize=5 if chosen else 4, alpha=1 if chosen else 0.6, label=name,
            zorder=3 if chosen else 2,
        )  # fmt: skip
    here = next(point for point in view.points(framework) if point.std == std)
    color, marker = FRAMEWORK_LOOKS[framework]
    ax.plot(std, distance(here), marker, color=color, ms=10, markeredgecolor="black", zorder=4)
    ax.axvline(std, color=GREY, linewidth=0.8, linestyle=":")
    ax.set(xscale="log", yscale="log", ylim=(1e-9, 1e7), xlim=(1.6, 6e-5))
    ax.set(xlabel="standard deviation of the input", ylabel="greatest difference")
    ax.set_title(f"{view.norm}, offset {view.offset:g}, against {view.against}")
    ax.legend(loc="upper center", fontsize=9.5, ncols=3)


def describe_sweep(view: SweepView, /, std: float, framework: str) -> tuple[str, Table]:
    distance, rows = view.distance(), []
    for name in view.data.reports:
        point = next(p for p in view.points(name) if p.std == std)
        defaults = view.data.reports[name].defaults[view.norm]
        rows.append([name, defaults.eps, f"{point.output_rms:.2f}", shown(distance(point))])
    here = dict(zip(view.data.reports, rows, strict=True))[framework]
    sentence = (
        f"{framework}, {view.norm} with its default ε = {here[1]}: rows of standard deviation "
        f"{std:g} at offset {view.offset:g} come out with root mean square {here[2]}; the greatest "
        f"difference from {view.against} is {here[3]}."
    )
    return sentence, Table(("framework", "default ε", "output RMS", "difference"), rows)


MISSING = 1e8
"""Where an error is drawn that has no number: an input was refused, or no finite one came out."""


def draw_worst_errors(data: Sequence[WorstError], ax: Axes, /) -> None:
    """The worst forward error of each implementation in ulps, beside that of torch's own norm.

    Args:
        data: as `worst_errors` gives it.
        ax: about 0.3 inches high for each row.
    """
    for at, one in enumerate(data):
        _draw_worst_error(one, at, ax)
    for at, (before, after) in enumerate(pairwise(data)):
        if before.library != after.library:
            ax.axhline(at + 0.5, color=GREY, linewidth=0.6)
    ax.set(xscale="log", xlim=(1, 2 * MISSING), xlabel="worst error of what comes out, ulps")
    ax.set_yticks(range(len(data)), [one.label for one in data])
    ax.set_ylim(len(data) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.set_title("each norm where it is worst, and (right) on which check")
    _explain_marks(ax)


def _draw_worst_error(one: WorstError, at: int, ax: Axes) -> None:
    color, end = NORM_COLORS[one.kind], min(one.ulps, MISSING)
    on = one.where if math.isfinite(one.ulps) else f"{one.where}: ∞"
    ax.barh(at, end, 0.45, color=color, alpha=0.45, label=f"{one.label} on {on}")
    ax.plot(end, at, NORM_MARKERS[one.kind], color=color, markersize=7)
    ax.plot(one.torch_ulps, at, "|", color=INK, markersize=14, markeredgewidth=1.5)
    ax.annotate(
        on, (1.02, at), xycoords=("axes fraction", "data"), va="center", fontsize=8.5, color=INK
    )


def _explain_marks(ax: Axes) -> None:
    looks = {kind: (NORM_COLORS[kind], NORM_MARKERS[kind]) for kind in COMPARED_NORMS}
    looks["the greatest error of torch's own norm"] = (INK, "|")
    handles = [
        ax.plot([], [], marker, color=color, label=label)[0]
        for label, (color, marker) in looks.items()
    ]
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, fontsize=9)


def describe_worst_errors(data: Sequence[WorstError], /) -> tuple[str, Table]:
    """Who is worse than torch's own norm, and by how much."""
    worse = [one for one in data if one.ulps > 3 * one.torch_ulps]
    said = [f"{one.label} on {one.where} ({_ulps(one.ulps)})" for one in worse]
    sentence = (
        f"Of {len(data)} rows {len(worse)} have a worst error above three times that of torch's "
        f"own norm: {'; '.join(said)}."
    )
    rows = [[one.label, one.where, _ulps(one.ulps), _ulps(one.torch_ulps)] for one in data]
    return sentence, Table(("norm", "worst on", "error", "torch's own"), rows)


def _ulps(error: float) -> str:
    return f"{error:.2g} ulps" if math.isfinite(error) else "∞"
