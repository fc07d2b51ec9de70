"""Explorers of the forward pass."""

from normlab.figures.forward import (
    describe_moved_token,
    describe_traced_token,
    draw_moved_token,
    draw_traced_token,
)
from normlab.forward import moved_token, traced_tokens
from normlab.pictures import Choice, Explorer, Scene, Slider


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
    )


def explore_traced_token() -> Explorer:
    """Page through the steps of layer norm, for tokens that have something to tell."""
    traces = traced_tokens().traces
    steps = list(traces["x"].steps())
    scene = Scene(traced_tokens, draw_traced_token, describe_traced_token)
    return Explorer(
        "Layer norm, step by step",
        scene,
        pages={
            "token": Choice("token", list(traces)),
            "step": Slider("step", range(len(steps)), show=steps.__getitem__),
        },
        settings={"learned": Choice("γ and β", (True, False), show=_show_learned)},
    )


def _show_learned(learned: bool) -> str:
    return "learned" if learned else "as at the start: γ = 1, β = 0"
