"""Pictures of long sums: where they stop, how far they wander, and in which order they go."""

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from normlab.chapters.numerics.accumulation import ROUNDING, RepeatedSums
from normlab.chapters.numerics.float_figures import DTYPE_LOOKS
from normlab.pictures.style import BLUE, FAINT, GREEN, GREY, ON_COLOR, ORANGE
from normlab.tools.table import Table

if TYPE_CHECKING:  # what needs torch is loaded by who makes it
    from normlab.chapters.numerics.in_a_batch import BatchRows
    from normlab.chapters.numerics.parameter_sums import GradientSums


def draw_repeated_sums(data: dict[int, RepeatedSums], ax: Axes, /, term: float, block: int) -> None:
    """Each accumulator's sum, in terms, against the number of terms added."""
    sums = data[block]
    for dtype, (color, dash) in DTYPE_LOOKS.items():
        terms_counted = sums.of(dtype, term) / ROUNDING[dtype](term)
        ax.plot(sums.counts, terms_counted, dash, color=color, label=dtype)
    ax.set(title=f"{order_name(block)}, terms of {term:g}", xlim=(0, 8500), ylim=(0, 9500))
    ax.set(xlabel="terms added", ylabel="sum ÷ term")
    ax.legend(title="accumulator", loc="upper left")


def describe_repeated_sums(
    data: dict[int, RepeatedSums], /, term: float, block: int
) -> tuple[str, Table]:
    sums = data[block]
    rows = []
    for dtype in DTYPE_LOOKS:
        state = "no longer grows" if sums.stalled(dtype, term) else "still grows"
        counted = f"{sums.counted(dtype, term):,.0f}"
        rows.append([dtype, f"{sums.of(dtype, term)[-1]:.5g}", counted, state])
    listed = "; ".join(f"{d} holds {total}, worth {n} terms, and {s}" for d, total, n, s in rows)
    sentence = (
        f"{order_name(block).capitalize()}, {sums.counts[-1]:,.0f} terms of {term:g}: {listed}."
    )
    return sentence, Table(("accumulator", "last sum", "terms it is worth", "at the end"), rows)


def order_name(block: int) -> str:
    """How the terms are added: `block` of them to a partial sum."""
    return "one running sum" if block == 1 else f"partial sums of {block}"


_SUM_LOOKS = {
    ("nn.LayerNorm", "dγ"): (BLUE, "o", "-"),
    ("nn.LayerNorm", "dβ"): (BLUE, "s", "--"),
    ("normlab.torch_norms", "dγ"): (GREEN, "^", "-"),
    ("normlab.torch_norms", "dβ"): (GREEN, "D", "--"),
}


def draw_gradient_sums(data: "GradientSums", ax: Axes, /) -> None:
    """The error of dγ and of dβ against the number of rows, in per cent, with theory's line."""
    ax.plot(data.counts, 100 * data.of_a_running_sum, color=GREY, label="0.3 · u · √rows")
    for (norm, which), (color, marker, dash) in _SUM_LOOKS.items():
        errors, label = 100 * data.errors[norm, which], f"{which}, {norm}"
        ax.plot(data.counts, errors, dash, marker=marker, markersize=5, color=color, label=label)
    ax.set(xscale="log", yscale="log", xlabel="rows", ylabel="relative error, %", ylim=(0.05, 100))
    ax.set(xticks=data.counts, yticks=(0.1, 1, 10, 100))
    ax.set_xticklabels([f"{count:,.0f}" for count in data.counts])
    ax.set_yticklabels(("0.1", "1", "10", "100"))
    ax.minorticks_off()
    ax.legend(fontsize=8, loc="upper left")


def draw_batch_rows(data: "BatchRows", ax: Axes, /) -> None:
    """For each operation and batch, the share of the row's outputs whose bits changed."""
    for place, shares in enumerate(data.changed.values()):
        for column, share in enumerate(shares):
            color = ORANGE if share else FAINT
            ax.add_patch(Rectangle((column - 0.46, place - 0.42), 0.92, 0.84, color=color))
            said = f"{share:.0%}" if share else "same"
            ax.text(column, place, said, ha="center", va="center", fontsize=9, color=ON_COLOR)
    ax.set(xlim=(-0.5, len(data.counts) - 0.5), ylim=(len(data.changed) - 0.5, -0.5))
    ax.set(xticks=range(len(data.counts)), yticks=range(len(data.changed)))
    ax.set_xticklabels([f"{count} rows" for count in data.counts])
    ax.set_yticklabels(data.changed, fontsize=9)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
