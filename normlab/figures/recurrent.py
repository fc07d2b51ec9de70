"""Pictures of recurrent networks: states over time, and training beside a plain LSTM."""

import numpy as np
from matplotlib.axes import Axes

from normlab.pictures.style import BLUE, GREY, RED
from normlab.recurrence import KINDS, StateCurves
from normlab.tools.table import Table

POINTS, FLOOR = 120, 1e-17
LOOKS = {"plain": (RED, "--"), "LN": (BLUE, "-")}


def draw_states(data: StateCurves, axes: tuple[Axes, Axes], /, scale: float) -> None:
    """Left the size of h, right how far two runs are apart; the other scales thin behind."""
    steps = len(data.size[KINDS[0], scale])
    shown = np.unique(np.geomspace(1, steps, POINTS).astype(int)) - 1
    for ax, curves in zip(axes, (data.size, data.memory), strict=True):
        for other in data.scales:
            for kind in KINDS:
                values = np.maximum(curves[kind, other][shown], FLOOR)
                ax.plot(shown + 1, values, LOOKS[kind][1], color=GREY, lw=0.5, alpha=0.35)
        for kind in KINDS:
            color, dash = LOOKS[kind]
            values = np.maximum(curves[kind, scale][shown], FLOOR)
            ax.plot(shown + 1, values, dash, color=color, label=f"{kind} {data.cell}")
        ax.set(xscale="log", yscale="log", xlim=(1, steps), xlabel="time step t")
        ax.set_xticks([1, 10, 100, steps], ["1", "10", "100", str(steps)])
        ax.minorticks_off()
    left, right = axes
    left.set(ylim=(1e-6, 3), ylabel="root mean square of h", title=f"size, W_h × {scale:g}")
    left.set_yticks([1e-6, 1e-4, 1e-2, 1], ["10⁻⁶", "10⁻⁴", "10⁻²", "1"])
    right.set(ylim=(FLOOR, 10), ylabel="root mean square of h − h'", title="two starts apart")
    right.set_yticks([1e-16, 1e-12, 1e-8, 1e-4, 1], ["10⁻¹⁶", "10⁻¹²", "10⁻⁸", "10⁻⁴", "1"])
    left.legend(loc="lower left")


def describe_states(data: StateCurves, /, scale: float) -> tuple[str, Table]:
    ends = []
    for kind in KINDS:
        size, apart = data.end(kind, scale)
        left = "are still apart" if apart > 1e-3 else "have come together"
        ends.append(f"in the {kind} {data.cell} h has size {size:.1f} and two starts {left}")
    inputs = "inputs at every step" if data.inputs == "at every step" else "no inputs"
    steps = len(data.size[KINDS[0], scale])
    return f"W_h times {scale:g}, {inputs}, after {steps} steps: {', '.join(ends)}.", data.table()
