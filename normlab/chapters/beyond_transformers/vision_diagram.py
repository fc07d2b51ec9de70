"""A vision transformer as a row of boxes, with its norms where they were found."""

import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from torch import nn

from normlab.inspection import inspect
from normlab.pictures.style import BLUE, GREY, INK, ON_COLOR, ORANGE

WIDTH, HEIGHT, GAP = 1.5, 0.7, 0.45


def vision_boxes(model: nn.Module, images: torch.Tensor) -> list[str]:
    """What an image passes, in order; "norm" wherever `inspect` finds one, "+" for a shortcut.

    Example:
        >>> from normlab.models import VisionTransformer
        >>> boxes = vision_boxes(VisionTransformer(seed=0), torch.zeros(1, 8, 8))
        >>> boxes.count("norm"), boxes[:2], boxes[-2:]
        (3, ['patches', 'linear'], ['norm', 'head'])
    """
    report = inspect(model, images)
    roles = [norm.role for norm in report.norms]
    layer = report.layers[0]
    boxes = ["patches", "linear", *["norm"] * roles.count("embedding"), "+ positions"]
    for equation in layer.equations:
        name, _, made = equation.partition(" = ")
        if name.startswith("n"):
            boxes.append("norm")
        elif name.startswith("f"):
            boxes += ["attention" if made == "f(n1)" else "FFN", "+"]
    return [*boxes, *["norm"] * roles.count("final"), "head"]


def draw_vision_transformer(model: nn.Module, images: torch.Tensor, ax: Axes, /) -> None:
    """The boxes in two rows: what stands once, and one layer of several.

    Source: Dosovitskiy et al. 2021, Figure 1 and Eq. 1 to 4, arXiv:2010.11929.
    """
    boxes = vision_boxes(model, images)
    first = boxes.index("+ positions") + 1
    last = max(i for i, box in enumerate(boxes) if box == "+") + 1
    layers = len(inspect(model, images).layers)
    once = [*boxes[:first], f"{layers} layers", *boxes[last:]]
    _draw_row(ax, once, y=2.0)
    _draw_row(ax, boxes[first:last], y=0.3)
    _draw_shortcuts(ax, boxes[first:last], y=0.3)
    at = once.index(f"{layers} layers") * (WIDTH + GAP)
    ax.plot([at, 0.0], [2.0 - HEIGHT / 2, 1.0], color=GREY, lw=0.8, ls=":")
    wide = len(boxes[first:last]) * (WIDTH + GAP) - GAP
    ax.plot([at + WIDTH, wide], [2.0 - HEIGHT / 2, 1.0], color=GREY, lw=0.8, ls=":")
    ax.set(xlim=(-GAP, wide + 0.2), ylim=(-0.6, 2.7))
    ax.set_axis_off()
    ax.set_label(f"in order: {', '.join(once)}; one layer: {', '.join(boxes[first:last])}")


def _draw_row(ax: Axes, boxes: list[str], y: float) -> None:
    for column, box in enumerate(boxes):
        x = column * (WIDTH + GAP)
        if column:
            arrow = {"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", (x, y), (x - GAP, y), arrowprops=arrow)
        color = ORANGE if box == "norm" else "white"
        patch = FancyBboxPatch(
            (x, y - HEIGHT / 2), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.1",
            fc=color, ec=BLUE if "layers" in box else "black",
        )  # fmt: skip
        ax.add_patch(patch)
        ink = ON_COLOR if box == "norm" else "black"
        ax.text(x + WIDTH / 2, y, box, ha="center", va="center", fontsize=9, color=ink)


def _draw_shortcuts(ax: Axes, boxes: list[str], y: float) -> None:
    """Past the boxes of a branch, from where it leaves the stream to its sum."""
    start, below = -GAP / 2, y - 0.65
    for column, box in enumerate(boxes):
        if box == "+":
            end = column * (WIDTH + GAP) + WIDTH / 2
            xs, ys = [start, start, end, end], [y, below, below, y - HEIGHT / 2]
            ax.plot(xs, ys, color="black", lw=2, solid_joinstyle="round")
            start = (column + 1) * (WIDTH + GAP) - GAP / 2
    ax.plot([-GAP, 0], [y, y], color=INK, lw=1)
