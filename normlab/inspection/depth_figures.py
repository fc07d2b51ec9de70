"""The picture of chapter 06 for anybody's model: stream and gradient by depth, theory beside."""

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from normlab.norms import FloatArray
from normlab.pictures.style import BLUE, GREY, INK, PLACEMENT_COLORS, PLACEMENT_MARKERS
from normlab.tools.table import Table

if TYPE_CHECKING:  # what needs torch is loaded by who makes it
    from normlab.inspection.model_depth import DepthMoment, ModelDepth

TITLES = ("stream, ‖x‖²/D", "gradient, ‖∂ℒ/∂x‖", "one step, ‖Δx‖/‖x‖")
QUANTITIES = ("mean_square", "gradient", "stream_change")


def draw_depth_profile(depth: "ModelDepth", axes: Sequence[Axes], /) -> None:
    """By layer the stream, the gradient and, on a third axes, the change by one training step.

    The start is filled, the last moment is open where there is one; theory of the start is dashed.

    Args:
        depth: what `depth_profile` found.
        axes: two or three.
    """
    _set_axes(depth, axes)
    _draw_moment(depth, axes, depth.moments[0], filled=True)
    if len(depth.moments) > 1:
        _draw_moment(depth, axes, depth.moments[-1], filled=False)
    _draw_theory(depth, axes)
    axes[0].legend(fontsize="small")


def draw_depth_moment(depth: "ModelDepth", axes: Sequence[Axes], /, step: int) -> None:
    """The same at one moment, with the start in grey behind it; the axes serve all moments."""
    _set_axes(depth, axes)
    _draw_theory(depth, axes)
    for ax, name in zip(axes, QUANTITIES, strict=False):
        ax.plot(depth.depths, _above_zero(getattr(depth.moments[0], name)), color=GREY, lw=1)
    _draw_moment(depth, axes, depth.at(step), filled=True)


def describe_depth_moment(depth: "ModelDepth", /, step: int) -> tuple[str, Table]:
    """One sentence on a moment, and its table."""
    moment = depth.at(step)
    stream, gradient = moment.mean_square, moment.gradient
    sentence = (
        f"{depth.model}, {len(depth.layers)} layers, {depth.placement}, {moment.when}, loss "
        f"{moment.loss:.4g}: the mean square of the stream goes from {stream[0]:.3g} to "
        f"{stream[-1]:.3g}; the gradient is {gradient[-1]:.3g} at the output and "
        f"{gradient[0]:.3g} at the input; the next training step moves the output by "
        f"{moment.stream_change[-1]:.3g} of its length."
    )
    return sentence, depth.table(step)


def _set_axes(depth: "ModelDepth", axes: Sequence[Axes]) -> None:
    """Limits that serve all moments and theory."""
    for ax, name, title in zip(axes, QUANTITIES, TITLES, strict=False):
        shown = [getattr(moment, name) for moment in depth.moments]
        shown += [getattr(depth.theory, name)] if hasattr(depth.theory, name) else []
        values = [v for numbers in shown for v in numbers if 0 < v < inf]
        least, most = min(values, default=0.1), max(values, default=10.0)
        ax.set(yscale="log", xlabel="layers below", title=title, ylim=(least / 2, 2 * most))
        ax.set_xlim(-0.02 * len(depth.layers), 1.02 * len(depth.layers))
        for set_formatter in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
            set_formatter("{x:g}")
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 5) if most < 200 * least else ()))


def _above_zero(values: FloatArray) -> FloatArray:
    """What a logarithmic axis shows."""
    return np.where(values > 0, values, np.nan)


def _draw_moment(
    depth: "ModelDepth", axes: Sequence[Axes], moment: "DepthMoment", filled: bool
) -> None:
    color, marker = _look(depth)
    every = max(1, len(depth.depths) // 24)
    face = color if filled else "white"
    for ax, name in zip(axes, QUANTITIES, strict=False):
        ax.plot(
            depth.depths,
            _above_zero(getattr(moment, name)),
            "-" if filled else ":",
            color=color,
            marker=marker,
            markevery=every,
            mfc=face,
            ms=5,
            label=moment.when,
        )


def _draw_theory(depth: "ModelDepth", axes: Sequence[Axes]) -> None:
    theory = depth.theory
    if theory is None:
        return
    label = f"theory of {theory.placement}, at the start"
    axes[0].plot(depth.depths, theory.mean_square, "--", color=INK, lw=1.2, label=label)
    axes[1].plot(depth.depths, theory.gradient, "--", color=INK, lw=1.2)
    axes[1].fill_between(
        depth.depths, theory.gradient_alike, theory.gradient, color=GREY, alpha=0.2, lw=0
    )


def _look(depth: "ModelDepth") -> tuple[str, str]:
    """Colour and marker of a placement; the layers of a parallel one are pre-norm's."""
    name = {"parallel": "pre-norm", "sandwich": "peri-norm"}.get(depth.placement, depth.placement)
    return PLACEMENT_COLORS.get(name.lower(), BLUE), PLACEMENT_MARKERS.get(name.lower(), "o")
