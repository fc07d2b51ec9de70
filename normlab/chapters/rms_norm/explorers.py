"""Explorers of what centering takes away."""

import numpy as np

from normlab.chapters.rms_norm.centering import offset_token
from normlab.chapters.rms_norm.figures import (
    GREATEST_OFFSET,
    describe_cell,
    describe_offset_token,
    draw_cell,
    draw_offset_token,
)
from normlab.chapters.rms_norm.invariance import CHANGES, INVARIANCE_NORMS, invariance_table
from normlab.pictures import Choice, Explorer, Scene, Slider
from normlab.pictures.style import NORM_COLORS


def explore_offset_token() -> Explorer:
    """Move the mean of a token; layer norm stands still and RMSNorm turns away from it."""
    offsets = [float(m) for m in np.arange(-GREATEST_OFFSET, GREATEST_OFFSET + 0.25, 0.5)]
    scene = Scene(offset_token, draw_offset_token, describe_offset_token, columns=2)
    return Explorer(
        "LayerNorm against RMSNorm as the mean grows",
        scene,
        pages={
            "offset": Slider("mean / std", offsets, show="{:g}".format, start=offsets.index(0.0))
        },
        settings={"features": Choice("features D", (8, 16, 32), start=1)},
        formula=[("(x − μ)/σ", NORM_COLORS["LayerNorm"]), "    ", ("x/r", NORM_COLORS["RMSNorm"])],
    )


def explore_invariance() -> Explorer:
    """Choose a norm and a change; what is invariant stays on the diagonal."""
    norms, changes = list(INVARIANCE_NORMS), list(CHANGES)
    return Explorer(
        "What leaves norm(Wx) as it was",
        Scene(invariance_table, draw_cell, describe_cell, columns=2),
        pages={
            "norm": Choice("norm", norms, start=norms.index("RMSNorm")),
            "change": Choice("change", changes, start=changes.index("weight matrix re-centering")),
        },
    )
