"""Explorers of what centering takes away."""

import numpy as np

from normlab.centering import offset_token
from normlab.figures.centering import GREATEST_OFFSET, describe_offset_token, draw_offset_token
from normlab.pictures import Choice, Explorer, Scene, Slider


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
    )
