"""The explorer of chapter 00: a token that is moved, and its layer norm that stands still."""

from normlab.chapters.start_here.figures import describe_moved_token, draw_moved_token
from normlab.chapters.start_here.moved_token import moved_token
from normlab.pictures import Choice, Explorer, Scene, Slider
from normlab.pictures.style import BLUE, GREY


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
