"""Explorers of what centering takes away."""

from pathlib import Path

import numpy as np

from normlab.chapters.rms_norm.figures import (
    describe_cell,
    draw_cell,
)
from normlab.chapters.rms_norm.invariance import CHANGES, INVARIANCE_NORMS, invariance_table
from normlab.norms import layer_norm, rms_norm
from normlab.pictures import Choice, Explorer, GrabbedToken, Scene
from normlab.pictures.style import NORM_COLORS, ORANGE, PINK
from normlab.pictures.token.widget import TOKEN
from normlab.tools.table import Table


def explore_invariance() -> Explorer:
    """Choose a norm and a change; what is invariant stays on the diagonal."""
    norms, changes = list(INVARIANCE_NORMS), list(CHANGES)
    return Explorer(
        "What leaves norm(Wx) as it was",
        Scene(invariance_table, draw_cell, describe_cell, columns=2),
        pages={
            "norm": Choice("norm", norms, start=norms.index("RMSNorm")),
            "change": Choice("change", changes, start=changes.index("weight matrix re-centering")),
        },
    )


class TokenOfTwoNorms(GrabbedToken, view=[Path(__file__).with_name("token_angle.js")]):
    """A token, the outputs of layer norm and RMSNorm for it, and the angle between these."""


def grab_token_of_two_norms() -> GrabbedToken:
    """Drag a token or its mean, and see layer norm's output beside RMSNorm's, and their angle."""
    x = np.array(TOKEN[:4])
    named = {"x": x, "LayerNorm": layer_norm(x, eps=0), "RMSNorm": rms_norm(x, eps=0)}
    rows = [[name, *(f"{v:.3f}" for v in values)] for name, values in named.items()]
    return TokenOfTwoNorms(
        "One token, two norms",
        {"eps": 0},
        {
            **{norm: NORM_COLORS[norm] for norm in ("LayerNorm", "RMSNorm")},
            **{"x": PINK, "mean": ORANGE},
        },
        Table(("", *(f"feature {i}" for i in range(4))), rows),
        formula=[
            ("(x − μ)/σ", NORM_COLORS["LayerNorm"]),
            " beside ",
            ("x/r", NORM_COLORS["RMSNorm"]),
        ],
    )
