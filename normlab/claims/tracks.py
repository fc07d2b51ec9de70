"""One claim's numbers, each on an axis of its own with its bounds."""

import math
from dataclasses import dataclass

from matplotlib.axes import Axes

from normlab.claims.claim import Measure
from normlab.claims.run import Result
from normlab.pictures.style import BLUE, GREEN, GREY, RED

ROWS = 5
"""No claim has more measures."""
DECADE = 10
"""Numbers further apart than that, and above 0, stand on a logarithmic axis."""
SMALLEST = 1e-30
"""Numbers below it stand at 0."""
ROOM = 0.25
"""What is left free beyond a number that would lie outside, of the length of the axis."""


@dataclass(frozen=True)
class Track:
    """The axis of one measure: `left` and `right` are the numbers at its ends, 0 and 1."""

    left: float
    right: float
    logarithmic: bool

    def place(self, number: float) -> float:
        """Where a number stands, from 0 to 1; what is beyond an end, or nan, stands at it.

        >>> Track(1, 100, logarithmic=True).place(10)
        0.5
        """
        if math.isnan(number) or number <= self.left:
            return 0.0
        if number >= self.right:
            return 1.0
        if self.logarithmic:
            return math.log(number / self.left) / math.log(self.right / self.left)
        return (number - self.left) / (self.right - self.left)


def track_of(measure: Measure) -> Track:
    """The axis of a measure. Where the value is near, its bounds alone decide the ends.

    >>> track_of(Measure("slope", 0.5, "theory", low=0, high=1))
    Track(left=0.0, right=1.5, logarithmic=False)
    >>> track_of(Measure("share", 0.3, "theory", low=0.25))
    Track(left=0.0, right=0.5, logarithmic=False)
    >>> track_of(Measure("size", 300, "theory", low=1)).logarithmic
    True
    """
    bounds = [bound for bound in (measure.low, measure.high) if math.isfinite(bound)]
    value = bounds[0] if math.isnan(measure.value) else measure.value
    first, last = min(*bounds, value), max(*bounds, value)
    if first > SMALLEST and last > DECADE * first:
        room = (last / first) ** ROOM
        return Track(first / room, last * room, logarithmic=True)
    left, right = _usual_ends(bounds[0], bounds[-1])
    span = max(last, right) - min(first, left)
    left = left if first >= left else first - ROOM * span
    left = max(left, 0.0) if first >= 0 else left
    return Track(left, right if last <= right else last + ROOM * span, logarithmic=False)


def _usual_ends(low: float, high: float) -> tuple[float, float]:
    if low == high:
        return min(0.0, 2 * low), max(0.0, 2 * low) or 1.0
    return low - (high - low) / 2, high + (high - low) / 2


def draw_tracks(ax: Axes, result: Result) -> None:
    """An axis for each measure: the band supports the verdict, the marker is what was measured."""
    measures = result.finding.measures
    for row, measure in enumerate(measures):
        _draw_track(ax, row, measure)
    if not measures:
        ax.text(0, 0, result.finding.sentence, fontsize=9, wrap=True)
    ax.set(xlim=(-0.02, 1.02), ylim=(ROWS - 0.3, -0.7), xticks=[], yticks=[])
    claim, status = result.claim, result.finding.status
    ax.set_title(f"claim {claim.number}: {claim.ruling}; its experiment: {status}")
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _draw_track(ax: Axes, row: int, measure: Measure) -> None:
    track = track_of(measure)
    ax.plot([0, 1], [row, row], color=GREY, linewidth=1)
    low, high = track.place(measure.low), track.place(measure.high)
    ax.plot([low, high], [row, row], color=GREEN, linewidth=9, alpha=0.45, solid_capstyle="butt")
    for bound, place in ((measure.low, low), (measure.high, high)):
        if math.isfinite(bound):
            ax.plot([place, place], [row - 0.13, row + 0.13], color=GREEN, linewidth=2)
    color, marker = (BLUE, "o") if measure.holds else (RED, "X")
    ax.plot(track.place(measure.value), row, marker, color=color, markersize=8)
    ax.text(0, row - 0.26, measure.name, fontsize=9)
    ax.text(1, row - 0.26, measure.shown, fontsize=9, ha="right", weight="bold", color=color)
    for place, label in _labels(measure, track):
        ha = "left" if place < 0.08 else "right" if place > 0.92 else "center"
        ax.text(place, row + 0.38, label, fontsize=9, ha=ha)


def _labels(measure: Measure, track: Track) -> list[tuple[float, str]]:
    """The bounds, and the ends of the axis where there is room."""
    bounds = {bound for bound in (measure.low, measure.high) if math.isfinite(bound)}
    labels = [(track.place(bound), f"{bound:.3g}") for bound in sorted(bounds)]
    for place, number in ((0.0, track.left), (1.0, track.right)):
        if all(abs(place - other) > 0.2 for other, _ in labels):
            labels.append((place, f"{number:.2g}"))
    return labels
