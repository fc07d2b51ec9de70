"""Pictures of α and β, and of very deep runs."""

from collections.abc import Mapping
from math import isfinite

from matplotlib.axes import Axes

from normlab.chapters.deepnorm.constants import DeepNormConstants
from normlab.pictures.style import GREEN, ORANGE, PINK, PLACEMENT_COLORS, PLACEMENT_MARKERS
from normlab.training.loop import TrainRecord

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
        f"and guessing costs {own.chance:.2f}. Chapter 08, section 11, does it with 100 layers."
    )
