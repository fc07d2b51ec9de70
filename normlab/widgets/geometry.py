"""The explorer of the geometry."""

from normlab.figures.geometry import describe_cloud, draw_cloud
from normlab.geometry import three_feature_cloud
from normlab.pictures import Choice, Explorer, Scene, Slider


def explore_geometry() -> Explorer:
    """Carry tokens of three features through a norm, and look from any height."""
    scene = Scene(three_feature_cloud, draw_cloud, describe_cloud, size=(7.6, 5.0))
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
