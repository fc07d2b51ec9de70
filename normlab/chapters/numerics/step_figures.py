"""The picture of a central difference: what it sees, and how far it is off."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from normlab.chapters.numerics.step_size import StepSweep
from normlab.pictures.style import BLUE, GREEN, GREY, ORANGE, RED
from normlab.tools.table import Table

_TURNS = np.linspace(-2, 2, 81)


def draw_step_sweep(data: StepSweep, axes: tuple[Axes, Axes], /, step: float) -> None:
    """Left what the formula sees at this step, right the error of all steps."""
    left, right = axes
    slope = data.gradient[data.steepest]
    left.plot(_TURNS, data.seen_by_the_formula(step, _TURNS), color=BLUE, label="loss")
    left.plot(_TURNS, slope * _TURNS, "--", color=ORANGE, label="true slope")
    ends = np.array([-1.0, 1.0])
    left.plot(ends, data.seen_by_the_formula(step, ends), "o", color=RED, label="the two points")
    left.set(
        xlim=(-2, 2), ylim=np.array([-3, 3]) * abs(slope), title=f"loss around x, h = {step:.1g}"
    )
    left.set(
        xlabel="t, in steps of h",
        ylabel="(ℒ(x + t·h·e) − ℒ(x)) / h",
    )
    left.legend(loc="lower right" if slope > 0 else "lower left")

    unit = float(np.finfo(data.x.dtype).eps)
    right.loglog(data.steps, data.errors, ".-", color=BLUE, label="measured")
    right.loglog(data.steps, data.errors[0] * data.steps**2, ":", color=GREY, label="∝ h²")
    right.loglog(data.steps, unit / data.steps, "--", color=GREEN, label="2u / h")
    place = int(np.abs(np.log(data.steps / step)).argmin())
    right.loglog(data.steps[place], data.errors[place], "o", color=RED, markersize=9)
    right.set(xlim=(2e-16, 5), ylim=(1e-13, 1e2), xlabel="step h", ylabel="relative error")
    right.set(title=f"error of the gradient, {data.x.dtype}")
    right.xaxis.set_major_locator(LogLocator(numticks=6))
    right.legend(loc="lower left")


def describe_step_sweep(data: StepSweep, /, step: float) -> tuple[str, Table]:
    place = int(np.abs(np.log(data.steps / step)).argmin())
    best, least = data.best()
    sentence = (
        f"In {data.x.dtype}, central differences with step h = {step:.1g} miss the gradient by "
        f"{data.errors[place]:.0e} of its length; the best step is {best:.1g}, "
        f"with an error of {least:.0e}."
    )
    rows = [[f"{h:.1g}", f"{e:.0e}"] for h, e in zip(data.steps, data.errors, strict=True)]
    return sentence, Table(("step h", "relative error"), rows)
