"""Pictures of ε, of gradients at nearly constant rows, of computed variances, and of errors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.numerics.rounding import EPSILONS, EpsilonSweep, GradientSweep, VarianceSweep
from normlab.norms import FloatArray
from normlab.pictures.style import BLUE, GREEN, GREY, ORANGE, PINK, RED
from normlab.tools.table import Table

if TYPE_CHECKING:  # what needs torch is loaded by who makes it
    from normlab.chapters.numerics.error_parts import ErrorSweep

_EPS_LOOKS = dict(
    zip(
        EPSILONS,
        [
            (RED, "s", "-"),
            (BLUE, "o", "--"),
            (GREEN, "^", "-."),
            (ORANGE, "D", ":"),
            (PINK, "v", "-"),
        ],
        strict=True,
    )
)
_FORMULA_LOOKS = {
    "one pass": (RED, "s", "-"),
    "Welford": (ORANGE, "D", "-."),
    "two pass": (BLUE, "o", "--"),
    "shifted": (GREEN, "^", ":"),
}


def draw_epsilon_sweep(
    data: EpsilonSweep, axes: tuple[Axes, Axes], /, std: float, place: str
) -> None:
    """Left the output's RMS against the input's std; right the same as bars at one std."""
    curves, bars = axes
    for i, (name, rms) in enumerate(data.at(place, std).items()):
        color, marker, dash = _EPS_LOOKS[name]
        curves.plot(data.stds, data.output_rms[place][i], dash, color=color)
        curves.plot(std, rms, marker, color=color, markersize=7, clip_on=False)
        bars.barh(i, rms, height=0.42, color=color)
        bars.plot(rms, i, marker, color=color, markersize=7, clip_on=False)
        bars.text(0.015, i - 0.29, f"{name}, ε = {EPSILONS[name]:.3g}", fontsize=8, va="bottom")
    curves.axvline(std, color=GREY, linewidth=0.8)
    curves.set(title=f"ε {place}", xscale="log", xlim=(4e-7, 2), ylim=(0, 1.05))
    curves.set(xticks=(1e-6, 1e-4, 1e-2, 1), xlabel="std of the input", ylabel="RMS of the output")
    bars.set(title=f"input of std {std:.1e}", xlim=(0, 1.05), ylim=(4.5, -0.75))
    bars.set(yticks=[], xlabel="RMS of the output")


def describe_epsilon_sweep(data: EpsilonSweep, /, std: float, place: str) -> tuple[str, Table]:
    by_library = data.at(place, std)
    listed = ", ".join(f"{rms:.3f} for {name}" for name, rms in by_library.items())
    sentence = f"Input of std {std:.1e}, ε {place}: the output has RMS {listed}."
    rows = [[name, f"{EPSILONS[name]:.3g}", f"{rms:.4f}"] for name, rms in by_library.items()]
    return sentence, Table(("default of", "ε", "RMS of the output"), rows)


def draw_gradient_sweep(data: GradientSweep, ax: Axes, /) -> None:
    """‖dx‖/‖g‖ against the std of the row, one line for each ε, and 1/√ε as a thin line."""
    for (name, eps), gains in zip(EPSILONS.items(), data.gains, strict=True):
        color, marker, dash = _EPS_LOOKS[name]
        label = f"{name}, {eps:.3g}"
        ax.plot(data.stds, gains, dash, marker=marker, markersize=4, color=color, label=label)
        ax.axhline(eps**-0.5, color=color, linewidth=0.6)
    ax.set(xscale="log", yscale="log", xlabel="std of the row", ylabel="‖dx‖ / ‖g‖")
    ax.legend(title="ε (thin line: 1/√ε)", fontsize=8, loc="upper right", bbox_to_anchor=(1, 0.99))


def draw_variance_errors(
    data: VarianceSweep, ax: Axes, /, formulas: Sequence[str] = tuple(_FORMULA_LOOKS)
) -> None:
    """The worst relative error of some formulas against the offset, with the rule u·offset²."""
    for name in formulas:
        color, marker, dash = _FORMULA_LOOKS[name]
        error = data.worst_error(name)
        ax.plot(data.offsets, error, dash, marker=marker, markersize=4, color=color, label=name)
    unit = np.finfo(data.dtype).eps / 2
    rule = unit * data.offsets**2
    ax.plot(data.offsets, rule, color=GREY, linewidth=1, label="u · offset²")
    ax.axhline(1, color="black", linewidth=0.8)
    ax.set(xscale="log", yscale="log", xlabel="offset (std of the row: 1)")
    ax.set(ylabel="relative error of the variance", title=f"{data.dtype}, worst of the rows")
    ax.legend(fontsize=8)


def draw_variance_sweep(
    data: dict[str, VarianceSweep], axes: tuple[Axes, Axes], /, offset: float, dtype: str
) -> None:
    """Left the input as it is stored; right the range of the variance by each formula."""
    sweep, (grid, ranges) = data[dtype], axes
    i = data[dtype].index(offset)
    grid.plot((-1, 1), (-1, 1), color=GREY, linewidth=0.8)
    grid.plot(sweep.row, sweep.stored_row[i], "o", markersize=3, color=BLUE)
    grid.set(title=f"{dtype}, offset {offset:,.0f}", xlim=(-1, 1), ylim=(-1, 1))
    grid.set(xlabel="entry before the offset", ylabel="entry as stored, minus the offset")
    if not np.isfinite(sweep.stored_row[i]).all():
        grid.text(0, 0.3, "stored as infinity", ha="center")
    ranges.axvspan(-1e6, 0, color=RED, alpha=0.2, linewidth=0)
    ranges.axvline(1, color="black", linewidth=0.8)
    for place, (name, values) in enumerate(sweep.computed.items()):
        _draw_range(ranges, place, name, values[i], int(sweep.failed(name)[i]))
    ranges.set_xscale("symlog", linthresh=2, linscale=1.5)
    ranges.set(title="computed variance (true: 1)", xlim=(-1e6, 1e6), ylim=(3.6, -0.8))
    ranges.set(xticks=(-1e5, -1e2, 0, 1, 1e2, 1e5), yticks=(), xlabel="variance; shaded: negative")
    ranges.set_xticklabels(("−10⁵", "−100", "0", "1", "100", "10⁵"))


def _draw_range(ax: Axes, place: int, name: str, values: np.ndarray, failed: int) -> None:
    color, marker, _ = _FORMULA_LOOKS[name]
    finite = values[np.isfinite(values)]
    if finite.size:
        ax.plot((finite.min(), finite.max()), (place, place), color=color, linewidth=3)
        ax.plot(np.median(finite), place, marker, color=color, markersize=7)
    fails = f": {failed} of {len(values)} fail" if failed else ""
    ax.text(8e5, place - 0.25, f"{name}{fails}", fontsize=8, ha="right")


def describe_variance_sweep(
    data: dict[str, VarianceSweep], /, offset: float, dtype: str
) -> tuple[str, Table]:
    sweep = data[dtype]
    i = sweep.index(offset)
    rows = []
    for name, values in sweep.computed.items():
        finite = values[i][np.isfinite(values[i])]
        span = [f"{end:.3g}" for end in (finite.min(), finite.max())] if finite.size else ["–", "–"]
        rows.append([name, *span, f"{sweep.failed(name)[i]} of {len(values[i])}"])
    listed = "; ".join(f"{name} {low} to {high}, {bad} fail" for name, low, high, bad in rows)
    sentence = f"{dtype}, offset {offset:,.0f}, true variance about 1; computed: {listed}."
    return sentence, Table(("formula", "least", "greatest", "negative or not finite"), rows)


def draw_variance_counts(one_pass: FloatArray, two_pass: FloatArray, ax: Axes, /) -> None:
    """How many rows have which variance, in steps of 8; all two-pass variances are one line."""
    ax.axvspan(-100, -4, color=RED, alpha=0.2, linewidth=0)
    edges = np.arange(-44, 45, 8)
    label = "one pass; shaded: negative"
    ax.hist(one_pass, edges.tolist(), rwidth=0.6, color=RED, alpha=0.9, label=label)
    span = f"two pass: {two_pass.min():.2f} to {two_pass.max():.2f}"
    ax.axvline(float(np.median(two_pass)), color=BLUE, linestyle="--", label=span)
    ax.set(xlim=(-44, 44), xticks=edges[:-1] + 4, xlabel="computed variance (true: about 1)")
    ax.set(ylabel="rows")
    ax.legend(fontsize=8, loc="upper left")


_PART_LOOKS = {
    "input rounded": (GREY, "x", "-"),
    "mean rounded": ("black", "+", ":"),
    "nn.LayerNorm": (BLUE, "o", "-"),
    "two pass": (RED, "s", "--"),
    "centered twice": (ORANGE, "D", "-."),
    "normlab.norms": (GREEN, "^", ":"),
}


def draw_error_sweep(data: "ErrorSweep", ax: Axes, /) -> None:
    """The largest error of an output against the offset, by where it comes from."""
    for name, (color, marker, dash) in _PART_LOOKS.items():
        errors = data.errors[name]
        ax.plot(data.offsets, errors, dash, marker=marker, markersize=5, color=color, label=name)
    ax.set(xscale="log", yscale="log", xlabel="offset (std of the row: 1)", ylabel="largest error")
    ax.legend(fontsize=8)
