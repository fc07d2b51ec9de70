"""Pictures of models that follow one another, and of one model beside another."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from normlab.chapters.norms_in_the_wild.zoo import ZooModel
from normlab.chapters.norms_in_the_wild.zoo_designs import FAMILIES, family
from normlab.chapters.norms_in_the_wild.zoo_lines import EVERY, FamilyTree, Line, Step
from normlab.pictures.style import FAINT, GREY, INK, NORM_COLORS, NORM_MARKERS, PALE, RED
from normlab.tools.table import Table

Place = tuple[float, float]
NAMES = {
    "post-norm": 3,
    "pre-norm": 3,
    "parallel": 3,
    "norm on both sides": 2,
    "norm behind the branch": 2,
    "shifted post-norm": 2,
}
"""How many names a lane has room for, one above the other; others have room for one."""
ONE = 1.2
HEAD, ROOM = 0.62, 0.45
"""Heights in a lane: of the strip at its top for the numbers of models, and of room below that."""
LETTER, MARK, DEEP = 0.62, 0.72, 0.5
"""Width of a letter, and how far a mark in a crowd stands from the next, across and down."""
BEHIND: dict[str, Any] = {"fc": "white", "ec": "none", "pad": 0.8, "alpha": 0.6}


def lane_tops() -> dict[str, float]:
    """Where each lane begins; the last entry, "", is where the last one ends."""
    tops, top = {}, 0.0
    for name in FAMILIES:
        tops[name] = top
        top += HEAD + 1.6 * ROOM + NAMES.get(name, ONE)
    return tops | {"": top}


def draw_tree(data: FamilyTree, ax: Axes, /, line: str) -> None:
    """A lane per family of placements, a column per year; the models of one line have names.

    Colour and shape of a mark are the norm, colour and dash of a line whether the design changed.
    """
    _draw_lanes(data, ax)
    places = _in_a_crowd(data) if line == EVERY else _with_names(data, data.chosen(line)[0])
    for step in data.steps(line):
        _draw_step(step, places, ax, 0.9 if line == EVERY else 2.0)
    followed = {model.name for found in data.chosen(line) for model in found.models}
    for model in data.zoo:
        if model.name in places:
            color = NORM_COLORS[model.norm] if model.name in followed else PALE
            size = 4 if line == EVERY else 7
            marker = NORM_MARKERS[model.norm]
            x, y = places[model.name]
            ax.plot(x, y, marker, color=color, markersize=size, label=model.name, zorder=5)
    if line != EVERY:
        _write_names(places, data.steps(line), data, ax)
    ax.set_title(line if line == EVERY else f"the line of {line}")


def _columns(data: FamilyTree) -> dict[int, Place]:
    """From where to where the column of each year goes: years of many models are wide."""
    columns, left = {}, 0.0
    for year in data.years:
        models = sum(count for (when, _), count in data.counts.items() if when == year)
        columns[year] = (left, left + max(2.0, models**0.5))
        left = columns[year][1]
    return columns


def _draw_lanes(data: FamilyTree, ax: Axes) -> None:
    tops, columns = lane_tops(), _columns(data)
    middles = {year: sum(ends) / 2 for year, ends in columns.items()}
    ax.set(xlim=(-0.3, max(columns.values())[1] + 0.3), ylim=(tops[""], -2.2))
    ax.set_xticks(list(middles.values()), [f"’{year % 100}" for year in middles])
    ax.set_yticks(
        [top + 0.9 for top in list(tops.values())[:-1]], [_two_lines(n) for n in FAMILIES]
    )
    ax.tick_params(length=0)
    ax.grid(visible=False)
    for left, _ in list(columns.values())[1:]:
        ax.axvline(left, color=FAINT, lw=0.6, zorder=0)
    for top in tops.values():
        ax.axhline(top, color=PALE, lw=0.8, zorder=0)
    for (year, lane), count in data.counts.items():
        where = (middles[year], tops[lane] + 0.06)
        ax.text(*where, str(count), ha="center", va="top", size=9, color=INK, bbox=BEHIND)
    norms = [
        Line2D([], [], color=NORM_COLORS[n], marker=NORM_MARKERS[n], ls="", label=n)
        for n in ("LayerNorm", "RMSNorm")
    ]
    steps = [
        Line2D([], [], color=RED, lw=2, label="the design changed"),
        Line2D([], [], color=GREY, lw=2, ls=":", label="the same design"),
    ]
    ax.legend(handles=norms + steps, loc="upper left", ncols=2, borderaxespad=0.2)


def _two_lines(name: str) -> str:
    """A long name broken at the space nearest to its middle."""
    spaces = [place for place, letter in enumerate(name) if letter == " "]
    if len(name) < 11 or not spaces:
        return name
    at = min(spaces, key=lambda place: abs(place - len(name) / 2))
    return f"{name[:at]}\n{name[at + 1 :]}"


def _draw_step(step: Step, places: Mapping[str, Place], ax: Axes, width: float) -> None:
    ends = [places[step.before.name], places[step.model.name]]
    color, dash = (RED, "-") if step.changes else (GREY, ":")
    (x0, x1), (y0, y1) = zip(*ends, strict=True)
    ax.plot([x0, x1], [y0, y1], dash, color=color, lw=width, zorder=1)


def _in_a_crowd(data: FamilyTree) -> dict[str, Place]:
    """All models, those of one year and lane in a small grid."""
    places, tops, columns = {}, lane_tops(), _columns(data)
    for (year, lane), models in data.cells.items():
        left, right = columns[year]
        across = int((right - left) / MARK)
        for place, model in enumerate(models):
            row, column = divmod(place, across)
            beside = min(across, len(models) - row * across)
            x = (left + right) / 2 + (column - (beside - 1) / 2) * MARK
            places[model.name] = (x, tops[lane] + HEAD + 0.25 + row * DEEP)
    return places


def _with_names(data: FamilyTree, line: Line) -> dict[str, Place]:
    """The models of a line from left to right; in a lane no name stands on another."""
    places: dict[str, Place] = {}
    ends: dict[str, list[float]] = {}
    columns, years = _columns(data), [model.year for model in line.models]
    for place, model in enumerate(line.models):
        left, right = columns[model.year]
        nth = years[:place].count(model.year) + 0.5
        x = left + (right - left) * nth / years.count(model.year)
        middle, half = _middle(model.name, x, columns)
        rows = ends.setdefault(family(model), [])
        row = next((i for i, end in enumerate(rows) if end < middle - half), len(rows))
        rows[row : row + 1] = [middle + half]
        places[model.name] = (x, lane_tops()[family(model)] + HEAD + 2 * ROOM + row)
    return places


def _middle(name: str, x: float, columns: Mapping[int, Place]) -> Place:
    """Where the middle of a name stands, inside the axes, and half its width."""
    half = len(name) * LETTER / 2
    return min(max(x, half), max(columns.values())[1] - half), half


def _write_names(
    places: Mapping[str, Place], steps: Sequence[Step], data: FamilyTree, ax: Axes
) -> None:
    """Each name below its mark, or above it where more lines lead down."""
    for name, (x, y) in places.items():
        middle, _ = _middle(name, x, _columns(data))
        pairs = [(step.before.name, step.model.name) for step in steps]
        others = [b if a == name else a for a, b in pairs if name in (a, b)]
        down = sum(1 if places[other][1] > y else -1 for other in others)
        shift, va = (-0.24, "bottom") if down > 0 else (0.24, "top")
        ax.text(middle, y + shift, name, ha="center", va=va, size=9, bbox=BEHIND, zorder=3)


def describe_tree(data: FamilyTree, /, line: str) -> tuple[str, Table]:
    steps = data.steps(line)
    changed = sum(bool(step.changes) for step in steps)
    if line == EVERY:
        followed = len(steps) + len(data.lines)
        rows: list[list[object]] = [
            [found.first.name, len(found.models), sum(bool(s.changes) for s in found.steps)]
            for found in data.lines
        ]
        return (
            f"{len(data.lines)} lines with {followed} of {len(data.zoo)} models: at {changed} of "
            f"{len(steps)} steps from one to the next the design changed.",
            Table(("line of", "models", "changes of the design"), rows),
        )
    (found,) = data.chosen(line)
    last: ZooModel = found.models[-1]
    sentence = (
        f"The line of {line} has {len(found.models)} models; at {changed} of {len(steps)} steps "
        f"the design changed. It ends with {last.name} in {last.year}, {last.placement}."
    )
    return sentence, found.table()
