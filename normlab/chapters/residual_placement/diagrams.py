"""Block diagrams of placements, each with its formula below."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from normlab.models.placement.formula import block_formula
from normlab.models.placement.standard import PLACEMENTS, find_placement
from normlab.models.placement.wiring import trace
from normlab.pictures.block_diagrams import LEFT, draw_wiring

__all__ = ["HIGHEST", "draw_placement", "draw_placements", "draw_wiring"]

FORMULA_TOP, FORMULA_BOTTOM = -0.8, -2.0
HIGHEST = max(trace(placement).nodes[-1].row for placement in PLACEMENTS.values())
"""Rows of the highest diagram of chapter 05."""


def draw_placements(names: Sequence[str], axes: Sequence[Axes], /, layer: int = 1) -> None:
    """Block diagrams and formulas side by side, all of one height.

    Args:
        names: of `normlab.models.PLACEMENTS`.
        axes: as many.
        layer: of 12, for the placements that change with depth.
    """
    rows = max(trace(find_placement(name), layer=layer).nodes[-1].row for name in names)
    for name, ax in zip(names, axes, strict=True):
        draw_placement(name, ax, layer=layer, rows=rows)


def draw_placement(
    name: str,
    ax: Axes,
    /,
    norm: str = "norm",
    layer: int = 1,
    layers: int = 12,
    rows: int | None = None,
) -> None:
    """The block diagram of a placement, from the definition that runs it, over its formula.

    Args:
        name: one of `normlab.models.PLACEMENTS`.
        norm: what to call the norm.
        layer, layers: which of how many, for the placements that change with depth.
        rows: how high to draw; by default as many rows as the diagram has.
    """
    placement = find_placement(name)
    draw_wiring(trace(placement, norm, layer, layers), ax, rows)
    ax.text(LEFT, FORMULA_TOP, block_formula(placement, layers), size=9, va="top")
    ax.set_ylim(bottom=FORMULA_BOTTOM)
    ax.set_title(name)
