"""Pictures of the zoo: its models by year, one design, and newer placements."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from normlab.chapters.norms_in_the_wild.model_figures import draw_layer, read_out
from normlab.chapters.norms_in_the_wild.newer_placements import ScaleResponse
from normlab.chapters.norms_in_the_wild.qk_norm import LogitSizes
from normlab.chapters.norms_in_the_wild.zoo import ZooModel
from normlab.chapters.norms_in_the_wild.zoo_designs import (
    ANY,
    FAMILIES,
    Design,
    Timeline,
    family,
    placement_counts,
)
from normlab.chapters.residual_placement.stream import StreamGrowth
from normlab.norms import FloatArray
from normlab.pictures.style import BLUE, GREEN, GREY, NORM_COLORS, ORANGE, PALE, PINK, RED
from normlab.tools.table import Table

FAMILY_MARKERS = dict(zip(FAMILIES, "so^DvP*X", strict=True))


def draw_timeline(data: Timeline, ax: Axes, /, year: int, norm: str) -> None:
    """A column per year, a mark per model: colour is the norm, shape the placement's family.

    The names are too many to be written; a pointer on a mark reads its own.
    """
    years = sorted(data.zoo.count("year"))
    chosen = {model.name for model in data.chosen(year, norm)}
    for column in years:
        for height, model in enumerate(data.zoo.where(year=column)):
            if column <= year:
                _draw_model(model, height, model.name in chosen, ax)
    tallest = max(data.zoo.count("year").values())
    ax.set(xlim=(years[0] - 0.5, years[-1] + 0.5), ylim=(-1, tallest + 0.5), yticks=[])
    ax.set_xticks(years, [str(column) for column in years])
    ax.set_title(f"{len(chosen)} models up to {year}")
    ax.legend(handles=_legend(), loc="upper left")
    ax.grid(visible=False)


def _draw_model(model: ZooModel, height: int, chosen: bool, ax: Axes) -> None:
    color = NORM_COLORS[model.norm] if chosen else PALE
    marker = FAMILY_MARKERS[family(model)]
    ax.plot(model.year, height, marker, color=color, markersize=8, label=model.name)


def _legend() -> list[Line2D]:
    norms = [
        Line2D([], [], color=NORM_COLORS[norm], linewidth=5, label=norm)
        for norm in ("LayerNorm", "RMSNorm")
    ]
    marks = [
        Line2D([], [], color="black", marker=marker, linestyle="", label=name)
        for name, marker in FAMILY_MARKERS.items()
    ]
    return norms + marks


def describe_timeline(data: Timeline, /, year: int, norm: str) -> tuple[str, Table]:
    chosen = data.chosen(year, norm)
    which = "LayerNorm or RMSNorm" if norm == ANY else norm
    where = "any placement" if data.family == ANY else f"the placement {data.family}"
    latest = [model.name for model in chosen][-3:]
    last = f" The latest: {', '.join(latest)}." if latest else ""
    sentence = f"Up to {year}, {len(chosen)} models have {which} with {where}.{last}"
    return sentence, placement_counts(chosen)


def draw_design(data: Sequence[Design], axes: tuple[Axes, Axes], /, design: int) -> None:
    """Left the wiring, from the code that runs; right what the norm computes, and whose it is."""
    left, right = axes
    chosen = data[design]
    model = chosen.first
    draw_layer(model, left)
    left.set_title(model.placement)
    right.set(xlim=(0, 1), ylim=(0, 1))
    right.axis("off")
    said = read_out(model)
    right.text(0, 1, said, va="top", fontsize=10)
    names = [f"{m.year}  {m.name}, ε {m.shown_eps}" for m in chosen.models]
    below = 0.96 - 0.045 * len(said.splitlines())
    right.text(0, below, "\n".join(names), va="top", fontsize=8.5, linespacing=1.3)


def describe_design(data: Sequence[Design], /, design: int) -> tuple[str, Table]:
    chosen = data[design]
    count = len(chosen.models)
    models = "1 model" if count == 1 else f"{count} models"
    first = f"first {chosen.first.name} in {chosen.first.year}"
    sentence = f"Design {design + 1} of {len(data)}, {chosen.label()}: {models}, {first}."
    return sentence, chosen.table()


def draw_logit_sizes(data: LogitSizes, axes: tuple[Axes, Axes], /) -> None:
    """Left the largest logit, right the entropy of attention, by the scale of the weights."""
    looks = zip(data.largest, (RED, GREEN), "s^", strict=True)
    left, right = axes
    for name, color, marker in looks:
        left.plot(data.scales, data.largest[name], color=color, marker=marker, label=name)
        right.plot(data.scales, data.entropy[name], color=color, marker=marker, label=name)
    left.axhline(data.bound, color="black", ls="--", label="√d_h")
    left.set(xscale="log", yscale="log", xlabel="weights ×", title="largest |logit|")
    right.set(xscale="log", xlabel="weights ×", ylim=(0, 1.05))
    right.set_title("entropy of attention, 1 is uniform")
    left.legend()


def draw_streams(
    peri: StreamGrowth,
    pre_norm: StreamGrowth,
    scaled: StreamGrowth,
    divided: FloatArray,
    ax: Axes,
    /,
) -> None:
    """Three streams by layer, and what is expected of two of them from simple counting.

    `divided` is `divided_growth(pre_norm)`.
    """
    layers = np.arange(len(peri.mean_square))
    ax.plot(peri.mean_square, color=ORANGE, marker="D", ms=4, label="peri-norm")
    ax.plot(1 + 2 * layers, color="black", ls="--", label="1 + 2l")
    ax.plot(pre_norm.mean_square, color=BLUE, marker="o", ms=4, label="pre-norm")
    ax.plot(scaled.mean_square, color=PINK, marker="v", ms=4, label="LayerNorm Scaling")
    ax.plot(divided, color=GREY, ls=":", label="pre-norm's additions, each over l")
    ax.set(yscale="log", xlabel="layer l", ylabel="‖x_l‖²/D", title="mean square of the stream")
    ax.set_yticks((1, 2, 5, 10, 20, 50), ("1", "2", "5", "10", "20", "50"))
    ax.minorticks_off()
    ax.legend(fontsize=8, loc="lower right", ncols=2)


def draw_scale_response(data: ScaleResponse, ax: Axes, /) -> None:
    """The size of the output against the scale of the input."""
    looks: Sequence[tuple[str, str, str]] = ((BLUE, "o", "-"), (GREEN, "^", "--"), (RED, "s", ":"))
    for (name, size), (color, marker, dash) in zip(data.size.items(), looks, strict=False):
        ax.plot(data.scales, size, dash, color=color, marker=marker, ms=5, label=name)
    ax.set(xscale="log", yscale="log", xlabel="input ×", ylabel="root mean square of the output")
    ax.legend()
