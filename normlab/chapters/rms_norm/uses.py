"""Chapter 04's pictures with a learner's RMSNorm: the paper's table, and a small text model."""

from collections.abc import Callable

from normlab.chapters.rms_norm.figures import (
    describe_own_means,
    describe_own_row,
    draw_own_means,
    draw_own_row,
)
from normlab.chapters.rms_norm.invariance import InvarianceTable, invariance_table
from normlab.chapters.rms_norm.stream_means import means_with
from normlab.norms import FloatArray
from normlab.pictures import Use


def table_with(rms_norm: Callable[..., FloatArray]) -> InvarianceTable:
    """The paper's table, with the row of RMSNorm by this function."""
    return invariance_table(rms_norm=rms_norm)


USES = {
    ("rms_norm",): Use(
        table_with,
        draw_own_row,
        describe_own_row,
        size=(8.5, 3.4),
    ),
    ("RMSNorm",): Use(
        means_with,
        draw_own_means,
        describe_own_means,
        size=(7.0, 3.8),
    ),
}
