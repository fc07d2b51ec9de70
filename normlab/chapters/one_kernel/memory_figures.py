"""Pictures of who reads what: programs and rows, masks, and the two sums of the backward pass."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from normlab.pictures.style import BLUE, FAINT, GREEN, INK, ORANGE, PALE, PINK


def draw_program(data: tuple[int, int], ax: Axes, /, stride: int, block: int, program: int) -> None:
    """Rows (N, D) in memory, and the elements that one program asks for.

    Args:
        data: N and D.
        stride: elements from one row to the next.
        block: elements that a program asks for, a power of two.
        program: which one.
    """
    rows, features = data
    for row in range(rows):
        for column in range(stride):
            inside = column < features
            _square(ax, column, row, color=PALE if inside else "white", edgecolor=FAINT)
    for offset in range(block):
        place = program * stride + offset
        kept = offset < features
        look = {"color": PINK} if kept else {"color": "white", "hatch": "////", "edgecolor": ORANGE}
        _square(ax, place % stride, place // stride, **look)
    ax.set_yticks([row + 0.5 for row in range(rows)], [f"row {row}" for row in range(rows)])
    ax.set_xticks([0.5, features - 0.5], ["0", f"D − 1 = {features - 1}"])
    ax.set(xlim=(-0.1, stride + 0.1), ylim=(rows + 0.1, -0.6))
    title = f"program {program}: BLOCK = {block}, D = {features}, stride {stride}"
    ax.set_title(title, fontsize=10)
    ax.text(0, -0.15, "asked for, and in the row", color=PINK, fontsize=9)
    ax.text(stride, -0.15, "must be masked", color=ORANGE, ha="right", fontsize=9)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _square(ax: Axes, column: int, row: float, **look: Any) -> None:
    color = look.pop("color")
    look.setdefault("edgecolor", "white")
    ax.add_patch(Rectangle((column, row), 1, 1, facecolor=color, **look))


def draw_two_sums(data: tuple[int, int], ax: Axes, /, programs: int) -> None:
    """The numbers dy ⊙ x̂ (N, D): dx asks for means of rows, dγ for sums of columns.

    Args:
        data: N and D.
        programs: that share the rows.
    """
    rows, features = data
    each = rows // programs
    for program in range(programs):
        color = PINK if program % 2 else PALE
        for row in range(program * each, (program + 1) * each):
            for column in range(features):
                _square(ax, column, row, color=color)
            ax.annotate(
                "", (features + 1.2, row + 0.5), (features + 0.1, row + 0.5),
                arrowprops={"arrowstyle": "->", "color": BLUE},
            )  # fmt: skip
        top = rows + 1.2 + program
        for column in range(features):
            _square(ax, column, top, color=color)
        middle = (program + 0.5) * each
        ax.text(-0.2, middle, f"program {program}", ha="right", va="center", fontsize=9)
        said = f"dγ, part of program {program}"
        ax.text(-0.2, top + 0.5, said, ha="right", va="center", fontsize=9)
    last = rows + 2.2 + programs
    for column in range(features):
        _square(ax, column, last, color=GREEN)
        ax.annotate(
            "", (column + 0.5, rows + 1.15), (column + 0.5, rows + 0.05),
            arrowprops={"arrowstyle": "->", "color": INK},
        )  # fmt: skip
        ax.annotate(
            "", (column + 0.5, last - 0.05), (column + 0.5, last - 0.95),
            arrowprops={"arrowstyle": "->", "color": GREEN},
        )  # fmt: skip
    ax.text(-0.2, last + 0.5, "dγ, second launch", ha="right", va="center", fontsize=9)
    ax.text(features + 1.3, rows / 2, "means of rows,\nfor dx", color=BLUE, va="center", fontsize=9)
    ax.set(xlim=(-5, features + 5), ylim=(last + 1.2, -0.3))
    ax.axis("off")
