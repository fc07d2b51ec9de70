"""Pictures of the debate: all claims by theme and verdict, and one claim's numbers."""

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from normlab.claims import CLAIMS, THEMES, Claim, Result
from normlab.claims.tracks import draw_tracks
from normlab.pictures.style import GREEN, ON_COLOR, ORANGE, RED, SKY
from normlab.record import Verdict
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


def describe_claim(data: Find, /, claim: Claim) -> tuple[str, Table]:
    result = data(claim.number)
    quote = claim.quote.rstrip(".")
    sentence = (
        f"Claim {claim.number}, “{quote}”: {claim.ruling}. Measured ({result.finding.status}): "
        f"{result.finding.sentence}"
    )
    return sentence, result.table()
