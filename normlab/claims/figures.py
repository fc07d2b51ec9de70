"""Pictures of the debate: all claims by theme and verdict, and one claim's numbers."""

import math
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from normlab.claims import CLAIMS, THEMES, Claim, Measure, Result
from normlab.pictures.style import BLUE, GREEN, GREY, ON_COLOR, ORANGE, RED, SKY
from normlab.record import Verdict
from normlab.tools.table import Table

VERDICT_LOOKS: dict[Verdict, tuple[str, str]] = {
    "holds": (GREEN, "o"),
    "holds if": (SKY, "s"),
    "imprecise": (ORANGE, "D"),
    "wrong": (RED, "v"),
}
ROWS = 5
"""No claim has more measures."""

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
    ax.set(xlim=(-0.6, 5.6), ylim=(len(THEMES) - 0.5, -0.6), xticks=[])
    ax.set_yticks(range(len(THEMES)), list(THEMES))
    ax.set_title(f"{len(CLAIMS)} claims, by theme")
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def draw_tracks(ax: Axes, result: Result) -> None:
    """A track for each measure: the band supports the verdict, the marker is what was measured.

    Each track has a scale of its own; with one bound, a tenth of it is a factor of ten.
    """
    measures = result.finding.measures
    for row, measure in enumerate(measures):
        low, high, at = track(measure)
        ax.plot([0, 1], [row, row], color=GREY, linewidth=1)
        ax.plot(
            [low, high], [row, row], color=GREEN, linewidth=9, alpha=0.45, solid_capstyle="butt"
        )
        color, marker = (BLUE, "o") if measure.holds else (RED, "X")
        ax.plot(at, row, marker, color=color, markersize=8)
        ax.text(0, row - 0.28, measure.name, fontsize=9)
        ax.text(1, row - 0.28, measure.shown, fontsize=9, ha="right", weight="bold")
        ax.text(1, row + 0.4, f"supports: {measure.expected}", fontsize=9, ha="right")
    if not measures:
        ax.text(0, 0, result.finding.sentence, fontsize=9, wrap=True)
    ax.set(xlim=(-0.02, 1.02), ylim=(ROWS - 0.4, -0.7), xticks=[], yticks=[])
    ax.set_title(f"claim {result.claim.number}, measured: {result.finding.status}")
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def track(measure: Measure) -> tuple[float, float, float]:
    """Where the band begins and ends on a track from 0 to 1, and where the value stands.

    The value stands on the band exactly if it holds, however near to a bound it is.

    >>> track(Measure("slope", 0.5, "theory", low=0, high=1))
    (0.25, 0.75, 0.5)
    """
    low, high, value = measure.low, measure.high, measure.value
    if low == high:
        start, end, at = 0.46, 0.54, 0.5 + 0.4 * math.tanh(value - low)
    elif math.isfinite(low) and math.isfinite(high):
        start, end, at = 0.25, 0.75, 0.25 + 0.5 * (value - low) / (high - low)
    elif math.isfinite(high):
        start, end, at = 0.0, 0.6, 0.6 + _decades(value, high)
    else:
        start, end, at = 0.4, 1.0, 0.4 + _decades(value, low)
    at = 0.0 if math.isnan(at) else at
    if measure.holds:
        return start, end, min(max(at, start + 0.02), end - 0.02)
    if value > high or start == 0:
        return start, end, min(max(at, end + 0.03), 0.98)
    return start, end, max(min(at, start - 0.03), 0.02)


def _decades(value: float, bound: float) -> float:
    """A tenth for each factor of ten from a bound above 0; 0 lies at the left end."""
    if bound > 0:
        return 0.1 * (math.log10(value) - math.log10(bound)) if value > 0 else -1.0
    return 0.3 * math.tanh(value - bound)


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
