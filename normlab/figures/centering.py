"""Pictures of what centering takes away."""

import numpy as np
from matplotlib.axes import Axes

from normlab.centering import MeanShares, OffsetToken
from normlab.pictures.style import NORM_COLORS, NORM_MARKERS, ORANGE
from normlab.tools.table import Table

GREATEST_OFFSET = 5.0
"""The slider's range, in standard deviations to either side."""


def draw_offset_token(data: OffsetToken, axes: tuple[Axes, Axes], /, offset: float) -> None:
    """Left both outputs feature by feature, right the angle between them against the mean."""
    left, right = axes
    layer, rms = data.layer_norm(offset), data.rms_norm(offset)
    places = np.arange(len(data.x))
    for name, values, size in (("LayerNorm", layer, 9), ("RMSNorm", rms, 5)):
        left.plot(
            places, values, NORM_MARKERS[name], color=NORM_COLORS[name], markersize=size,
            label=name,
        )  # fmt: skip
    left.vlines(places, layer, rms, color="#BBBBBB", linewidth=1, zorder=1)
    left.axhline(0, color="black", linewidth=0.8)
    left.set(title="outputs", xlabel="feature", ylabel="output", ylim=(-4.2, 4.2))
    left.set_xticks(places[:: max(1, len(places) // 8)])
    left.legend(loc="lower left", ncols=2)
    offsets = np.linspace(-GREATEST_OFFSET, GREATEST_OFFSET, 81)
    right.plot(offsets, [data.angle(m) for m in offsets], color="black")
    right.plot([offset], [data.angle(offset)], "D", color=ORANGE, markersize=9)
    right.set(title="angle between the outputs", xlabel="mean / standard deviation")
    right.set(ylabel="degrees", ylim=(-4, 92), yticks=(0, 15, 30, 45, 60, 75, 90))


def describe_offset_token(data: OffsetToken, /, offset: float) -> tuple[str, Table]:
    layer, rms = data.layer_norm(offset), data.rms_norm(offset)
    angle = data.angle(offset)
    rms_mean, layer_mean = round(float(rms.mean()), 2) + 0.0, abs(layer.mean())  # no "-0.00"
    sentence = (
        f"With a mean of {offset:g} standard deviations, the outputs of LayerNorm and RMSNorm "
        f"are {angle:.1f}° apart (cosine {np.cos(np.radians(angle)):.3f}); the output of RMSNorm "
        f"has mean {rms_mean:.2f}, that of LayerNorm has mean {layer_mean:.2f}."
    )
    rows = [[i, f"{a:.3f}", f"{b:.3f}"] for i, (a, b) in enumerate(zip(layer, rms, strict=True))]
    return sentence, Table(("feature", "LayerNorm", "RMSNorm"), rows)


def draw_mean_shares(data: MeanShares, ax: Axes, /) -> None:
    """The mean share against the width, on two log axes, with 1/D and 1/π beside it."""
    for (name, values), marker in zip(data.shares.items(), ("o", "s"), strict=True):
        color = NORM_COLORS["LayerNorm"] if marker == "o" else ORANGE
        ax.loglog(data.widths, values, marker, color=color, label=name)
    widths = np.array(data.widths)
    ax.loglog(widths, 1 / widths, color="black", linewidth=1, label="1/D")
    ax.axhline(1 / np.pi, color="black", linewidth=1, linestyle="--", label="1/π")
    ax.set(xlabel="features D", ylabel="mean² / mean(x²)", ylim=(1e-4, 1))
    ax.set_title("what centering removes of a random vector")
    ax.set_xscale("log", base=4)
    ax.set_xticks(data.widths, [str(width) for width in data.widths])
    ax.minorticks_off()
    ax.legend(ncols=2, loc="lower left")
