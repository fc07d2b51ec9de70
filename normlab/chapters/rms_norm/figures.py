"""Pictures of what RMSNorm drops: invariance and centering, and of how a gain is stored."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from normlab.chapters.rms_norm.centering import MeanShares
from normlab.chapters.rms_norm.gains import StoredGains
from normlab.chapters.rms_norm.invariance import CHANGES, INVARIANCE_NORMS, PAPER, InvarianceTable
from normlab.chapters.rms_norm.stream_means import StreamMeans
from normlab.pictures.style import BLUE, GREY, NORM_COLORS, NORM_MARKERS, ORANGE, SKY
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


def draw_own_row(data: InvarianceTable, ax: Axes, /) -> None:
    """The same, with the row that a learner's function computed named as his."""
    draw_invariance_table(data, ax)
    names = ["your rms_norm" if norm == "RMSNorm" else norm for norm in INVARIANCE_NORMS]
    ax.set_yticks(ax.get_yticks(), names)


def describe_own_row(data: InvarianceTable, /) -> str:
    own, paper, layer_norm = data.marks("RMSNorm"), PAPER["RMSNorm"], data.marks("LayerNorm")
    kept = [change for change, mark in zip(CHANGES, own, strict=True) if mark == "✓"]
    lost = [c for c, a, b in zip(CHANGES, own, layer_norm, strict=True) if (a, b) == ("✗", "✓")]
    found = "as" if own == paper else "not as"
    return (
        f"Your rms_norm leaves norm(Wx) as it was under {', '.join(kept)}, {found} in the paper's "
        f"Table 1. Unlike layer norm it changes under {', '.join(lost)}: by "
        f"{100 * data.cells['RMSNorm', lost[0]].relative_change:.0f} %. Chapter 04, section 4, has "
        "this table."
    )


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
        color = GREY if marker == "o" else ORANGE
        ax.loglog(data.widths, values, marker, color=color, label=name)
    widths = np.array(data.widths)
    ax.loglog(widths, 1 / widths, color="black", linewidth=1, label="1/D")
    ax.axhline(1 / np.pi, color="black", linewidth=1, linestyle="--", label="1/π")
    ax.set(xlabel="features D", ylabel="mean² / mean(x²)", ylim=SHARES)
    ax.set_title("random vectors")
    ax.set_xscale("log", base=4)
    ax.set_xticks(data.widths, [str(width) for width in data.widths])
    ax.minorticks_off()
    ax.legend(ncols=2, loc="lower left", fontsize=9)


SHARES = (1e-4, 1)
"""Limits of the mean shares, on a log axis."""


def draw_stream_means(data: StreamMeans, ax: Axes, /) -> None:
    """The mean share that each norm reads, over the depth, with the range over seeds."""
    for shift, norm in ((-0.09, "LayerNorm"), (0.09, "RMSNorm")):
        for step, when, face in ((-0.05, "initial", "white"), (0.05, "trained", NORM_COLORS[norm])):
            low, middle, high = data.over_seeds(norm, when)
            places = data.layers + shift + step
            ax.vlines(places, low, high, color=NORM_COLORS[norm], linewidth=1)
            ax.plot(
                places, middle, NORM_MARKERS[norm], color=NORM_COLORS[norm], markerfacecolor=face,
                markersize=5, label=f"{norm}, {when}",
            )  # fmt: skip
    ax.axhline(1 / data.width, color="black", linewidth=1)
    ax.axhline(1 / np.pi, color="black", linewidth=1, linestyle="--")
    ax.set_yscale("log")
    ax.set(xlabel="layers below the norm", ylabel="mean² / mean(x²)", ylim=SHARES)
    ax.set_title(f"a text model's stream, D = {data.width}")
    ax.minorticks_off()
    ax.legend(ncols=2, loc="lower left", fontsize=8, handletextpad=0.2, columnspacing=0.8)


def draw_own_means(data: StreamMeans, ax: Axes, /) -> None:
    """The same, with a learner's RMSNorm in place of the stored one."""
    draw_stream_means(data, ax)
    ax.set_title(f"a text model with your RMSNorm, D = {data.width}")


def describe_own_means(data: StreamMeans, /) -> str:
    (loss,), trained = data.losses["RMSNorm"], data.shares["RMSNorm", "trained"]
    return (
        f"A text model with your RMSNorm comes to a loss of {loss:.2f} in a short run of one seed; "
        f"guessing costs {data.chance:.2f}. Of what its norms read, the mean is "
        f"{trained.min():.3f} to {trained.max():.3f} of the square, beside 1/D = "
        f"{1 / data.width:.3f}. LayerNorm's are the stored runs of chapter 04, section 3, which "
        "has this picture."
    )


def draw_stored_gains(data: StoredGains, axes: tuple[Axes, Axes], /) -> None:
    """How many gains have which value, near 1: in Gemma's form, and in LLaMA's."""
    edges = np.arange(0.94 - 0.0005, 1.06, 0.001)
    forms = (("stored as γ − 1 (Gemma)", data.gemma), ("stored as γ (LLaMA)", data.llama))
    for ax, (title, values) in zip(axes, forms, strict=True):
        ax.hist(values, edges.tolist(), color=NORM_COLORS["RMSNorm"])
        ax.set(title=title, xlabel="gain", xlim=(0.94, 1.06), ylabel="how many")
