"""Pictures of where tokens lie: eigenvalues, the plane and the sphere, two features, radii."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from normlab.chapters.backward.geometry import (
    ACROSS,
    BEHIND,
    UP,
    Cloud,
    PlaneMap,
    RadiusCurves,
    Spectra,
)
from normlab.norms import FloatArray
from normlab.pictures.style import BLUE, GREEN, GREY, NORM_COLORS, ORANGE, RED, SKY
from normlab.tools.table import Table


def draw_spectra(data: Spectra, ax: Axes, /) -> None:
    """Each Jacobian's eigenvalues, in order; one column per eigenvalue."""
    looks = (("o", BLUE), ("^", GREEN), ("s", ORANGE))
    for shift, (name, values), (marker, color) in zip(
        (-0.18, 0, 0.18), data.values.items(), looks, strict=True
    ):
        places = np.arange(1, len(values) + 1) + shift
        ax.vlines(places, 0, values, color=color, linewidth=1)
        ax.plot(places, values, marker, color=color, label=name, markersize=7)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(
        xlabel="number of the eigenvalue",
        ylabel=r"eigenvalue × $\sigma_\varepsilon$ or $r_\varepsilon$",
        ylim=(-0.08, 1.15),
    )
    ax.set(title="What the Jacobian lets through")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))


_AROUND = np.linspace(0, 2 * np.pi, 73)[:, None]
_RING = np.cos(_AROUND) * ACROSS + np.sin(_AROUND) * BEHIND  # (73, 1) * (3,) -> (73, 3)


def project(points: FloatArray, tilt: float) -> FloatArray:
    """Parallel projection of points (n, 3) on a picture (n, 2).

    At tilt 0° the eye looks down along (1, 1, 1) and the plane 1^⊥ fills the picture; at 90°
    (1, 1, 1) points up and the plane is seen edge-on, as a line.

    >>> (project(np.ones((1, 3)), tilt=90) + 0.0).round(3)
    array([[0.   , 1.732]])
    """
    turn = np.deg2rad(tilt)
    upward = np.sin(turn) * UP + np.cos(turn) * BEHIND
    seen: FloatArray = points @ np.stack([ACROSS, upward], axis=1)  # (n, 3) @ (3, 2) -> (n, 2)
    return seen


def draw_cloud(data: Cloud, ax: Axes, /, step: float, tilt: float) -> None:
    """Points of three features seen from one side, with the plane 1^⊥ and the sphere."""
    _draw_surroundings(ax, tilt)
    points = data.at(step)
    _draw_trails(ax, project(data.starts, tilt), project(points, tilt))
    seen, above = project(points, tilt), points @ UP >= -1e-9  # (n, 3) @ (3,) -> (n,)
    kinds = np.arange(len(points)) < len(data.free)
    looks = ((kinds, "o", BLUE, "random tokens"), (~kinds, "^", RED, "a·p + b·1, one p"))
    for kind, marker, color, label in looks:
        for side, order in ((above, 6), (~above, 2)):  # 2 is behind the plane
            where = seen[kind & side]
            ax.plot(*where.T, marker, color=color, mec="white", markersize=8, zorder=order)
        ax.plot([], [], marker, color=color, markersize=8, label=label)
    ax.set(xlim=(-3.9, 3.9), ylim=(-5.1, 3.5), title=_title(data, step))
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.legend(loc="lower center", ncols=2)


def _title(data: Cloud, step: float) -> str:
    if 0 < step <= 1 and data.norm == "RMSNorm":
        return "RMSNorm does not centre: the points stand still"
    names = {0.0: "the input", 1.0: "centred, all on the plane", 2.0: "normalized"}
    return f"{data.norm}: {names.get(step, 'on the way')}"


def _draw_surroundings(ax: Axes, tilt: float) -> None:
    """The plane 1^⊥, the sphere of radius √3, the circle where they meet, and the axes."""
    plane, circle = project(3.2 * _RING, tilt), project(np.sqrt(3) * _RING, tilt)
    ax.fill(*plane.T, color=SKY, alpha=0.3, linewidth=1.5, zorder=3, label="plane: sum = 0")
    outline: Any = {"fill": False, "edgecolor": GREY, "linewidth": 1.5, "zorder": 4}
    ax.add_patch(Circle((0, 0), float(np.sqrt(3)), label="sphere, radius √3", **outline))
    ax.plot(*circle.T, "--", color=ORANGE, linewidth=2, zorder=4, label="where they meet")
    tips = project(2.6 * np.eye(3), tilt)
    for number, (across, up) in enumerate(tips, 1):
        ax.plot([0, across], [0, up], color=GREY, linewidth=0.8, zorder=1)
        ax.text(1.08 * across, 1.08 * up, f"x{number}", color=GREY, ha="center", va="center")
    across, up = project(2.9 * UP[None], tilt)[0]
    ax.plot([0, across], [0, up], color="black", linewidth=1.6, zorder=5)
    ax.plot(across, up, "k*", markersize=9, zorder=5, label="direction (1, 1, 1)")


def _draw_trails(ax: Axes, starts: FloatArray, ends: FloatArray) -> None:
    gaps = np.full_like(starts, np.nan)
    lines = np.stack([starts, ends, gaps], axis=1).reshape(-1, 2)  # (n, 3, 2) -> (3n, 2)
    ax.plot(*lines.T, color=GREY, linewidth=0.7, zorder=1)


def describe_cloud(data: Cloud, /, step: float, tilt: float) -> tuple[str, Table]:
    points = data.at(step)
    sums, lengths = data.sums_and_lengths(step)
    sentence = (
        f"{data.norm} at step {step:.2f}, seen at {tilt}°: the largest |sum of features| is "
        f"{sums.max():.2f}, lengths run from {lengths.min():.2f} to {lengths.max():.2f}, and the "
        f"{len(data.related)} related tokens lie within {data.spread_of_related(step):.2f} "
        "of one another."
    )
    rows = [
        ["random" if i < len(data.free) else "related", *(f"{v + 0.0:.2f}" for v in (*p, s, r))]
        for i, (p, s, r) in enumerate(zip(points, sums, lengths, strict=True))
    ]
    return sentence, Table(("token", "x1", "x2", "x3", "|sum|", "length"), rows)


def draw_plane_map(data: PlaneMap, axes: tuple[Axes, Axes], /) -> None:
    """Two features: each token, and a line to where the norm takes it."""
    above = data.points[:, 1] > data.points[:, 0]
    for ax, (norm, images) in zip(axes, data.images.items(), strict=True):
        gaps = np.full_like(images, np.nan)
        trails = np.stack([data.points, images, gaps], axis=1)  # (n, 3, 2)
        ax.plot(*trails.reshape(-1, 2).T, color=GREY, linewidth=0.7)  # (n, 3, 2) -> (3n, 2)
        ax.plot([-4, 4], [-4, 4], ":", color="black", linewidth=1, label="x1 = x2")
        ax.add_patch(Circle((0, 0), float(np.sqrt(2)), fill=False, edgecolor=GREY))
        for side, marker, hue, name in (
            (above, "^", RED, "x1 < x2"),
            (~above, "o", BLUE, "x1 > x2"),
        ):
            ax.plot(*data.points[side].T, marker, color=hue, mfc="white", label=f"input, {name}")
            ax.plot(*images[side].T, marker, color=hue, markersize=9, label=f"output, {name}")
        ax.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), xlabel="x1", ylabel="x2", title=norm)
        ax.set_aspect("equal")
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))


def draw_radius_curves(data: RadiusCurves, ax: Axes, /) -> None:
    """How far out layer norm puts a token, against the token's standard deviation."""
    looks = (("o", "-", NORM_COLORS["LayerNorm"]), ("s", "--", ORANGE))
    for (eps, radii), (marker, dash, color) in zip(data.radii.items(), looks, strict=True):
        ax.semilogx(
            data.deviations, data.formula(eps), dash, color=color, label=f"formula, ε = {eps:g}"
        )
        ax.semilogx(data.deviations, radii, marker, color=color, label=f"measured, ε = {eps:g}")
        edge = np.sqrt(eps)
        ax.axvline(edge, color=color, linestyle=":", linewidth=1, label=f"√ε = {edge:.2g}")
    ax.set(xlabel="standard deviation of the token", ylabel="‖LN(x)‖ / √D")
    ax.set(title="How far out layer norm puts a token")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
