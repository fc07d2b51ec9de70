"""How large an untrained branch is beside its shortcut, by the deviation of the weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from normlab.models.transformer import Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.pictures.style import BLUE, GREEN, GREY, ORANGE
from normlab.probes import profile_depth
from normlab.tools.table import Table

LOOKS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))
NEAR_ZERO = 0.1
"""A branch of less than a tenth of its shortcut is called near zero here."""


@dataclass(frozen=True)
class BranchSizes:
    """Untrained post-norm encoders with one initialization, by width (W,).

    Attributes:
        init: a name in `normlab.models.INITIALIZATIONS`.
        widths: d (W,).
        deviation: σ√d of the FFN's first matrix (W,), which is what it multiplies a normed
            vector's length by.
        feed_forward, attention: ‖branch‖ / ‖shortcut‖, the mean over layers (W,).
    """

    init: str
    widths: Sequence[int]
    deviation: FloatArray
    feed_forward: FloatArray
    attention: FloatArray


def branch_sizes(
    init: str, widths: Sequence[int] = (32, 128, 384, 768), layers: int = 2, seed: int = 0
) -> BranchSizes:
    """Run one untrained post-norm encoder for each width, with d_ff = 4d.

    Example:
        >>> small = branch_sizes("gpt2", widths=[32])
        >>> bool(small.feed_forward[0] < 0.1)
        True
    """
    rows = []
    for width in widths:
        config = TransformerConfig(
            encoder_layers=layers, placement="post-norm", d_model=width, d_ff=4 * width, init=init
        )
        inner = Transformer(config, seed).encoder.blocks[0].feed_forward.inner.weight
        ratio = profile_depth(config, seed, sequences=2).branch_ratio  # (2L,), attention first
        deviation = float(inner.detach().std()) * math.sqrt(width)
        rows.append((deviation, ratio[1::2].mean(), ratio[::2].mean()))  # (L,) -> () each
    deviations, feed_forward, attention = map(np.array, zip(*rows, strict=True))  # (W, 3) -> (W,)
    return BranchSizes(init, widths, deviations, feed_forward, attention)


def compare_branch_sizes(studies: Sequence[BranchSizes]) -> Table:
    """One row per initialization and width."""
    rows = [
        [s.init, width, f"{x:.2g}", f"{ffn:.2g}", f"{attention:.2g}"]
        for s in studies
        for width, x, ffn, attention in zip(
            s.widths, s.deviation, s.feed_forward, s.attention, strict=True
        )
    ]
    return Table(("initial weights", "d", "σ√d", "FFN / shortcut", "attention / shortcut"), rows)


def draw_branch_sizes(studies: Sequence[BranchSizes], ax: Axes, /) -> None:
    """The FFN's branch over its shortcut by σ√d, a mark for each width."""
    for study, (color, marker) in zip(studies, LOOKS, strict=False):
        ax.loglog(study.deviation, study.feed_forward, marker, color=color, label=study.init)
        for width, x, y in zip(study.widths, study.deviation, study.feed_forward, strict=True):
            if study.init == "gpt2":
                ax.annotate(f"d = {width}", (x, y), (7, -4), textcoords="offset points", fontsize=9)
    ax.axhspan(1e-3, NEAR_ZERO, color=GREY, alpha=0.2, lw=0)
    ax.text(0.98, 0.04, "near zero", transform=ax.transAxes, ha="right", fontsize=9)
    ax.set(
        xlabel="σ√d of the weights", ylabel="FFN's branch / shortcut", ylim=(8e-3, 1.5),
        title="an untrained post-norm layer",
    )  # fmt: skip
    ax.legend(title="weights")
