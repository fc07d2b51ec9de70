"""Pictures of what the two norms cost: operations, bytes and time."""

import numpy as np
from matplotlib.axes import Axes

from normlab.chapters.rms_norm.cost import NormCost, RunTime
from normlab.chapters.rms_norm.fewer import Meaning
from normlab.chapters.rms_norm.norm_times import NormTimes
from normlab.pictures.style import GREEN, GREY, NORM_COLORS, PALE

HATCHES = {"LayerNorm": "", "RMSNorm": "///"}
SHORT_NAMES = {"LayerNorm": "LN", "RMSNorm": "RMS"}


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
    ax.axvspan(low, high, facecolor="none", hatch="...", edgecolor=PALE, zorder=0)
    ax.text(high + 0.5, -0.9, f"the seed's {low:g}–{high:g} %", va="center")
    for place, row in enumerate(ordered):
        transformer = row.model == "Transformer"
        ax.barh(
            place, 100 * row.gain, color=GREEN if transformer else GREY,
            hatch="///" if transformer else "", edgecolor="white",
        )  # fmt: skip
        ax.text(49.5, place, f"{100 * row.gain:.1f} %", ha="right", va="center")
    ax.set_yticks(range(len(ordered)), [f"{row.model} ({row.source})" for row in ordered])
    ax.set(xlim=(0, 50), ylim=(-1.4, len(ordered) - 0.4), xlabel="run time saved by RMSNorm, %")
    ax.set_title("Zhang & Sennrich 2019: whole models")
    ax.grid(visible=False, axis="y")


FEWER_TICKS = {0.5: "−50 %", 0.75: "−25 %", 1: "the same", 1.5: "+50 %", 2: "+100 %", 3: "+200 %"}
FOUND_COLORS = {"counted": GREY, "timed": GREEN}


def draw_fewer(data: tuple[Meaning, ...], ax: Axes, /, claimed: tuple[float, float]) -> None:
    """A bar from "the same" for each meaning, on a log axis of the ratio; the claim as a band."""
    low, high = (1 - share for share in claimed)
    ax.axvspan(high, low, facecolor="none", hatch="....", edgecolor=PALE, zorder=0)
    name = f"the seed's {100 * claimed[0]:g}–{100 * claimed[1]:g} % "
    ax.text(high, len(data) - 0.4, name, ha="right", va="center")
    for place, row in enumerate(data):
        if row.ratio is not None:
            ax.barh(
                place, row.ratio - 1, left=1, height=0.5, color=FOUND_COLORS[row.found],
                hatch="///" if row.found == "timed" else "", edgecolor="white",
            )  # fmt: skip
        ax.plot(row.others, [place] * len(row.others), "|", color="black", markersize=13)
        end = max(1.0, row.ratio or 1.0, *row.others)
        style = "normal" if row.ratio else "italic"
        ax.text(end * 1.03, place, row.said, ha="left", va="center", style=style)
    ax.plot([], [], "|", color="black", markersize=13, label="other models, another shape")
    ax.legend(loc="lower right", fontsize=9)
    ax.axvline(1, color="black", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xticks(list(FEWER_TICKS), list(FEWER_TICKS.values()))
    ax.minorticks_off()
    ax.set_yticks(range(len(data)), [f"{row.name}\n({row.found})" for row in data], fontsize=9)
    ax.set(xlim=(0.45, 4), ylim=(len(data) - 0.1, -0.6))
    ax.set_xlabel("RMSNorm against LayerNorm, log axis of the ratio")
    ax.set_title("what “15–20 % fewer” could mean")
    ax.grid(visible=False, axis="y")


def draw_norm_times(data: NormTimes, ax: Axes, /) -> None:
    """Two bars for each library, LayerNorm plain and RMSNorm hatched, with quartiles."""
    libraries = data.libraries()
    for shift, norm in ((-0.2, "LayerNorm"), (0.2, "RMSNorm")):
        times = [data.seconds[library, norm] for library in libraries]
        places = np.arange(len(libraries)) + shift
        ax.barh(
            places, [1e3 * time.median for time in times], height=0.38,
            color=NORM_COLORS[norm], hatch=HATCHES[norm], edgecolor="white", label=norm,
        )  # fmt: skip
        lows, highs = ([1e3 * getattr(t, end) for t in times] for end in ("lower", "upper"))
        ax.hlines(places, lows, highs, color="black", linewidth=1.2)
        ax.text(1e3 * times[0].upper, places[0], f" {norm}", va="center", fontsize=8)
    copy = 1e3 * data.copy.median
    ax.axvline(copy, color="black", linestyle="--", linewidth=1, label="copy x")
    ax.text(copy, len(libraries) - 0.35, " copy x", va="center", fontsize=8)
    ax.set_yticks(range(len(libraries)), libraries, fontsize=9)
    ax.set(xlabel="milliseconds", ylim=(len(libraries) - 0.1, -0.6))
    ax.set_xlim(0, 1.35e3 * max(time.upper for time in data.seconds.values()))
    warning = data.warning.replace(": ", ":\n")
    ax.set_title(f"{data.title}\n{warning}" if warning else data.title, fontsize=9)
    ax.grid(visible=False, axis="y")


def draw_gpu_races(data: tuple[NormTimes, ...], axes: tuple[Axes, Axes], /) -> None:
    """Two races on a GPU, forward and backward, or the command that measures them."""
    for ax, race in zip(axes, data, strict=False):
        draw_norm_times(race, ax)
    for ax, direction in list(zip(axes, ("forward", "backward"), strict=True))[len(data) :]:
        ax.text(
            0.5, 0.5, "not measured on a GPU yet\n\nnormlab remake norm_race --device cuda",
            ha="center", va="center", transform=ax.transAxes,
        )  # fmt: skip
        ax.set(title=f"{direction}, a GPU", xlabel="milliseconds", xticks=(), yticks=())
