"""Explorers of the invariance table."""

from normlab.figures.invariance import describe_cell, draw_cell
from normlab.invariance import CHANGES, INVARIANCE_NORMS, invariance_table
from normlab.pictures import Choice, Explorer, Scene


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
