"""Pictures of signal and gradient by depth, measured beside theory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from normlab.chapters.gradient_flow.flows import DepthFlow, StackFlows, placement_name
from normlab.models.stack import StackSetting, power_of_ten
from normlab.norms import FloatArray
from normlab.pictures.end_names import apart
from normlab.pictures.style import BAND, INK, PLACEMENT_COLORS, PLACEMENT_MARKERS
from normlab.probes import draw_sweep
from normlab.tools.table import Table

if TYPE_CHECKING:  # what needs torch is loaded by who makes it
    from normlab.chapters.gradient_flow.own_gradients import OwnGradients

Scale = tuple[float, float, range]

POINTS = 100
NAMES_END = 12_000  # where the names end that stand beside lines of a thousand sub-layers
SIGNAL, GRADIENT = (0.3, 1e4, range(5)), (3e-5, 300, range(-4, 3))
GRADIENT_OF_LARGE_WEIGHTS = (1e-8, 30, range(-8, 2, 2))
WITHOUT_NORMS = ((1e-2, 1e80, range(0, 81, 20)), (1e-9, 1e40, range(0, 41, 10)))
"""Lower and upper limit of an axis, and the exponents of its ticks; they serve every depth."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_flow(data: StackFlows, axes: tuple[Axes, Axes], /, depth: int) -> None:
    """Left ‖x_s‖²/D, right ‖∂ℒ/∂x_s‖; shaded lies between theory's two ends."""
    flows, (left, right) = data.at(depth), axes
    for ax, scale in zip(axes, _scales(data.settings), strict=True):
        _set_axes(ax, *scale)
    left.set(ylabel="‖x_s‖²/D", title=f"signal, S = {in_layers(depth)}")
    right.set(ylabel="‖∂ℒ/∂x_s‖", title=f"gradient, S = {in_layers(depth)}")
    signals, gradients = {}, {}
    for placement, flow in flows.items():
        profile, theory = flow.profile, flow.theory
        curves = (profile.mean_square, theory.unlike.mean_square, theory.alike.mean_square)
        signals[placement] = _draw_curves(left, placement, *curves)
        logs = (profile.log10_gradient, theory.unlike.log10_gradient, theory.alike.log10_gradient)
        if profile.overflow is None:
            gradients[placement] = _draw_curves(right, placement, *map(_power, logs))
        else:
            text = f"{placement_name(placement)}: x_{profile.overflow} overflows, no gradient"
            right.text(
                0.02, 0.94, text, color=PLACEMENT_COLORS[placement], transform=right.transAxes
            )
    _name_ends(left, signals, depth)
    _name_ends(right, gradients, depth)
    _draw_key(left)


def _power(log10: FloatArray) -> FloatArray:
    power: FloatArray = 10.0 ** np.clip(log10, -290, 290)
    return power


def _scales(settings: Sequence[StackSetting]) -> tuple[Scale, Scale]:
    if any(setting.placement == "none" for setting in settings):
        return WITHOUT_NORMS
    return SIGNAL, GRADIENT_OF_LARGE_WEIGHTS if settings[0].init_scale > 1 else GRADIENT


def _set_axes(ax: Axes, lowest: float, highest: float, exponents: range) -> None:
    # Labels without $: matplotlib takes 10 ms for each formula.
    labels = [f"10{str(e).translate(SUPERSCRIPTS)}" for e in exponents]
    ax.set(yscale="log", xlim=(-0.1, NAMES_END), xlabel="sub-layers below, s (a layer has two)")
    ax.set_xscale("symlog", linthresh=1, linscale=0.4)
    ax.set_xticks([0, 1, 10, 100, 1000], ["0", "1", "10", "100", "1,000"])
    ax.set_yticks([10.0**e for e in exponents], labels)
    ax.set_ylim(lowest, highest)
    ax.minorticks_off()


def _draw_curves(
    ax: Axes, placement: str, measured: FloatArray, unlike: FloatArray, alike: FloatArray
) -> float:
    """Measured with markers, theory as a band between its ends; return where measured ends."""
    depth = len(measured) - 1
    shown = np.unique(np.geomspace(1, depth + 1, POINTS).round().astype(int)) - 1  # s = 0 … S
    measured, unlike, alike = (np.clip(c[shown], 1e-290, 1e290) for c in (measured, unlike, alike))
    color, name = PLACEMENT_COLORS[placement], placement_name(placement)
    ax.fill_between(shown, unlike, alike, color=color, alpha=BAND, lw=0)
    ax.plot(shown, unlike, "--", color=color, lw=0.9, label=f"{name}, theory, tokens unlike")
    ax.plot(shown, alike, ":", color=color, lw=1.3, label=f"{name}, theory, tokens alike")
    marks = [0, *range(12, len(shown) - 6, 12), len(shown) - 1]
    marker = PLACEMENT_MARKERS[placement]
    ax.plot(shown, measured, marker=marker, markevery=marks, ms=4.5, color=color, label=name)
    return float(measured[-1])


def _name_ends(ax: Axes, ends: Mapping[str, float], depth: int) -> None:
    """The name of each placement beside the end of its line."""
    for placement, height in apart(ends, *ax.get_ylim()).items():
        name, color = placement_name(placement), PLACEMENT_COLORS[placement]
        ax.text(1.25 * depth, height, name, color=color, weight="bold", size=9.5, va="center")


def _draw_key(ax: Axes) -> None:
    """A legend of the three kinds of lines, in a tenth of the time of matplotlib's own."""
    kinds = {"measured": "-", "theory, tokens unlike": "--", "theory, tokens alike": ":"}
    for row, (kind, dashes) in enumerate(kinds.items()):
        y = 0.94 - 0.075 * row
        ax.plot([0.03, 0.11], [y, y], dashes, color=INK, lw=1.3, transform=ax.transAxes)
        ax.text(0.13, y, kind, size=9.5, va="center", color=INK, transform=ax.transAxes)


def in_layers(sub_layers: int) -> str:
    """A number of sub-layers, and of layers.

    >>> in_layers(1000), in_layers(3), in_layers(1)
    ('1,000 (500 layers)', '3 (1½ layers)', '1 (½ layer)')
    """
    whole, half = divmod(sub_layers, 2)
    layers = f"{whole:,}" * (whole > 0) + "½" * half
    return f"{sub_layers:,} ({layers} layer{'s' * (sub_layers > 2)})"


def draw_own_gradients(data: "OwnGradients", axes: tuple[Axes, Axes], /) -> None:
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


def describe_own_gradients(data: "OwnGradients", /) -> str:
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
    flows = data.at(depth)
    told = " ".join(_sentence(placement_name(name), flow) for name, flow in flows.items())
    count, layers = in_layers(depth).split(" ", 1)
    stack = f"S = {count} sub-layer{'s' * (depth > 1)} {layers}"
    return f"{stack}. {told}", data.table(depth)


def _sentence(name: str, flow: DepthFlow) -> str:
    profile, theory = flow.profile, flow.theory
    signal = np.log10(profile.mean_square)
    start = (
        f"{name[0].upper()}{name[1:]}: the mean square of the stream goes from {_short(signal[0])}"
    )
    if profile.overflow is not None:
        end = f"x_{profile.overflow} is not finite in float32, so there is no gradient."
        return f"{start} on; {end}"
    at_output = [theory.unlike.mean_square[-1], theory.alike.mean_square[-1]]
    at_input = [theory.unlike.log10_gradient[0], theory.alike.log10_gradient[0]]
    gradient = profile.log10_gradient
    return (
        f"{start} to {_short(signal[-1])}, in theory {_between(np.log10(at_output))}; "
        f"the gradient is {_short(gradient[-1])} at the output and {_short(gradient[0])} at the "
        f"input, in theory {_between(at_input)}."
    )


def _between(log10s: ArrayLike) -> str:
    """The least and the greatest of some powers of ten, as far as two digits tell them apart."""
    least, *_, greatest = (_short(log) for log in np.sort(log10s))
    return least if least == greatest else f"{least} to {greatest}"


def _short(log10: float) -> str:
    """10^log10 in two digits where it is a float64: 690, 0.039, 4.3e+21."""
    return f"{float(f'{10**log10:.2g}'):g}" if abs(log10) < 300 else power_of_ten(log10)
