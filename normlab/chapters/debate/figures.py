"""Pictures of a choice beside its alternatives."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from normlab.chapters.debate.defence import Choice, Defence
from normlab.pictures.style import BAND, GREY, PLACEMENT_COLORS, PLACEMENT_MARKERS
from normlab.tools.table import Table

Briefs = Mapping[tuple[int, int, int, str], Defence]
"""By layers, rates that may be tried, steps of warmup, and initial weights."""


def draw_defence(data: Defence, axes: tuple[Axes, Axes], /) -> None:
    """Left the loss at each learning rate; right what is expected of so many tries.

    Of several seeds the median is drawn, and a band from the lowest to the highest.
    """
    rates, tries = data.brief.rates, range(1, len(data.brief.rates) + 1)
    for contender, losses in data.losses.items():
        look = _look(contender, data)
        axes[0].plot(rates, [losses[rate] for rate in rates], label=str(contender), **look)
        if len(data.brief.seeds) > 1:
            low, high = zip(*(data.spread[contender][rate] for rate in rates), strict=True)
            axes[0].fill_between(rates, low, high, color=look["color"], alpha=BAND, lw=0)
        axes[1].plot(tries, [data.expected(contender, count) for count in tries], **look)
    axes[1].axvline(data.brief.tries, color="black", linewidth=0.8, linestyle=":")
    axes[0].set(xscale="log", xlabel="learning rate", ylabel="final loss / chance")
    axes[0].set_xticks(rates, [f"{rate:g}" for rate in rates])
    axes[0].minorticks_off()
    axes[1].set(xlabel="learning rates that may be tried", ylabel="expected loss / chance")
    axes[1].set_xticks(list(tries))
    for ax in axes:
        ax.set_ylim(-0.03, 1.06)
    axes[0].set_title(f"{data.brief.layers} layers, {data.brief.steps} steps")
    axes[1].set_title("the best of a few rates, not knowing which")
    _explain(axes[0], data)


def _explain(ax: Axes, data: Defence) -> None:
    handles, labels = ax.get_legend_handles_labels()
    handles.append(Line2D([], [], color=GREY, linewidth=3.5))
    labels.append("the choice: thick")
    if len(data.brief.seeds) > 1:
        handles.append(Patch(color=GREY, alpha=BAND, linewidth=0))
        labels.append(f"{len(data.brief.seeds)} seeds: a band")
    ax.legend(handles, labels, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)


def _look(contender: Choice, data: Defence) -> dict[str, Any]:
    """The choice is thick; the other norm is dashed, with larger, hollow markers."""
    same_norm = contender.norm == data.choice.norm
    return {
        "color": PLACEMENT_COLORS[contender.placement],
        "marker": PLACEMENT_MARKERS[contender.placement],
        "linestyle": "-" if same_norm else "--",
        "markerfacecolor": None if same_norm else "none",
        "linewidth": 3.5 if contender == data.choice else 1.3,
        "markersize": 6 if same_norm else 10,
    }


def draw_brief(
    data: Briefs, axes: tuple[Axes, Axes], /, layers: int, tries: int, warmup_steps: int, init: str
) -> None:
    """A choice and its alternatives under one brief."""
    draw_defence(data[layers, tries, warmup_steps, init], axes)


def describe_brief(
    data: Briefs, /, layers: int, tries: int, warmup_steps: int, init: str
) -> tuple[str, Table]:
    """Who ends lowest, and by how much the seeds differ there."""
    defence = data[layers, tries, warmup_steps, init]
    ranked = sorted(defence.losses, key=defence.expected)
    said = [f"{one.placement} {defence.expected(one):.2f}" for one in ranked]
    widest = max(high - low for one in ranked for low, high in defence.spread[one].values())
    sentence = (
        f"{layers} layers, {warmup_steps} steps of warmup, {tries} of {len(defence.brief.rates)} "
        f"rates tried. Expected loss over chance: {', '.join(said)}. At one rate the "
        f"{len(defence.brief.seeds)} seeds lie up to {widest:.2f} apart."
    )
    return sentence, defence.table()
