"""Pictures of where tokens lie: eigenvalues, the plane and the sphere, two features, radii."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from normlab.chapters.backward.geometry import PlaneMap, RadiusCurves, Spectra
from normlab.pictures.style import BLUE, GREEN, GREY, NORM_COLORS, ORANGE, RED


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


def describe_spectra(data: Spectra, /) -> str:
    values, with_eps = data.values["LayerNorm, ε = 0"], data.values["LayerNorm, ε = σ²"]
    lost, kept = (int((np.abs(values - v) < 1e-9).sum()) for v in (0, 1))  # (D,) -> ()
    return (
        f"Your layer_norm_backward of {len(values)} unit vectors gives the rows of the Jacobian "
        f"(blue, ε = 0): {lost} of its eigenvalues are 0, those along (1, …, 1) and x̂, and {kept} "
        f"are 1/σ. With ε = σ² (orange) {with_eps[1]:.2f} of what lies along x̂ gets through. "
        "RMSNorm is the course's. Chapter 02, section 9, has this picture."
    )


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
