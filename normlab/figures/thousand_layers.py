"""The picture of chapter 08's deep training runs."""

from collections.abc import Mapping
from math import isfinite

from matplotlib.axes import Axes

from normlab.pictures.style import PLACEMENT_COLORS, PLACEMENT_MARKERS
from normlab.training.loop import TrainRecord


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
