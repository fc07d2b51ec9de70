"""Pictures of the numbers that a dtype has, and of the digits that it loses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from normlab.chapters.numerics.cancellation import DigitLadder
from normlab.pictures.style import GREY, ORANGE, RED

if TYPE_CHECKING:  # what needs torch is loaded by who makes it
    from normlab.chapters.numerics.dtypes import NumberLine

DTYPE_LOOKS = {"float32": (GREY, "-"), "float16": (ORANGE, "--"), "bfloat16": (RED, "-.")}
"""The colour and the dash of each dtype."""

_DENSE = 500
_REACH = 0.0005


def draw_number_lines(lines: "Sequence[NumberLine]", ax: Axes, /, enlarged: float) -> None:
    """Each number of each dtype as a stroke; where they are too dense for that, a band.

    The last dtype is drawn once more around the number `enlarged`, to 0.0005 on either side.
    """
    low, high = lines[0].numbers[0], lines[0].numbers[-1]
    for place, line in enumerate(lines):
        color, _ = DTYPE_LOOKS[line.dtype]
        if line.numbers.size > _DENSE:
            ax.fill_between((low, high), place - 0.2, place + 0.2, color=color, linewidth=0)
        else:
            ax.vlines(line.numbers, place - 0.2, place + 0.2, color=color, linewidth=1.2)
        gaps = " and ".join(f"{gap:.2g}" for gap in line.gaps)
        said = f"{line.dtype}, {line.bits} significant bits: numbers {gaps} apart"
        ax.text(low, place - 0.3, said, fontsize=9, va="bottom")
    ax.set(xlim=(low - 0.5, high + 0.5), ylim=(len(lines) + 1.1, -0.75), yticks=())
    ax.spines["left"].set_visible(False)
    _draw_enlarged(lines[-1], ax, len(lines), enlarged)


def _draw_enlarged(line: "NumberLine", ax: Axes, place: int, center: float) -> None:
    """The numbers within `_REACH` of a center as strokes, in axes of their own."""
    color, _ = DTYPE_LOOKS[line.dtype]
    ends = center - _REACH, center + _REACH
    inside = ax.inset_axes((0.2, 0.14, 0.6, 0.09))
    for end in (0, 1):
        ax.annotate(
            "", (center, place - 0.8), (end, 1), "data", inside.transAxes, {"arrowstyle": "-"}
        )
    ax.text(line.numbers[0], place + 0.3, "enlarged", fontsize=9)
    inside.vlines(line.around(center, _REACH), 0, 1, color=color, linewidth=1.2)
    inside.set(xlim=ends, ylim=(0, 1), yticks=(), xticks=(ends[0], center, ends[1]))
    inside.set_xticklabels([f"{tick:.8g}" for tick in (ends[0], center, ends[1])], fontsize=8)
    inside.spines["left"].set_visible(False)


def draw_ranges(lines: "Sequence[NumberLine]", ax: Axes, /) -> None:
    """From the smallest to the largest number of each dtype; thin: the subnormal numbers."""
    for place, line in enumerate(lines):
        color, _ = DTYPE_LOOKS[line.dtype]
        ax.plot(
            (line.smallest, line.largest),
            (place, place),
            color=color,
            linewidth=9,
            solid_capstyle="butt",
        )
        ax.plot((line.subnormal, line.smallest), (place, place), color=color, linewidth=2)
        largest = f"{line.largest:,.0f}" if line.largest < 1e6 else f"{line.largest:.1e}"
        said = f"{line.dtype}: {line.smallest:.1e} to {largest}, u = {2.0**-line.bits:.0e}"
        ax.text(1e-46, place - 0.22, said, fontsize=9, va="bottom")
    ax.set(xscale="log", xlim=(1e-46, 1e40), ylim=(len(lines) - 0.6, -0.75), yticks=())
    ax.set(
        xticks=(1e-40, 1e-30, 1e-20, 1e-10, 1, 1e10, 1e20, 1e30), xlabel="thin: subnormal numbers"
    )
    ax.spines["left"].set_visible(False)


def draw_digit_ladder(data: DigitLadder, ax: Axes, /) -> None:
    """The digits of each number one below the other; shaded: those that are not the right ones."""
    rows = [
        (name, how, values[name])
        for name in data.on_paper
        for how, values in (("on paper", data.on_paper), ("in float32", data.in_float32))
    ]
    width = max(len(str(value)) for *_, value in rows)
    for place, (name, how, value) in enumerate(rows):
        top = place + 0.35 * (place // 2)
        ax.text(-0.5, top, f"{name}, {how}", ha="right", va="center", fontsize=9)
        right = str(data.on_paper[name]).rjust(width)
        digits = str(value).replace("-", "−").rjust(width)
        for column, (digit, true) in enumerate(zip(digits, right, strict=True)):
            if digit != true:
                corner = (column - 0.5, top - 0.45)
                ax.add_patch(Rectangle(corner, 1, 0.9, color=RED, alpha=0.35, linewidth=0))
            ax.text(column, top, digit, ha="center", va="center", family="monospace")
    listed = ", ".join(f"{value:,}" for value in data.x)
    ax.set(title=f"x = ({listed})", xlim=(-6.2, width), ylim=(7.3, -0.6))
    near = (
        f"steps of float32: {data.spacing} near mean(x²), {data.spacing_at_sum} near the sum of x²"
    )
    ax.text(width - 0.5, 6.9, near, ha="right", va="center", fontsize=9)
    ax.set_axis_off()
