"""Pictures of chapter 11: logits, streams and responses to scale."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from normlab.newer_placements import ScaleResponse, divided_growth
from normlab.pictures.style import BLUE, GREEN, GREY, ORANGE, PINK, RED
from normlab.qk_norm import LogitSizes
from normlab.residual import StreamGrowth


def draw_logit_sizes(data: LogitSizes, axes: tuple[Axes, Axes], /) -> None:
    """Left the largest logit, right the entropy of attention, by the scale of the weights."""
    looks = zip(data.largest, (RED, GREEN), "s^", strict=True)
    left, right = axes
    for name, color, marker in looks:
        left.plot(data.scales, data.largest[name], color=color, marker=marker, label=name)
        right.plot(data.scales, data.entropy[name], color=color, marker=marker, label=name)
    left.axhline(data.bound, color="black", ls="--", label="√d_h")
    left.set(xscale="log", yscale="log", xlabel="weights ×", title="largest |logit|")
    right.set(xscale="log", xlabel="weights ×", ylim=(0, 1.05))
    right.set_title("entropy of attention, 1 is uniform")
    left.legend()


def draw_streams(
    peri: StreamGrowth, pre_norm: StreamGrowth, scaled: StreamGrowth, ax: Axes, /
) -> None:
    """Three streams by layer, and what is expected of two of them from simple counting."""
    layers = np.arange(len(peri.mean_square))
    ax.plot(peri.mean_square, color=ORANGE, marker="D", ms=4, label="peri-norm")
    ax.plot(1 + 2 * layers, color="black", ls="--", label="1 + 2l")
    ax.plot(pre_norm.mean_square, color=BLUE, marker="o", ms=4, label="pre-norm")
    ax.plot(scaled.mean_square, color=PINK, marker="v", ms=4, label="LayerNorm Scaling")
    ax.plot(divided_growth(pre_norm), color=GREY, ls=":", label="pre-norm's additions, each over ℓ")
    ax.set(yscale="log", xlabel="layer l", ylabel="‖x_l‖²/d", title="mean square of the stream")
    ax.set_yticks((1, 2, 5, 10, 20, 50), ("1", "2", "5", "10", "20", "50"))
    ax.minorticks_off()
    ax.legend(fontsize=8, loc="lower right", ncols=2)


def draw_scale_response(data: ScaleResponse, ax: Axes, /) -> None:
    """The size of the output against the scale of the input."""
    looks: Sequence[tuple[str, str, str]] = ((BLUE, "o", "-"), (GREEN, "^", "--"), (RED, "s", ":"))
    for (name, size), (color, marker, dash) in zip(data.size.items(), looks, strict=False):
        ax.plot(data.scales, size, dash, color=color, marker=marker, ms=5, label=name)
    ax.set(xscale="log", yscale="log", xlabel="input ×", ylabel="root mean square of the output")
    ax.legend()
