"""Pictures of the debate: all claims by theme and verdict, one claim's numbers, and bets."""

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from normlab.claims import CLAIMS, THEMES, Claim, Comparison, Result
from normlab.claims.bets import Level
from normlab.claims.tracks import draw_tracks
from normlab.pictures.style import BLUE, GREEN, GREY, INK, ON_COLOR, ORANGE, RED, SKY
from normlab.record import LEVELS, Verdict
from normlab.tools.table import Table

VERDICT_LOOKS: dict[Verdict, tuple[str, str]] = {
    "holds": (GREEN, "o"),
    "holds if": (SKY, "s"),
    "imprecise": (ORANGE, "D"),
    "wrong": (RED, "v"),
}
Find = Callable[[int], Result]


def draw_debate(ax: Axes, chosen: int | None = None) -> None:
    """Every claim by theme; its verdict is a colour and a shape, and one claim has a ring."""
    for row, claims in enumerate(THEMES.values()):
        for column, claim in enumerate(claims):
            color, marker = VERDICT_LOOKS[claim.verdict]
            ax.plot(column, row, marker, color=color, markersize=17)
            if claim.number == chosen:
                ax.plot(column, row, "o", markersize=25, fillstyle="none", color="black", mew=1.5)
            low = 0.05 if marker == "v" else 0
            ax.text(
                column,
                row - low,
                str(claim.number),
                ha="center",
                va="center",
                fontsize=9,
                color=ON_COLOR,
            )
    handles = [
        Line2D([], [], linestyle="", marker=marker, color=color, markersize=9, label=verdict)
        for verdict, (color, marker) in VERDICT_LOOKS.items()
    ]
    ax.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.4, -0.01), ncols=4, fontsize=9,
        handletextpad=0.1, columnspacing=1,
    )  # fmt: skip
    most = max(map(len, THEMES.values()))
    ax.set(xlim=(-0.6, most - 0.4), ylim=(len(THEMES) - 0.5, -0.6), xticks=[])
    ax.set_yticks(range(len(THEMES)), list(THEMES))
    ax.set_title(f"{len(CLAIMS)} claims, by theme")
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def draw_claim(data: Find, axes: tuple[Axes, Axes], /, claim: Claim) -> None:
    """Left the debate, with a ring around the claim; right its numbers."""
    draw_debate(axes[0], claim.number)
    draw_tracks(axes[1], data(claim.number))


def draw_calibration(data: Comparison, ax: Axes, /) -> None:
    """How sure you were against how often that was right; a dot grows with its bets.

    On the diagonal as much is right as was said. Below it you said more than you knew.
    """
    ax.plot([0, 100], [0, 100], "--", color=GREY, linewidth=1.2, label="as often right as said")
    for level in data.score.levels():
        if level.bets:
            _draw_level(ax, level)
    if not data.bets:
        ax.text(50, 88, "no bets yet", ha="center", color=INK)
    ax.set(xlim=(0, 116), ylim=(-14, 110), xlabel="you said, %", ylabel="right, %")
    ax.set_xticks(LEVELS)
    ax.set_yticks([0, 25, 50, 75, 100])
    ax.set_title("your bets: said against right")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), fontsize=9)


def _draw_level(ax: Axes, level: Level) -> None:
    """A dot, and its counts where neither the diagonal nor the next dot is."""
    x, y, size = level.percent, 100 * level.share, 4 + 2.5 * level.bets**0.5
    away = size / 2 + 3
    ax.plot(x, y, "o", color=BLUE, markersize=size, zorder=3)
    if x == max(LEVELS):
        offset, ha, va = (away, 0.0), "left", "center"
    elif y >= x:
        offset, ha, va = (-away, 0.0), "right", "bottom"
    else:
        offset, ha, va = (0.0, -away), "center", "top"
    ax.annotate(
        f"{level.right} of {level.bets}", (x, y), offset, textcoords="offset points",
        ha=ha, va=va, fontsize=9, color=INK,
    )  # fmt: skip


def describe_claim(data: Find, /, claim: Claim) -> tuple[str, Table]:
    result = data(claim.number)
    quote = claim.quote.rstrip(".")
    sentence = (
        f"Claim {claim.number}, “{quote}”: {claim.ruling}. Measured ({result.finding.status}): "
        f"{result.finding.sentence}"
    )
    return sentence, result.table()
