"""Explorers of the backward pass."""

from normlab.figures.gradients import (
    describe_step_sweep,
    describe_turned_upstream,
    draw_step_sweep,
    draw_turned_upstream,
)
from normlab.gradients import sweep_steps, turned_upstream
from normlab.pictures import Choice, Explorer, Scene, Slider


def explore_step_size() -> Explorer:
    """Central differences from h = 1 down to 1e-15: first curved, then straight, then stairs."""
    scene = Scene(sweep_steps, draw_step_sweep, describe_step_sweep, columns=2, size=(8.4, 3.6))
    steps = [10.0 ** -(half / 2) for half in range(31)]
    return Explorer(
        "The step of a finite difference",
        scene,
        pages={"step": Slider("step h", steps, show="{:.0e}".format, start=2)},
        settings={"dtype": Choice("dtype", ("float64", "float32"))},
    )


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
            "angle": Slider("direction of u", range(0, 181, 15), show="{}°".format, start=3),
            "scale": Choice("input scale a", (0.5, 1.0, 2.0), show="{:g}".format, start=1),
        },
        settings={
            "norm": Choice("norm", ("LayerNorm", "RMSNorm")),
            "eps": Choice("ε", (1e-5, 1.0), show="{:g}".format),
        },
    )
