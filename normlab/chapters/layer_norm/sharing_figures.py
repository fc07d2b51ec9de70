"""The cube: which numbers of an array share a mean and a variance."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb

from normlab.chapters.layer_norm.sharing import SIZES, STATISTICS, Place, Role, Sharing
from normlab.norms import FloatArray
from normlab.pictures.style import GREY, NORM_COLORS
from normlab.tools.table import Table

_PROJECTION = np.array(
    [[-np.cos(np.pi / 6), 0.5], [0.0, -1.0], [np.cos(np.pi / 6), 0.5]]
)  # (3, 2): examples go back to the left, positions down, features back to the right
_EDGE = 0.62  # of a cubelet; the distance of two is 1

_CORNERS = np.array(
    [
        [[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]],  # top: example × feature
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]],  # left: example × position
        [[0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 1, 0]],  # right: position × feature
    ]
)  # (3 faces, 4 corners, 3 axes)
_AXIS_STARTS: dict[Role, FloatArray] = {
    "example": np.array([0.0, 4.0, -0.45]),
    "position": np.array([-0.6, -0.15, 5.6]),
    "feature": np.array([-0.45, 4.0, 0.0]),
}  # beside the lower left, the right and the lower right edge
_LIGHT = np.array([0.45, 0.0, 0.22])  # how much white is mixed into each face


def _project(points: FloatArray) -> FloatArray:
    """(..., 3) -> (..., 2), the isometric projection."""
    return np.asarray(points @ _PROJECTION)


def _places_back_to_front() -> FloatArray:
    """Every (example, position, feature), the farthest from the eye first (n, 3)."""
    places = np.indices(tuple(SIZES.values())).reshape(3, -1).T  # (3, e, p, f) -> (n, 3)
    return np.asarray(places[np.argsort(-places.sum(axis=1), kind="stable")], float)


def _face_colors(color: str, selected: FloatArray) -> FloatArray:
    """RGBA of the three faces of each cubelet (n, 3, 4): solid if selected, else a breath."""
    base = np.where(selected[:, None], to_rgb(color), to_rgb(GREY))  # (n, 3)
    light = _LIGHT[None, :, None]
    rgb = base[:, None, :] * (1 - light) + light  # (n, 3 faces, 3)
    alpha = np.where(selected, 1.0, 0.10)[:, None, None].repeat(3, axis=1)  # (n, 3, 1)
    return np.concatenate([rgb, alpha], axis=2)


def draw_sharing(data: Sharing, ax: Axes, /, norm: str, place: Place) -> None:
    """The cube; solid with black edges: what shares statistics with the dotted number."""
    places = _places_back_to_front()
    order = [list(SIZES).index(role) for role in data.layout.symbols]
    group = data.group(norm, place)
    selected = group[tuple(places[:, order].astype(int).T)]  # (n,)
    corners = places[:, None, None, :] + _EDGE * _CORNERS  # (n, 3 faces, 4, 3)
    edge = np.where(selected[:, None], (0.0, 0.0, 0.0, 1.0), (0.55, 0.55, 0.55, 0.35))
    faces = PolyCollection(
        list(_project(corners).reshape(-1, 4, 2)),  # (n, 3, 4, 2) -> (3n, 4, 2)
        facecolors=_face_colors(NORM_COLORS[norm], selected).reshape(-1, 4),
        edgecolors=edge.repeat(3, axis=0),
        linewidths=np.where(selected, 1.0, 0.5).repeat(3),
    )
    faces.set_label("faces")
    ax.add_collection(faces)
    x, y = _project(np.array(place) + _EDGE / 2)
    ax.plot(x, y, "o", markersize=7, color="white", markeredgecolor="black", markeredgewidth=1.5)
    _draw_axes(ax, data.layout.symbols)
    ax.set(xlim=(-5.0, 8.2), ylim=(-4.7, 4.4), title=f"{norm}: {data.group_name(norm, place)}")
    ax.set_aspect("equal")
    ax.set_axis_off()


def _draw_axes(ax: Axes, symbols: dict[Role, str]) -> None:
    """Beside three edges of the cube: the indices, an arrow, and the symbol of the axis."""
    for axis, (role, size) in enumerate(SIZES.items()):
        start, step = _AXIS_STARTS[role], np.eye(3)[axis]
        for i in range(size):
            _write(ax, start + (i + _EDGE / 2) * step, str(i))
        # of positions in front of the first: behind the last one lie the numbers of the features
        tail, name = (-1.0, -1.3) if role == "position" else (size, size + 1.1)
        ends = _project(start + tail * step), _project(start + (tail + 0.7) * step)
        arrow = {"arrowstyle": "->", "color": "black"}
        ax.annotate("", tuple(ends[1]), tuple(ends[0]), arrowprops=arrow)
        _write(ax, start + name * step, symbols[role], weight="bold", size=12)


def _write(ax: Axes, point: FloatArray, text: str, **font: Any) -> None:
    x, y = _project(point)
    ax.text(x, y, text, ha="center", va="center", **font)


def describe_sharing(data: Sharing, /, norm: str, place: Place) -> tuple[str, Table]:
    size = int(data.group(norm, place).sum())
    shared = (
        "one mean square and no mean"
        if STATISTICS[norm] == "mean square"
        else "one mean and one variance"
    )
    example, position, feature = place
    sentence = (
        f"{norm}, {data.group_name(norm, place)}: {size} numbers share {shared}; "
        f"there are {data.group_count(norm)} such groups. "
        f"The dot is at example {example}, position {position}, feature {feature}."
    )
    return sentence, data.table()
