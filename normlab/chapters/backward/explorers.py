"""Explorers of the backward pass."""

from normlab.chapters.backward.figures import (
    describe_turned_upstream,
    draw_turned_upstream,
)
from normlab.chapters.backward.geometry import three_feature_cloud
from normlab.chapters.backward.geometry_figures import describe_cloud, draw_cloud
from normlab.chapters.backward.upstream import turned_upstream
from normlab.pictures import Choice, Explorer, Scene, Slider
from normlab.pictures.style import BLUE, GREY


def explore_upstream() -> Explorer:
    """Turn the upstream gradient, and see which part of it reaches the input."""
    scene = Scene(
        turned_upstream,
        draw_turned_upstream,
        describe_turned_upstream,
        columns=3,
        size=(8.4, 3.3),
    )
    return Explorer(
        "What passes back through a norm",
        scene,
        pages={
            "angle": Slider("direction of g", range(0, 181, 15), show="{}°".format, start=3),
            "scale": Choice("input scale a", (0.5, 1.0, 2.0), show="{:g}".format, start=1),
        },
        settings={
            "norm": Choice("norm", ("LayerNorm", "RMSNorm")),
            "eps": Choice("ε", (1e-5, 1.0), show="{:g}".format),
        },
        formula=[("g", GREY), " → ", ("dx = Jᵀ g", BLUE)],
    )


def explore_geometry() -> Explorer:
    """Carry tokens of three features through a norm, and look from any height."""
    scene = Scene(three_feature_cloud, draw_cloud, describe_cloud, size=(5.2, 5.5))
    steps = [quarter / 4 for quarter in range(9)]
    return Explorer(
        "A norm as a movement in space",
        scene,
        pages={
            "step": Slider("step", steps, show=_show_step),
            "tilt": Slider("view", (0, 25, 50, 70, 90), show=_show_tilt, start=3),
        },
        settings={
            "norm": Choice("norm", ("LayerNorm", "RMSNorm")),
            "eps": Choice("ε", (1e-5, 1.0), show="{:g}".format),
        },
    )


def _show_step(step: float) -> str:
    names = {0.0: " (input)", 1.0: " (LayerNorm: centred)", 2.0: " (normalized)"}
    return f"{step:.2f}{names.get(step, '')}"


def _show_tilt(tilt: int) -> str:
    names = {0: " (along 1, 1, 1)", 90: " (edge-on)"}
    return f"{tilt}°{names.get(tilt, '')}"
