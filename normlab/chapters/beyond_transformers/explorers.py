"""Explorer of over-smoothing in graph networks."""

from normlab.chapters.beyond_transformers.figures import (
    describe_smoothing,
    describe_states,
    draw_smoothing,
    draw_states,
)
from normlab.chapters.beyond_transformers.oversmoothing import smoothing
from normlab.chapters.beyond_transformers.recurrence import SCALES, state_curves
from normlab.models.graph_network import GRAPH_NORMS
from normlab.pictures import Choice, Explorer, Scene, Slider

DEPTHS = (0, 1, 2, 4, 6, 8, 12, 16, 32, 64)


def explore_smoothing() -> Explorer:
    """Make an untrained graph network deeper, and watch the nodes run together."""
    return Explorer(
        "Nodes of a graph, by depth",
        Scene(smoothing, draw_smoothing, describe_smoothing, columns=2, size=(9.0, 3.8)),
        pages={
            "layers": Slider("layers", DEPTHS, start=2),
            "norm": Choice("norm", list(GRAPH_NORMS)),
        },
    )


def explore_states() -> Explorer:
    """Scale the recurrent weights, and follow the hidden state of both cells over 500 steps."""
    return Explorer(
        "Hidden state over 500 steps",
        Scene(state_curves, draw_states, describe_states, columns=2, size=(9.0, 3.6)),
        pages={"scale": Slider("W_h ×", SCALES, show="{:g}".format, start=1)},
        settings={
            "cell": Choice("cell", ("RNN", "LSTM")),
            "inputs": Choice("inputs", ("none", "at every step")),
        },
    )
