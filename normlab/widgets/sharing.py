"""The explorer of what each norm shares its statistics over."""

from normlab.figures.sharing import describe_sharing, draw_sharing
from normlab.pictures import Choice, Explorer, Scene, Slider
from normlab.sharing import IMAGES, SHARING_NORMS, TEXT, Layout, Place, Sharing

WALK: tuple[Place, ...] = (
    (0, 0, 0), (0, 0, 2), (0, 0, 5), (0, 2, 5), (0, 3, 5), (1, 3, 5), (2, 3, 5), (2, 3, 1),
)  # fmt: skip
"""One coordinate changes at a time, so that each step shows whether the group depends on it."""


def explore_sharing() -> Explorer:
    """Walk one number through the cube, and see which numbers share its statistics."""
    scene = Scene(Sharing, draw_sharing, describe_sharing, size=(7.0, 4.6))
    return Explorer(
        "Who shares a mean and a variance",
        scene,
        pages={
            "norm": Choice("norm", SHARING_NORMS, start=1),
            "place": Slider("group of the number at", WALK, show=_show_place),
        },
        settings={"layout": Choice("layout", (TEXT, IMAGES), show=_show_layout)},
    )


def _show_place(place: Place) -> str:
    return "example {}, position {}, feature {}".format(*place)


def _show_layout(layout: Layout) -> str:
    return layout.name
