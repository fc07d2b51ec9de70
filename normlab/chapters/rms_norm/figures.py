"""Pictures of what RMSNorm drops: invariance, centering, costs and times."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from normlab.chapters.rms_norm.centering import MeanShares
from normlab.chapters.rms_norm.cost import NormCost, RunTime
from normlab.chapters.rms_norm.invariance import CHANGES, INVARIANCE_NORMS, PAPER, InvarianceTable
from normlab.chapters.rms_norm.norm_race import NormTimes
from normlab.pictures.style import BLUE, GREEN, GREY, NORM_COLORS, ORANGE, SKY
from normlab.tools.table import Table

SHOWN_CASES = {0: ("case 0", "o", BLUE), 1: ("case 1", "^", ORANGE)}
"""Case 0 is the one that single case re-scaling multiplies."""

LIMIT = 9.5
"""Of both axes of a cell: no summed input or output is greater."""

TICKS = (-8, -4, 0, 4, 8)


def draw_invariance_table(data: InvarianceTable, ax: Axes, /) -> None:
    """A grid: ✓ on plain ground, ✗ on hatched ground, the relative change below."""
    for row, norm in enumerate(INVARIANCE_NORMS):
        for column, change in enumerate(CHANGES):
            cell = data.cells[norm, change]
            face, hatch = (SKY, "") if cell.mark == "✓" else ("white", "///")
            ax.add_patch(
                Rectangle((column, row), 0.94, 0.9, facecolor=face, hatch=hatch, edgecolor=GREY)
            )
            box = {"facecolor": face, "edgecolor": "none", "pad": 1.5}
            amount = "0" if cell.relative_change == 0 else f"{cell.relative_change:.0e}"
            text = f"{cell.mark} {amount}" if cell.mark == "✓" else f"✗ {cell.relative_change:.2f}"
            ax.text(column + 0.47, row + 0.45, text, ha="center", va="center", bbox=box)
    ax.set_xticks(np.arange(len(CHANGES)) + 0.47, [c.replace(" re", "\nre") for c in CHANGES])
    ax.set_yticks(np.arange(len(INVARIANCE_NORMS)) + 0.45, list(INVARIANCE_NORMS))
    ax.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.set(xlim=(0, len(CHANGES)), ylim=(len(INVARIANCE_NORMS), 0))
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def draw_cell(data: InvarianceTable, axes: tuple[Axes, Axes], /, norm: str, change: str) -> None:
    """Left Wx after against before, right norm(Wx): what lies on the diagonal has not changed."""
    changed = CHANGES[change](data.layer)
    cell = data.cells[norm, change]
    pairs = (
        ("W x", data.layer.summed_inputs(), changed.summed_inputs()),
        (f"{norm}(W x): {cell.mark}", cell.before, cell.after),
    )
    for ax, (title, before, after) in zip(axes, pairs, strict=True):
        ax.axline((0, 0), slope=1, color="black", linewidth=0.8, label="unchanged")
        for case, (label, marker, color) in SHOWN_CASES.items():
            ax.plot(before[case], after[case], marker, color=color, markersize=4, label=label)
        ax.plot(
            before[:2, 0], after[:2, 0], "o", markersize=11, fillstyle="none", color="black",
            markeredgewidth=1, label="output 0",
        )  # fmt: skip
        ax.set(title=title, xlabel="before", ylabel="after", xlim=(-LIMIT, LIMIT))
        ax.set(ylim=(-LIMIT, LIMIT), aspect="equal", xticks=TICKS, yticks=TICKS)
        ax.legend(loc="lower right", handletextpad=0.2, borderaxespad=0, fontsize=8)


def describe_cell(data: InvarianceTable, /, norm: str, change: str) -> tuple[str, Table]:
    cell = data.cells[norm, change]
    amount = cell.relative_change
    size = "less than 1e-12 of" if amount < 1e-12 else f"{100 * amount:.0f} % of"
    verdict = "invariant" if cell.mark == "✓" else "not invariant"
    agrees = cell.mark == PAPER[norm][list(CHANGES).index(change)]
    sentence = (
        f"{norm}, {change}: the outputs change by {size} their size, so the cell is {cell.mark} "
        f"({verdict}), {'as' if agrees else 'unlike'} in the paper's Table 1."
    )
    rows = [
        [case, feature, f"{cell.before[case, feature]:.3f}", f"{cell.after[case, feature]:.3f}"]
        for case in SHOWN_CASES
        for feature in range(4)
    ]
    return sentence, Table(("case", "output", "before", "after"), rows)


def draw_mean_shares(data: MeanShares, ax: Axes, /) -> None:
    """The mean share against the width, on two log axes, with 1/D and 1/π beside it."""
    for (name, values), marker in zip(data.shares.items(), ("o", "s"), strict=True):
        color = NORM_COLORS["LayerNorm"] if marker == "o" else ORANGE
        ax.loglog(data.widths, values, marker, color=color, label=name)
    widths = np.array(data.widths)
    ax.loglog(widths, 1 / widths, color="black", linewidth=1, label="1/D")
    ax.axhline(1 / np.pi, color="black", linewidth=1, linestyle="--", label="1/π")
    ax.set(xlabel="features D", ylabel="mean² / mean(x²)", ylim=(1e-4, 1))
    ax.set_title("what centering removes of a random vector")
    ax.set_xscale("log", base=4)
    ax.set_xticks(data.widths, [str(width) for width in data.widths])
    ax.minorticks_off()
    ax.legend(ncols=2, loc="lower left")


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


def draw_norm_times(data: NormTimes, ax: Axes, /) -> None:
    """Two bars for each library: LayerNorm plain, RMSNorm hatched."""
    libraries = data.libraries()
    for shift, norm in ((-0.2, "LayerNorm"), (0.2, "RMSNorm")):
        ax.barh(
            np.arange(len(libraries)) + shift,
            [1e3 * data.seconds[library, norm] for library in libraries],
            height=0.38, color=NORM_COLORS[norm], hatch=HATCHES[norm], edgecolor="white",
            label=norm,
        )  # fmt: skip
    ax.axvline(1e3 * data.copy_seconds, color="black", linestyle="--", label="copy x")
    ax.set_yticks(range(len(libraries)), libraries)
    ax.invert_yaxis()
    ax.set(xlabel="milliseconds", title=data.title)
    ax.legend(fontsize=8)
    ax.grid(visible=False, axis="y")
