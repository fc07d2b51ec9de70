"""Explorers of chapter 05."""

from collections.abc import Mapping, Sequence

from normlab.chapters.residual_placement.figures import (
    describe_identity,
    describe_placement_growth,
    draw_identity,
    draw_placement_growth,
)
from normlab.chapters.residual_placement.stream import StreamGrowth, stream_growth
from normlab.chapters.residual_placement.streams import PlacementStreams
from normlab.models.initialization import INITIALIZATIONS
from normlab.models.placement.standard import PLACEMENTS
from normlab.models.transformer import NORMS
from normlab.pictures import Choice, Explorer, Scene, Slider

SCALES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0)


def explore_placements() -> Explorer:
    """Turn through the placements: diagram and growth of the stream over 24 layers."""
    return Explorer(
        "Twelve placements",
        Scene(
            PlacementStreams,
            draw_placement_growth,
            describe_placement_growth,
            columns=2,
            size=(8.0, 5.2),
            rest=PlacementStreams.measure,
        ),
        pages={"placement": Slider("placement", list(PLACEMENTS), start=1)},
        settings={
            "norm": Choice("norm", list(NORMS)),
            "init": Choice("initialization", list(INITIALIZATIONS)),
        },
    )


def explore_identity() -> Explorer:
    """Scale the weights: when is a block nearly the identity?"""
    return Explorer(
        "How far from the identity?",
        Scene(_changes, draw_identity, describe_identity, size=(5.2, 3.6)),
        pages={"scale": Slider("weights ×", SCALES, start=SCALES.index(1.0))},
        settings={"init": Choice("initialization", ["xavier", "gpt2", "gpt2-scaled"])},
    )


def _changes(init: str) -> Mapping[float, Sequence[StreamGrowth]]:
    placements = ("post-norm", "pre-norm", "deepnorm", "layerscale")
    return {
        scale: [
            stream_growth(placement, init=init, init_scale=scale, d_model=64, seed=0)
            for placement in placements
        ]
        for scale in SCALES
    }
