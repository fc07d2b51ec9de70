"""Explorer of over-smoothing in graph networks."""

from normlab.figures.graph import describe_smoothing, draw_smoothing
from normlab.models.graph_network import GRAPH_NORMS
from normlab.pictures import Choice, Explorer, Scene, Slider
from normlab.smoothing import smoothing

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
