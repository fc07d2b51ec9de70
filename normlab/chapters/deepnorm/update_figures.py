"""Pictures of one training step by depth and variant, and of the theorem's sum."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from normlab.chapters.deepnorm.one_step import UpdateSweep, variant_name
from normlab.pictures.end_names import name_line_ends
from normlab.pictures.style import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY
from normlab.probes import DepthSweep
from normlab.tools.table import Table

VARIANT_LOOKS = {
    "post-norm": (RED, "s"),
    "DeepNorm": (GREEN, "^"),
    "α only": (ORANGE, "D"),
    "β only": (SKY, "v"),
    "α on the branch": (PINK, "P"),
    "β on q and k": (GREEN, "<"),
    "β not on v": (ORANGE, ">"),
    "inverse β": (PINK, "X"),
    "GLM-130B": (BLUE, "*"),
    "pre-norm": (BLUE, "o"),
}
STEPS = {"sgd": "one SGD step", "sign": "one sign step (Adam's first)"}


_TOP = 30.0


def draw_update(data: UpdateSweep, ax: Axes, /, variant: str, layers: int) -> None:
    """‖ΔF‖/‖F‖ against depth, each line with its name at its right end.

    One variant is in colour, with the theory's slope dashed and a band of one standard deviation
    over the seeds; the others are thin and grey.
    """
    color, marker = VARIANT_LOOKS[variant]
    bottom = min(v.min() for v in data.relative.values()) / 3
    for name, values in data.relative.items():
        if name != variant:
            other = variant_name(name)
            ax.plot(data.depths, values, color=GREY, linewidth=0.8, alpha=0.6, label=other)
            ax.plot(data.depths[-1], values[-1], VARIANT_LOOKS[name][1], color=GREY, markersize=4)
    values, place = data.relative[variant], data.depths.index(layers)
    chosen = variant_name(variant)
    ax.fill_between(data.depths, *data.changes.band(variant), color=color, alpha=0.2, lw=0)
    shown = ax.plot(data.depths, values, color=color, marker=marker, markersize=4, label=chosen)
    ax.plot(layers, values[place], marker, color=color, markersize=10, markeredgecolor="black")
    predicted, slope = data.predicted(variant), data.predicted_slope(variant)
    if predicted is not None and slope is not None:
        theory = f"theory, slope {_two_digits(slope)}"
        shown += ax.plot(data.depths, predicted, "--", color="black", label=theory)
    ax.axvline(layers, color=GREY, linewidth=0.8, linestyle=":")
    ax.set(xscale="log", yscale="log", ylim=(bottom, _TOP), xlabel="layers N", ylabel="‖ΔF‖/‖F‖")
    ax.set_xlim(data.depths[0] / 1.2, data.depths[-1] * 9)  # room for the names
    ax.set_xticks(data.depths, [str(n) for n in data.depths])
    ax.minorticks_off()
    last = data.depths[-1]
    ends = {variant_name(name): float(v[-1]) for name, v in data.relative.items()}
    name_line_ends(ax, ends, (last * 1.08, last * 1.4), chosen, color)
    ax.set_title(f"{chosen}, {STEPS[data.rule]}: slope {data.said_slope(variant)}")
    ax.legend(handles=shown, loc="upper left", fontsize=9.5)


def describe_update(data: UpdateSweep, /, variant: str, layers: int) -> tuple[str, Table]:
    place = data.depths.index(layers)
    theory = data.predicted_slope(variant)
    said = "has no slope for it" if theory is None else f"says {_two_digits(theory)}"
    sentence = (
        f"{variant_name(variant)}, {layers} layers, {STEPS[data.rule]} with learning rate "
        f"{data.learning_rate:g}: the output moves by {data.relative[variant][place]:.2g} of its "
        f"norm; over all depths the slope is {data.said_slope(variant)}, and theory {said}."
    )
    return sentence, data.table()


def draw_bound(data: UpdateSweep, ax: Axes, /, variants: tuple[str, ...]) -> None:
    """Theorem 4.2's sum over the measured change; below 1 an assumption of the theorem fails.

    The bands are one standard deviation over the seeds.
    """
    for name in variants:
        _draw_seeds(data.ratios, ax, name, variant_name(name))
    ax.axhline(1, color="black", linewidth=0.8)
    _depth_axes(data, ax)
    ax.set_ylabel("sum of Theorem 4.2 / measured")
    ax.set_yticks((0.5, 1, 2, 5, 10), ("0.5", "1", "2", "5", "10"))
    ax.set_ylim(bottom=0.15)  # room for the legend
    ax.set_title(f"{STEPS[data.rule]}, learning rate {data.learning_rate:g}")
    ax.legend(fontsize=8, loc="lower left", ncols=2)


def draw_two_shares(data: UpdateSweep, axes: Sequence[Axes], /, variants: tuple[str, ...]) -> None:
    """The factors of Theorem 4.2's sum: how far a step moves the weights, and what that does."""
    shares = (
        ("how far a step moves θ", r"$\|\Delta\theta\|/\eta$", data.moves_by_rate),
        ("what a move does to F", r"$\sqrt{v^2 + w^2}\,/\,\alpha$", data.effects),
    )
    for (title, label, share), ax in zip(shares, axes, strict=True):
        for name in variants:
            said = f"{variant_name(name)}: {share.said_slope(name)}"
            _draw_seeds(share, ax, name, said)
        _depth_axes(data, ax)
        ax.set(title=title, ylabel=label)
        ticks = (0.05, 0.1, 0.2, 0.5, 1, 2, 5)
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        least = min(share.values[name].min() for name in variants)
        ax.set_ylim(bottom=least / 12)  # room for the legend
        ax.legend(fontsize=8, title="slope", title_fontsize=8, loc="lower left")


def _draw_seeds(data: DepthSweep, ax: Axes, variant: str, label: str) -> None:
    """The geometric mean over the seeds, and one standard deviation about it."""
    color, marker = VARIANT_LOOKS[variant]
    ax.fill_between(data.depths, *data.band(variant), color=color, alpha=0.2, lw=0)
    ax.plot(data.depths, data.values[variant], color=color, marker=marker, ms=5, label=label)


def _depth_axes(data: UpdateSweep, ax: Axes) -> None:
    ax.set(xscale="log", yscale="log", xlabel="layers N")
    ax.set_xticks(data.depths, [str(n) for n in data.depths])
    ax.minorticks_off()


def _two_digits(value: float) -> str:
    """Two digits, and no minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}"
