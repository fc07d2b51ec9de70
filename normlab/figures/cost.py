"""Pictures of what a norm costs."""

from matplotlib.axes import Axes

from normlab.cost import NormCost, RunTime
from normlab.pictures.style import GREEN, GREY, NORM_COLORS

HATCHES = {"LayerNorm": "", "RMSNorm": "///"}
SHORT_NAMES = {"LayerNorm": "LN", "RMSNorm": "RMS"}
PLAIN = {"facecolor": "white", "edgecolor": "none", "pad": 1}


def draw_costs(data: list[NormCost], axes: tuple[Axes, Axes, Axes], /) -> None:
    """Three bar charts of the same costs: flops, elements moved eager, elements moved fused."""
    titles = {
        "flops": "operations",
        "eager_elements": "elements moved,\none operation at a time",
        "fused_elements": "elements moved,\none fused kernel",
    }
    for ax, (field, title) in zip(axes, titles.items(), strict=True):
        for place, cost in enumerate(data):
            value = getattr(cost, field)
            ax.bar(
                place, value, color=NORM_COLORS[cost.norm], hatch=HATCHES[cost.norm],
                edgecolor="white",
            )  # fmt: skip
            ax.text(place, value, f" {value}", ha="center", va="bottom")
        ax.set_title(title, fontsize=10)
        labels = [f"{SHORT_NAMES[cost.norm]}\n{cost.direction}" for cost in data]
        ax.set_xticks(range(len(data)), labels, fontsize=8)
        ax.set(ylim=(0, 28))
        ax.grid(visible=False, axis="x")
    axes[0].set_ylabel("per element")


def draw_run_times(data: tuple[RunTime, ...], ax: Axes, /, claimed: tuple[float, float]) -> None:
    """The gain of each of the paper's models, and the claimed band behind them."""
    ordered = sorted(data, key=lambda row: row.gain)
    low, high = (100 * share for share in claimed)
    ax.axvspan(low, high, facecolor="none", hatch="...", edgecolor="#BBBBBB", zorder=0)
    ax.text(high + 0.5, -0.9, f"the seed's {low:g}–{high:g} %", va="center")
    for place, row in enumerate(ordered):
        transformer = row.model == "Transformer"
        ax.barh(
            place, 100 * row.gain, color=GREEN if transformer else GREY,
            hatch="///" if transformer else "", edgecolor="white",
        )  # fmt: skip
        ax.text(100 * row.gain + 0.5, place, f"{100 * row.gain:.1f} %", va="center", bbox=PLAIN)
    ax.set_yticks(range(len(ordered)), [f"{row.model} ({row.source})" for row in ordered])
    ax.set(xlim=(0, 50), ylim=(-1.4, len(ordered) - 0.4), xlabel="run time saved, %")
    ax.set_title("Zhang & Sennrich 2019: whole models, LayerNorm → RMSNorm")
    ax.grid(visible=False, axis="y")
