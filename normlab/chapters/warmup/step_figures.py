"""Pictures of one model in four lanes: what each update finds and what it does, layer by layer."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from normlab.chapters.warmup.training_steps import TrainingSteps
from normlab.norms import FloatArray
from normlab.pictures.style import BAND, PLACEMENT_COLORS, PLACEMENT_MARKERS
from normlab.tools.table import Table

LANES = ("post-norm", "post-norm, warmup 200", "pre-norm", "DeepNorm")
_PLACEMENTS = dict(zip(LANES, ("post-norm", "post-norm", "pre-norm", "deepnorm"), strict=True))


class _Panel(NamedTuple):
    """Of one quantity by layer or sub-layer: its name in `Lane`, and how it is drawn.

    Attributes:
        first: the number of the first layer or sub-layer.
        every: from one tick, and one mark, to the next.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    limits: tuple[float, float]
    first: int
    every: int


_BY_LAYER = (
    _Panel("mean_square", "the stream", "layer l", "‖x‖²/D", (0.5, 200), 0, 3),
    _Panel("norm_inputs", "what enters the norms", "sub-layer s", "σ", (0.5, 20), 1, 4),
    _Panel("gradients", "the gradient", "layer l", "‖∂ℒ/∂θ‖", (1e-6, 10), 1, 3),
    _Panel("moved", "what the next update does", "layer l", "‖Δx‖/‖x‖", (1e-4, 3), 0, 3),
)


def draw_training_steps(data: TrainingSteps, axes: Sequence[Axes], /, updates: int) -> None:
    """Six panels: two of what was seen up to this update, four of the layers at it.

    Lines are medians over the seeds, bands go from the least of them to the greatest.
    """
    loss, stream, norms, gradient, moved, spread = axes
    look = data.at(updates)
    for ax, panel in zip((stream, norms, gradient, moved), _BY_LAYER, strict=True):
        for name, lane in data.lanes.items():
            values = getattr(lane, panel.name)[:, look]  # (R, layers)
            layers = panel.first + np.arange(values.shape[1])
            marks = [i for i, layer in enumerate(layers) if layer % panel.every == 0]
            _draw_lane(ax, name, layers, values, marks)
        ax.set(yscale="log", ylim=panel.limits, title=panel.title)
        ax.set(xlabel=panel.x_label, ylabel=panel.y_label)
        ax.xaxis.set_major_locator(MultipleLocator(panel.every))
    so_far = 1 + np.array(data.updates[: look + 1])
    for ax, label in ((loss, "loss"), (spread, "logit_spread")):
        for name, lane in data.lanes.items():
            values = getattr(lane, label)[:, : look + 1]
            _draw_lane(ax, name, so_far, values, [*range(look + 1)])
        last = data.updates[-1]
        ax.set(xscale="log", xlim=(0.8, 1.3 * last), xlabel="updates + 1")
        ax.set_xticks([1, 10, 100, last], ["1", "10", "100", str(last)])
        ax.minorticks_off()
    loss.axhline(data.chance, color="black", linestyle=(0, (1, 3)))
    loss.text(1.2 * data.updates[-1], data.chance, "chance", va="bottom", ha="right", fontsize=8)
    loss.set(ylim=(0, 5), ylabel="loss (nats)", title=f"after {updates} updates")
    loss.legend(
        loc="upper left", ncols=2, fontsize=8, columnspacing=0.5, handlelength=1.2, borderaxespad=0
    )
    spread.set(yscale="log", ylim=(1e-4, 1e1), ylabel="spread of the logits")
    spread.set_title("do the answers differ?")


def _draw_lane(
    ax: Axes, name: str, x: FloatArray, values: FloatArray, marks: Sequence[int]
) -> None:
    """The median over the seeds, marked at some places, and the band of all: (R, n) -> (n,)."""
    placement = _PLACEMENTS[name]
    warm = name != placement and placement == "post-norm"
    color = PLACEMENT_COLORS[placement]
    ax.fill_between(x, values.min(0), values.max(0), color=color, alpha=BAND, linewidth=0)
    ax.plot(
        x,
        np.median(values, 0),
        "--" if warm else "-",
        color=color,
        marker=PLACEMENT_MARKERS[placement],
        markerfacecolor="white" if warm else color,
        markersize=4,
        markevery=marks,
        linewidth=1.4,
        label=name,
    )


def describe_training_steps(data: TrainingSteps, /, updates: int) -> tuple[str, Table]:
    look = data.at(updates)
    losses = {name: float(np.median(lane.loss[:, look])) for name, lane in data.lanes.items()}
    moves = {name: float(np.median(lane.moved[:, look, -1])) for name, lane in data.lanes.items()}
    sentence = (
        f"The loss after {updates} updates, medians of {data.seeds} seeds: {_each(losses)}. "
        f"Guessing costs {data.chance:.2f}. How far the next update moves the output of the last "
        f"layer, as a share of its length: {_each(moves)}."
    )
    return sentence, data.table(updates)


def _each(values: Mapping[str, float]) -> str:
    """By lane, two digits."""
    return "; ".join(f"{value:.2g} {name}" for name, value in values.items())
