"""Pictures of companions in a batch, and of a network's states."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.layer_norm.batch_dependence import (
    BATCH_AND_LAYER_NORM,
    Companions,
    ShiftStudy,
)
from normlab.norms import FloatArray
from normlab.pictures.style import BLUE, GREY, NORM_COLORS, NORM_MARKERS
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


def draw_states(states: Mapping[str, FloatArray], axes: Sequence[Axes], /) -> None:
    """Histograms of the states h of recurrent networks, which tanh keeps between −1 and 1."""
    for ax, (name, h), color in zip(axes, states.items(), (GREY, BLUE), strict=True):
        ax.hist(h.ravel(), [i / 20 for i in range(-20, 21)], color=color)
        ax.set(title=name, xlabel="state h", ylabel="units")
