"""Pictures of signal and gradient by depth, measured beside theory."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from normlab.chapters.gradient_flow.flows import StackFlows
from normlab.chapters.gradient_flow.own_gradients import OwnGradients
from normlab.models.stack import StackProfile, power_of_ten
from normlab.norms import FloatArray
from normlab.pictures.style import BLUE, PLACEMENT_COLORS, PLACEMENT_MARKERS
from normlab.probes import draw_sweep
from normlab.tools.table import Table

POINTS = 100
WITH_NORMS = ((0.3, range(5)), (3e-5, range(-4, 2)))
WITHOUT_NORMS = ((1e-2, range(0, 81, 20)), (1e-4, range(0, 41, 10)))
"""The lower limit of the signal's and of the gradient's axis, and the exponents of their ticks."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_flow(data: StackFlows, axes: tuple[Axes, Axes], /, depth: int) -> None:
    """Left ‖x_s‖²/D, right ‖∂ℒ/∂x_s‖; grey lies between theory's two ends."""
    flow = data.at(depth)
    profile, theory = flow.profile, flow.theory
    signal = [profile.mean_square, theory.unlike.mean_square, theory.alike.mean_square]
    logs = [profile.log10_gradient, theory.unlike.log10_gradient, theory.alike.log10_gradient]
    gradient = [10 ** np.clip(log, -290, 290) for log in logs]
    scales = WITHOUT_NORMS if data.setting.placement == "none" else WITH_NORMS
    for ax, curves, (lowest, exponents) in zip(axes, (signal, gradient), scales, strict=True):
        _draw_curves(ax, depth, *curves)
        # Labels without $: matplotlib takes 10 ms for each formula.
        labels = [f"10{str(e).translate(SUPERSCRIPTS)}" for e in exponents]
        ax.set(yscale="log", xlim=(-0.1, 1300), xlabel="sub-layers below, s")
        ax.set_yticks([10.0**e for e in exponents], labels)
        ax.set_ylim(lowest, 10.0 ** exponents[-1])
        ax.minorticks_off()
    left, right = axes
    left.set(ylabel="‖x_s‖²/D", title=f"signal, S = {depth:,}")
    right.set(ylabel="‖∂ℒ/∂x_s‖", title=f"gradient, S = {depth:,}")
    left.legend(loc="upper left")
    if profile.overflow is not None:
        right.text(0.3, 0.6, f"no gradient: x_{profile.overflow} overflows", va="bottom")


def _draw_curves(
    ax: Axes, depth: int, measured: FloatArray, unlike: FloatArray, alike: FloatArray
) -> None:
    shown = np.unique(np.geomspace(1, depth + 1, POINTS).round().astype(int)) - 1  # s = 0 … S
    unlike, alike = (np.clip(end[shown], 1e-290, 1e290) for end in (unlike, alike))
    ax.fill_between(shown, unlike, alike, color="#DDDDDD", lw=0)
    ax.plot(shown, unlike, "--", color="black", lw=1, label="theory, tokens unlike")
    ax.plot(shown, alike, ":", color="black", lw=1.4, label="theory, tokens alike")
    ax.plot(shown, measured[shown], color=BLUE, label="measured")
    ax.plot([0, depth], measured[[0, -1]], "o", color=BLUE, ms=5)
    ax.set_xscale("symlog", linthresh=1, linscale=0.4)
    ax.set_xticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1,000"])


def draw_own_gradients(data: OwnGradients, axes: tuple[Axes, Axes], /) -> None:
    """Left the gradient by layer in one model, right at the last layer by depth, with slopes."""
    left, right = axes
    for name, values in data.by_layer.items():
        color, marker = PLACEMENT_COLORS[name], PLACEMENT_MARKERS[name]
        left.plot(values, color=color, marker=marker, ms=4, label=name)
    layers = len(data.by_layer["pre-norm"]) - 1
    left.set(yscale="log", ylim=(0.05, 3), xlabel="layers below, l", ylabel="‖∂ℒ/∂x_l‖")
    left.set(title=f"{layers} layers", xticks=range(0, layers + 1, 3))
    depths = np.array(data.by_depth.depths)
    draw_sweep(data.by_depth, right, {"pre-norm": (1 + 3 * (depths - 1) / 2) ** -0.5}, "‖∂ℒ/∂x‖")
    right.set(ylim=left.get_ylim(), title="at the input of the last layer")
    left.legend(loc="lower left", fontsize="small")


def describe_own_gradients(data: OwnGradients, /) -> str:
    ends = [
        f"{name} {values[0]:.2f} and {values[-2]:.2f}" for name, values in data.by_layer.items()
    ]
    slopes = [f"{name} {data.by_depth.slope(name) + 0.0:.2f}" for name in data.by_layer]
    return (
        "The gradient at the input and at the last layer of 12, by your layer_gradient_norms: "
        f"{', '.join(ends)}. The slopes of the last layer's by depth, by your loglog_slope: "
        f"{', '.join(slopes)}; theory says 0, −½ and 0. Chapter 06, section 5, measures the "
        "weights of that layer."
    )


def describe_flow(data: StackFlows, /, depth: int) -> tuple[str, Table]:
    flow = data.at(depth)
    profile, theory = flow.profile, flow.theory
    signal = np.log10(profile.mean_square)
    start = (
        f"{data.setting.placement}, S = {depth:,}: the mean square of the stream goes from "
        f"{_short(signal[0])}"
    )
    if profile.overflow is not None:
        end = f"x_{profile.overflow} is not finite in float32, so there is no gradient."
        return f"{start} on; {end}", _table(profile)
    at_output = [theory.unlike.mean_square[-1], theory.alike.mean_square[-1]]
    at_input = [theory.unlike.log10_gradient[0], theory.alike.log10_gradient[0]]
    gradient = profile.log10_gradient
    sentence = (
        f"{start} to {_short(signal[-1])}, in theory {_between(np.log10(at_output))}; "
        f"the gradient is {_short(gradient[-1])} at the output and {_short(gradient[0])} at the "
        f"input, in theory {_between(at_input)}."
    )
    return sentence, _table(profile)


def _table(profile: StackProfile) -> Table:
    """Nine depths of it, in the letters of the course."""
    columns = ("s", "sub-layer", "‖x_s‖²/D", "‖∂ℒ/∂x_s‖", "‖∂ℒ/∂W‖")
    return Table(columns, profile.table(9).rows)


def _between(log10s: ArrayLike) -> str:
    """The least and the greatest of some powers of ten, as far as two digits tell them apart."""
    least, *_, greatest = (_short(log) for log in np.sort(log10s))
    return least if least == greatest else f"{least} to {greatest}"


def _short(log10: float) -> str:
    """10^log10 in two digits where it is a float64: 690, 0.039, 4.3e+21."""
    return f"{float(f'{10**log10:.2g}'):g}" if abs(log10) < 300 else power_of_ten(log10)
