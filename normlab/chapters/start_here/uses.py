"""Chapter 00's deep network with a learner's layer norm in it."""

from normlab.chapters.start_here.deep_figures import describe_own_norm, draw_own_norm
from normlab.chapters.start_here.deep_networks import (
    LAYERS,
    NO_NORM,
    NORM,
    LayerSizes,
    RowNorm,
    layer_sizes,
)
from normlab.pictures import Use


def sizes_with(layer_norm: RowNorm, layers: int = LAYERS) -> LayerSizes:
    """The activations without a norm, and with this one in place of every layer norm."""
    return layer_sizes(layers, networks=(NO_NORM, NORM), layer_norm=layer_norm)


USES = {
    ("layer_norm",): Use(
        sizes_with,
        draw_own_norm,
        describe_own_norm,
        columns=2,
        size=(8.0, 3.4),
    )
}
