"""Explorers of the backward pass, and of where tokens lie."""

from pathlib import Path

import numpy as np

from normlab.chapters.backward.figures import (
    describe_turned_upstream,
    draw_turned_upstream,
)
from normlab.chapters.backward.geometry import other_tokens
from normlab.chapters.backward.upstream import turned_upstream
from normlab.norms import layer_norm, rms_norm
from normlab.pictures import Choice, Explorer, GrabbedToken, Scene, Slider
from normlab.pictures.style import BLUE, GREY, NORM_COLORS, ORANGE, PINK, RED, SKY
from normlab.pictures.token.widget import TOKEN
from normlab.tools.table import Table

HERE = Path(__file__).parent
SPACE = tuple(HERE / f"token_{part}.js" for part in ("camera", "gradient", "space"))


def explore_upstream() -> Explorer:
    """Turn the upstream gradient, and see which part of it reaches the input."""
    scene = Scene(
        turned_upstream,
        draw_turned_upstream,
        describe_turned_upstream,
        columns=3,
        size=(8.4, 3.3),
    )
    return Explorer(
        "What passes back through a norm",
        scene,
        pages={
            "angle": Slider("direction of g", range(0, 181, 15), show="{}°".format, start=3),
            "scale": Choice("input scale a", (0.5, 1.0, 2.0), show="{:g}".format, start=1),
        },
        settings={
            "norm": Choice("norm", ("LayerNorm", "RMSNorm")),
            "eps": Choice("ε", (1e-5, 1.0), show="{:g}".format),
        },
        formula=[("g", GREY), " → ", ("dx = Jᵀ g", BLUE)],
    )


class TokenInSpace(GrabbedToken, view=SPACE):
    """A token of three features between the plane and the sphere, and its upstream gradient."""


def grab_token_in_space() -> GrabbedToken:
    """Turn a token of three features, fall with it onto the plane, and go to the sphere."""
    x = np.array(TOKEN[:3])
    free, related = other_tokens()
    named = {
        "x": x,
        "x − μ": x - x.mean(),
        "LayerNorm": layer_norm(x, eps=0),
        "RMSNorm": rms_norm(x, eps=0),
    }
    rows = [
        [name, *(f"{v:.3f}" for v in (*p, p.sum(), np.linalg.norm(p)))]  # (3,) -> ()
        for name, p in named.items()
    ]
    return TokenInSpace(
        "One token in space",
        {
            **{"eps": 0, "norm": "LayerNorm", "mode": "tokens", "others": "a·x + b·1", "step": 0},
            **{"turn": 35, "tilt": 20, "g": [1.5, -0.5, 0.5]},
            **{"free": free.tolist(), "related": related.tolist()},
        },
        {
            **{norm: NORM_COLORS[norm] for norm in ("LayerNorm", "RMSNorm")},
            **{"x": PINK, "centered": SKY, "random": GREY, "related": RED},
            **{"plane": SKY, "circle": ORANGE, "sphere": GREY},
            **{"upstream": "currentColor", "lost1": ORANGE, "lostX": RED, "dx": BLUE},
        },
        Table(("", "x1", "x2", "x3", "sum", "length"), rows),
    )
