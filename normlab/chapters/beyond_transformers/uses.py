"""Chapter 09's pictures with a learner's LSTM cell, and with his layer norm for graphs."""

from collections.abc import Callable

from normlab.chapters.beyond_transformers.figures import (
    describe_own_cell,
    describe_own_graph_norm,
    draw_own_cell,
    draw_own_graph_norm,
)
from normlab.chapters.beyond_transformers.oversmoothing import DEPTH, Smoothing, smoothing
from normlab.chapters.beyond_transformers.recurrent_runs import grid_with
from normlab.norms import FloatArray
from normlab.pictures import Use


def nodes_with(graph_layer_norm: Callable[..., FloatArray], depth: int = DEPTH) -> Smoothing:
    """The nodes after each layer; those of both modes by this function."""
    return smoothing(depth=depth, graph_layer_norm=graph_layer_norm)


USES: dict[tuple[str, ...], Use] = {
    ("LayerNormLSTMCell",): Use(
        grid_with,
        draw_own_cell,
        describe_own_cell,
    ),
    ("graph_layer_norm",): Use(
        nodes_with,
        draw_own_graph_norm,
        describe_own_graph_norm,
        columns=2,
        size=(9.0, 3.8),
    ),
}
