"""Pictures of companions in a batch, of a token on its way, and of a network's states."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.layer_norm.batch_dependence import (
    BATCH_AND_LAYER_NORM,
    Companions,
    ShiftStudy,
)
from normlab.chapters.layer_norm.trace import TracedTokens
from normlab.norms import FloatArray
from normlab.pictures.style import BLUE, GREY, NORM_COLORS, NORM_MARKERS, ORANGE
from normlab.tools.table import Table


def draw_companions(data: Companions, axes: tuple[Axes, Axes], /, size: int, chosen: int) -> None:
    """The example's output by feature: grey among every set of companions, coloured now."""
    places = np.arange(len(data.example))
    for ax, norm in zip(axes, BATCH_AND_LAYER_NORM, strict=True):
        outputs = data.outputs(norm, size)
        ax.axhline(0, color="black", linewidth=0.8)
        for others in outputs:
            ax.plot(places, others, color=GREY, linewidth=0.8, alpha=0.6)
        color, marker = NORM_COLORS[norm], NORM_MARKERS[norm]
        ax.plot(places, outputs[chosen], color=color, marker=marker, markeredgecolor="black")
        ax.set(
            title=f"{norm}, batch size {size}", xlabel="feature", xticks=places, ylim=(-3.2, 3.2)
        )
        ax.set_ylabel("output of the example")


def describe_companions(data: Companions, /, size: int, chosen: int) -> tuple[str, Table]:
    batch, layer = (data.spread(norm, size) for norm in BATCH_AND_LAYER_NORM)
    outputs = {norm: data.outputs(norm, size)[chosen] for norm in BATCH_AND_LAYER_NORM}
    zeros = " and is 0 in every feature" if not outputs["BatchNorm"].any() else ""
    sentence = (
        f"Batch size {size}, companions {chosen + 1} of {len(data.others)}: over the sets of "
        f"companions the example's BatchNorm output moves by up to {batch:.2f}{zeros}; "
        f"its LayerNorm output moves by {layer:.2f}."
    )
    rows = [
        [i, *(f"{y:.3f}" for y in row)]
        for i, row in enumerate(zip(data.example, *outputs.values(), strict=True))
    ]
    return sentence, Table(("feature", "input", *outputs), rows)


def draw_shift(data: ShiftStudy, axes: tuple[Axes, Axes], /) -> None:
    """Histograms of the outputs: filled as in training, outlined for shifted inputs."""
    bins = [i / 4 for i in range(-24, 49)]
    for ax, (norm, outputs) in zip(axes, data.outputs.items(), strict=True):
        trained, shifted = outputs["as in training"], outputs["shifted"]
        ax.hist(trained.ravel(), bins, density=True, color=GREY, label="as in training")
        ax.hist(
            shifted.ravel(), bins, density=True, histtype="step", linewidth=1.8,
            color=NORM_COLORS[norm], label="shifted",
        )  # fmt: skip
        ax.set(title=f"{norm} at inference", xlabel="output", ylabel="density", ylim=(0, 0.5))
        ax.legend(title="inputs", loc="upper right", frameon=False)


_OUTLINE: Any = {"fill": False, "edgecolor": "black", "linestyle": ":"}


def draw_traced_token(data: TracedTokens, ax: Axes, /, token: str, step: int) -> None:
    """Bars of the token after `step` steps; dashed outlines: the token one step before."""
    steps = list(data.traces[token].steps().items())
    name, values = steps[step]
    places = np.arange(len(values))
    mean, std = values.mean(), values.std()
    ax.axhspan(mean - std, mean + std, color=ORANGE, alpha=0.18, linewidth=0)
    ax.axhline(mean, color=ORANGE, linestyle="--", label="mean, ± std")
    ax.axhline(0, color="black", linewidth=0.8)
    ax.bar(places, values, 0.6, color=BLUE, label="this step")
    if step > 0:
        _, before = steps[step - 1]
        ax.bar(places, before, 0.8, **_OUTLINE, label="one step before")
    low, high = data.span()
    room = (high - low) / 8  # below for what was done, above for the legend
    for place, text in enumerate(data.operations(token, step)):
        ax.text(place, low - room, text, ha="center", va="bottom")
    ax.set(title=name, xlabel="feature", ylabel="value", xticks=places)
    ax.set(xlim=(-0.7, len(values) - 0.3), ylim=(low - 1.2 * room, high + 1.5 * room))
    ax.legend(loc="upper center", ncols=3)


def draw_states(states: Mapping[str, FloatArray], axes: Sequence[Axes], /) -> None:
    """Histograms of the states h of recurrent networks, which tanh keeps between −1 and 1."""
    for ax, (name, h), color in zip(axes, states.items(), (GREY, BLUE), strict=True):
        ax.hist(h.ravel(), [i / 20 for i in range(-20, 21)], color=color)
        ax.set(title=name, xlabel="state h", ylabel="units")


def describe_traced_token(data: TracedTokens, /, token: str, step: int) -> tuple[str, Table]:
    name, values = list(data.traces[token].steps().items())[step]
    sentence = (
        f"Step {step} of 4, {name}, token {token}: the features are "
        f"{', '.join(_signed(v) for v in values)}; their mean is {_signed(values.mean())} and "
        f"their standard deviation {values.std():.2f}."
    )
    return sentence, data.traces[token].table()


def _signed(value: float) -> str:
    """Two digits, and no minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}"
