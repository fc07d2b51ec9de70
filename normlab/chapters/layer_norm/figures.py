"""Pictures of what shares statistics, and of companions in a batch."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb

from normlab.chapters.layer_norm.batch_dependence import (
    BATCH_AND_LAYER_NORM,
    Companions,
    ShiftStudy,
)
from normlab.chapters.layer_norm.sharing import SIZES, STATISTICS, Place, Role, Sharing
from normlab.norms import FloatArray
from normlab.pictures.style import GREY, NORM_COLORS, NORM_MARKERS
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
    "position": np.array([-1.6, 0.0, 6.8]),
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
        tail, head = _project(start + size * step), _project(start + (size + 0.7) * step)
        ax.annotate("", tuple(head), tuple(tail), arrowprops={"arrowstyle": "->", "color": "black"})
        _write(ax, start + (size + 1.1) * step, symbols[role], weight="bold", size=12)


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


def draw_companions(data: Companions, axes: tuple[Axes, Axes], /, size: int, chosen: int) -> None:
    """The example's output by feature: grey among every set of companions, coloured now."""
    places = np.arange(len(data.example))
    for ax, norm in zip(axes, BATCH_AND_LAYER_NORM, strict=True):
        outputs = data.outputs(norm, size)
        ax.axhline(0, color="black", linewidth=0.8)
        for others in outputs:
            ax.plot(places, others, color=GREY, linewidth=0.8, alpha=0.6)
        color, marker = NORM_COLORS[norm], NORM_MARKERS[norm]
        ax.plot(places, outputs[chosen], color=color, marker=marker, markeredgecolor="black")
        ax.set(
            title=f"{norm}, batch size {size}", xlabel="feature", xticks=places, ylim=(-3.2, 3.2)
        )
        ax.set_ylabel("output of the example")


def describe_companions(data: Companions, /, size: int, chosen: int) -> tuple[str, Table]:
    batch, layer = (data.spread(norm, size) for norm in BATCH_AND_LAYER_NORM)
    outputs = {norm: data.outputs(norm, size)[chosen] for norm in BATCH_AND_LAYER_NORM}
    zeros = " and is 0 in every feature" if not outputs["BatchNorm"].any() else ""
    sentence = (
        f"Batch size {size}, companions {chosen + 1} of {len(data.others)}: over the sets of "
        f"companions the example's BatchNorm output moves by up to {batch:.2f}{zeros}; "
        f"its LayerNorm output moves by {layer:.2f}."
    )
    rows = [
        [i, *(f"{y:.3f}" for y in row)]
        for i, row in enumerate(zip(data.example, *outputs.values(), strict=True))
    ]
    return sentence, Table(("feature", "input", *outputs), rows)


def draw_shift(data: ShiftStudy, axes: tuple[Axes, Axes], /) -> None:
    """Histograms of the outputs: filled as in training, outlined for shifted inputs."""
    bins = [i / 4 for i in range(-24, 49)]
    for ax, (norm, outputs) in zip(axes, data.outputs.items(), strict=True):
        trained, shifted = outputs["as in training"], outputs["shifted"]
        ax.hist(trained.ravel(), bins, density=True, color=GREY, label="as in training")
        ax.hist(
            shifted.ravel(), bins, density=True, histtype="step", linewidth=1.8,
            color=NORM_COLORS[norm], label="shifted",
        )  # fmt: skip
        ax.set(title=f"{norm} at inference", xlabel="output", ylabel="density", ylim=(0, 0.5))
        ax.legend(title="inputs", loc="upper right", frameon=False)
