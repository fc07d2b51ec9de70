"""Pictures of chapter 06 over many seeds: one stack's gradient, its spread, and its weights'."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from normlab.models.stack import StackProfile
from normlab.norms import FloatArray
from normlab.pictures.style import GREY, ORANGE, PLACEMENT_COLORS, PLACEMENT_MARKERS, SKY
from normlab.probes import DepthSweep


def draw_gradients(data: Mapping[str, Sequence[StackProfile]], ax: Axes, /) -> None:
    """‖∂ℒ/∂x_s‖ by depth for each placement: the median seed, in a band of all seeds."""
    for name, profiles in data.items():
        logs = np.array([profile.log10_gradient for profile in profiles])  # (K, S + 1)
        color, marker = PLACEMENT_COLORS[name], PLACEMENT_MARKERS[name]
        middle = 10 ** np.median(logs, axis=0)  # (K, S + 1) -> (S + 1,)
        ax.fill_between(
            range(len(middle)), 10 ** logs.min(0), 10 ** logs.max(0), color=color, alpha=0.2, lw=0
        )
        ax.plot(middle, color=color, marker=marker, markevery=6, ms=5, label=name)
    ax.set(yscale="log", xlabel="sub-layers below, s", ylabel="‖∂ℒ/∂x_s‖")
    ax.set_yticks((0.1, 0.2, 0.5, 1, 2), ("0.1", "0.2", "0.5", "1", "2"))
    ax.minorticks_off()
    ax.legend()


def draw_spread(data: DepthSweep, axes: Sequence[Axes], /) -> None:
    """A histogram of the gradient at the input over seeds for each width, on a log axis."""
    for (name, measured), ax in zip(data.measured.items(), axes, strict=True):
        logs = np.log10(measured[:, -1])
        ax.hist(logs, bins=np.arange(-3, 2.51, 0.25).tolist(), color=SKY)
        median, root = np.median(measured[:, -1]), root_mean_square(measured[:, -1])
        ax.axvline(0, color=GREY, lw=1)
        ax.axvline(np.log10(median), color="black", label="median")
        ax.axvline(np.log10(root), color=ORANGE, ls="--", label="root mean square")
        ax.set_xticks((-3, -2, -1, 0, 1, 2), ("0.001", "0.01", "0.1", "1", "10", "100"))
        ax.set(xlabel="‖∂ℒ/∂x₀‖", ylabel="seeds", title=name)
    axes[1].legend(fontsize=8, loc="upper left")


def root_mean_square(numbers: FloatArray) -> float:
    """√(mean of the squares) of numbers (K,).

    >>> root_mean_square(np.array([1.0, 7.0]))
    5.0
    """
    return float(np.sqrt(np.square(numbers).mean()))  # (K,) -> ()


def draw_weight_gradients(
    data: Mapping[str, Sequence[StackProfile]], axes: Sequence[Axes], /
) -> None:
    """‖∂ℒ/∂W‖ of W_v and W_q by layer, over layer 1's; the geometric mean over seeds."""
    for weight, ax in zip(("W_v", "W_q"), axes, strict=True):
        for name, profiles in data.items():
            logs = np.array([profile.log10_weight_gradient[weight] for profile in profiles])
            means = (logs - logs[:, :1]).mean(0)  # (K, L) -> (L,)
            ax.plot(
                np.arange(1, len(means) + 1),
                10**means,
                color=PLACEMENT_COLORS[name],
                marker=PLACEMENT_MARKERS[name],
                markevery=8,
                ms=5,
                label=name,
            )
        ax.set(yscale="log", ylim=(1e-14, 100), xlabel="layer", title=weight)
        ax.set_ylabel("‖∂ℒ/∂W‖, over layer 1's")
    axes[1].legend(fontsize=8)
