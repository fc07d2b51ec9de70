"""Pictures of one training step by depth and variant, of α and β, and of very deep runs."""

from collections.abc import Mapping
from math import isfinite

from matplotlib.axes import Axes

from normlab.chapters.deepnorm.one_step import DeepNormConstants, UpdateSweep, variant_name
from normlab.pictures.end_names import name_line_ends
from normlab.pictures.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    PLACEMENT_COLORS,
    PLACEMENT_MARKERS,
    RED,
    SKY,
)
from normlab.tools.table import Table
from normlab.training.loop import TrainRecord

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

    One variant is in colour, with the theory's slope dashed; the others are thin and grey.
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
    ax.set_title(f"{chosen}, {STEPS[data.rule]}: slope {_two_digits(data.slope(variant))}")
    ax.legend(handles=shown, loc="upper left", fontsize=9.5)


def describe_update(data: UpdateSweep, /, variant: str, layers: int) -> tuple[str, Table]:
    place = data.depths.index(layers)
    theory = data.predicted_slope(variant)
    said = "has no slope for it" if theory is None else f"says {_two_digits(theory)}"
    sentence = (
        f"{variant_name(variant)}, {layers} layers, {STEPS[data.rule]} with learning rate "
        f"{data.learning_rate:g}: the output moves by {data.relative[variant][place]:.2g} of its "
        f"norm; over all depths the slope is {_two_digits(data.slope(variant))}, and theory {said}."
    )
    return sentence, data.table()


def draw_bound(data: UpdateSweep, ax: Axes, /, variants: tuple[str, ...]) -> None:
    """Theorem 4.2's sum over the measured change; below 1 an assumption of the theorem fails."""
    for name in variants:
        color, marker = VARIANT_LOOKS[name]
        ax.plot(
            data.depths,
            data.bounds[name] / data.relative[name],
            color=color,
            marker=marker,
            markersize=5,
            label=variant_name(name),
        )
    ax.axhline(1, color="black", linewidth=0.8)
    ax.set(xscale="log", yscale="log", xlabel="layers N", ylabel="sum of Theorem 4.2 / measured")
    ax.set_xticks(data.depths, [str(n) for n in data.depths])
    ax.set_yticks((0.5, 1, 2, 5, 10), ("0.5", "1", "2", "5", "10"))
    ax.minorticks_off()
    ax.set_title(f"{STEPS[data.rule]}, learning rate {data.learning_rate:g}")
    ax.legend(fontsize=8)


_CONSTANTS, _CONSTANT_TICKS = ("α", r"$\beta_w$"), ((1, 2, 4, 8), (0.1, 0.2, 0.4, 0.8))


def draw_constants(data: DeepNormConstants, axes: tuple[Axes, Axes], /) -> None:
    """Left α, right β_w against the layers in each stack, a line for each architecture."""
    looks = zip(data.constants.items(), (GREEN, ORANGE, PINK), "^so", ("-", "--", ":"), strict=True)
    for (name, pairs), color, marker, dash in looks:
        for ax, values in zip(axes, zip(*pairs, strict=True), strict=True):
            ax.plot(data.layers, values, dash, color=color, marker=marker, ms=4, label=name)
    for ax, label, ticks in zip(axes, _CONSTANTS, _CONSTANT_TICKS, strict=True):
        ax.set(xscale="log", yscale="log", xlabel="layers in each stack", ylabel=label, title=label)
        ax.set_yticks(ticks, [str(tick) for tick in ticks])
        ax.minorticks_off()
    axes[0].legend(fontsize=8)


def _two_digits(value: float) -> str:
    """Two digits, and no minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def draw_deep_runs(records: Mapping[str, TrainRecord], ax: Axes, /) -> None:
    """Loss by step of runs that differ in placement alone, and the loss of guessing.

    A run that was given up ends in a cross; if its loss is off the picture or not a number, the
    cross stands near the upper edge.

    Args:
        records: by placement; one at least.
    """
    one = next(iter(records.values()))
    top = 1.6 * one.chance
    for number, (name, record) in enumerate(records.items()):
        color, marker = PLACEMENT_COLORS[name], PLACEMENT_MARKERS[name]
        every = max(1, len(record.steps) // 10)
        ended = "" if record.diverged_at is None else f", given up at step {record.diverged_at}"
        ax.plot(
            record.steps,
            record.losses,
            color=color,
            marker=marker,
            markevery=(number * every // len(records), every),
            markersize=5,
            linewidth=1.2,
            label=name + ended,
        )
        if ended:
            last = record.losses[-1]
            height = last if isfinite(last) and last < top else top
            ax.plot([record.steps[-1]], [height], "X", color=color, markersize=10)
    ax.axhline(one.chance, color="black", linestyle=":", label=f"chance, {one.chance:.2f}")
    steps = max(record.config.steps for record in records.values())
    ax.set(xlabel="step", ylabel="loss (nats)", xlim=(-0.03 * steps, steps), ylim=(0, 1.06 * top))
    ax.set_title(f"{one.config.decoder_layers:,} layers")
    ax.legend(fontsize=8)


def draw_own_runs(records: Mapping[str, TrainRecord], ax: Axes, /) -> None:
    """The same of a learner's DeepNorm, beside post-norm."""
    draw_deep_runs(records, ax)
    ax.set_title(f"{records['deepnorm'].config.decoder_layers} layers, your DeepNorm")


def describe_own_runs(records: Mapping[str, TrainRecord], /) -> str:
    own, post = records["deepnorm"], records["post-norm"]
    return (
        f"After {own.config.steps} steps {own.config.decoder_layers} layers with your DeepNorm are "
        f"at a loss of {own.final_loss:.2f}; the same with post-norm are at {post.final_loss:.2f}, "
        f"and guessing costs {own.chance:.2f}. Chapter 08, section 9, does it with 100 layers."
    )
