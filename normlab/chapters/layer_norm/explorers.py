"""Explorers of chapter 01: the cube, a token on its way, and what companions change."""

from pathlib import Path

import numpy as np

from normlab.chapters.layer_norm.batch_dependence import companions
from normlab.chapters.layer_norm.figures import (
    describe_companions,
    draw_companions,
)
from normlab.chapters.layer_norm.sharing import (
    IMAGES,
    IMAGES_BY_POSITION,
    SHARING_NORMS,
    TEXT,
    Layout,
    Place,
    Sharing,
)
from normlab.chapters.layer_norm.sharing_figures import describe_sharing, draw_sharing
from normlab.chapters.layer_norm.trace import trace_layer_norm
from normlab.pictures import Choice, Explorer, GrabbedToken, Scene, Slider
from normlab.pictures.style import GREY, NORM_COLORS, ORANGE, PINK, RED, SKY
from normlab.pictures.token.widget import TOKEN

WALK: tuple[Place, ...] = (
    (0, 0, 0), (0, 0, 2), (0, 0, 5), (0, 2, 5), (0, 3, 5), (1, 3, 5), (2, 3, 5), (2, 3, 1),
)  # fmt: skip
"""One coordinate changes at a time, so that each step shows whether the group depends on it."""

GAIN = (1.0, 0.5, 2.0, 1.0, 1.5, 0.1, -1.0, 0.7)
SHIFT = (0.0, 1.0, -1.0, 0.5, 0.0, 2.0, 0.0, -0.5)
"""γ and β as they may be after training, a number for each feature."""

LAYOUTS = (TEXT, IMAGES, IMAGES_BY_POSITION)


def explore_sharing() -> Explorer:
    """Walk one number through the cube, and see which numbers share its statistics."""
    scene = Scene(Sharing, draw_sharing, describe_sharing, size=(5.4, 4.0))
    return Explorer(
        "Who shares a mean and a variance",
        scene,
        pages={
            "norm": Choice("norm", SHARING_NORMS, start=1),
            "place": Slider("example, position, feature", WALK, show=_show_place),
        },
        settings={"layout": Choice("layout", LAYOUTS, show=_show_layout)},
    )


def _show_place(place: Place) -> str:
    return "{},\N{NO-BREAK SPACE}{},\N{NO-BREAK SPACE}{}".format(*place)


def _show_layout(layout: Layout) -> str:
    return layout.name


def explore_companions() -> Explorer:
    """One example in batches of many sizes, among different companions."""
    scene = Scene(companions, draw_companions, describe_companions, columns=2)
    return Explorer(
        "The same example in other batches",
        scene,
        pages={
            "size": Slider("batch size", (1, 2, 3, 4, 8, 16, 32, 64), start=3),
            "chosen": Slider("companions", range(4), show=lambda i: f"set {i + 1}"),
        },
        settings={"shift": Choice("mean of the companions", (0.0, 1.0, 3.0))},
        formula=[
            ("(x − μ_batch)/σ_batch", NORM_COLORS["BatchNorm"]),
            "    ",
            ("(x − μ_token)/σ_token", NORM_COLORS["LayerNorm"]),
        ],
    )


class TracedToken(GrabbedToken, view=[Path(__file__).with_name("token_trace.js")]):
    """The token's way through layer norm, a row of bars for each step."""


def grab_token() -> GrabbedToken:
    """Drag the features of a token, and see each step of layer norm follow."""
    x = np.array(TOKEN[:4])
    return TracedToken(
        "One token through layer norm",
        {"gain": [1.0] * 8, "shift": [0.0] * 8, "learned": [list(GAIN), list(SHIFT)]},
        {
            **{"x": PINK, "centered": SKY, "mean": ORANGE, "gain": RED, "shift": GREY},
            "LayerNorm": NORM_COLORS["LayerNorm"],
        },
        trace_layer_norm(x, np.ones(4), np.zeros(4)).table(),
        formula=[
            *("y = ", ("γ", RED), " ⊙ (", ("x", PINK), " − ", ("μ", ORANGE)),
            *(") / √(", ("σ²", ORANGE), " + ε) + ", ("β", GREY)),
        ],
    )
