"""The explorers of chapter 00: deep networks, and a token that is moved."""

from functools import cache

from normlab.chapters.start_here.figures import describe_moved_token, draw_moved_token
from normlab.chapters.start_here.moved_token import moved_token
from normlab.pictures import Choice, Explorer, Scene, Slider
from normlab.pictures.style import BLUE, GREY


def explore_deep_network() -> Explorer:
    """The activations of a deep network layer by layer, and how its training went."""
    # here, since these need torch, and the other explorer of this chapter does not
    from normlab.chapters.start_here.deep_figures import (
        Deep,
        describe_deep_network,
        draw_deep_network,
    )
    from normlab.chapters.start_here.deep_networks import LAYERS, NETWORKS, layer_sizes
    from normlab.chapters.start_here.deep_runs import RATES, load_deep_runs

    sizes, runs = cache(layer_sizes), load_deep_runs()

    def compute(learning_rate: float) -> Deep:
        return sizes(), {name: runs.of(name, learning_rate) for name in NETWORKS}

    return Explorer(
        f"{LAYERS} layers",
        Scene(compute, draw_deep_network, describe_deep_network, columns=2),
        pages={
            "layer": Slider("layer", range(0, LAYERS + 1, 2), start=LAYERS // 2),
            "network": Choice("network", tuple(NETWORKS)),
        },
        settings={"learning_rate": Choice("learning rate", RATES, start=1)},
    )


def explore_moved_token() -> Explorer:
    """Shift and stretch a token; its layer norm stands still."""
    scene = Scene(moved_token, draw_moved_token, describe_moved_token, columns=2)
    return Explorer(
        "Move the input",
        scene,
        pages={
            "offset": Slider("offset b", range(-12, 13, 2), start=6),
            "scale": Choice("scale a", (0.5, 1.0, 2.0), start=1),
        },
        settings={"features": Choice("features", (4, 8, 16), start=1)},
        formula=[("a·x + b", GREY), " → ", ("LayerNorm(a·x + b)", BLUE)],
    )
