"""Explorer of what each library's norm does by default to small and to shifted inputs."""

from normlab.chapters.frameworks.compare import stored_comparison
from normlab.chapters.frameworks.comparison import AGAINST, Comparison, SweepView
from normlab.chapters.frameworks.figures import describe_sweep, draw_sweep
from normlab.chapters.frameworks.framework import COMPARED_NORMS, FRAMEWORKS
from normlab.chapters.frameworks.measure import OFFSETS, STDS
from normlab.pictures import Choice, Explorer, Scene, Slider


def explore_frameworks(data: Comparison | None = None) -> Explorer:
    """Shrink the input or shift it, and see whose default norm leaves the others.

    Args:
        data: what was found; None means the stored results.
    """
    shown = data or stored_comparison()

    def compute(norm: str, offset: float, against: str) -> SweepView:
        return SweepView(shown, norm, offset, against)

    return Explorer(
        "Six norms with their defaults",
        Scene(compute, draw_sweep, describe_sweep),
        pages={
            "std": Slider("standard deviation", STDS, show="{:g}".format, start=4),
            "framework": Choice("library", list(FRAMEWORKS), start=4),
        },
        settings={
            "norm": Choice("norm", COMPARED_NORMS),
            "offset": Choice("offset", OFFSETS),
            "against": Choice("against", list(AGAINST)),
        },
    )
