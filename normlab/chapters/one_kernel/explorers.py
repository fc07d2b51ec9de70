"""The explorer of the ways to run a norm on a GPU."""

from normlab.chapters.one_kernel.comparison import Comparison, compare_ways
from normlab.chapters.one_kernel.compiled import FEATURES, ROWS
from normlab.chapters.one_kernel.figures import describe_ways, draw_ways
from normlab.chapters.one_kernel.gpus import GPUS
from normlab.chapters.one_kernel.written_out import DIRECTIONS, Work
from normlab.pictures import Choice, Explorer, Scene, Slider

WORKS = {
    "RMSNorm": ("RMSNorm", False),
    "LayerNorm": ("LayerNorm", False),
    "add + RMSNorm": ("RMSNorm", True),
    "add + LayerNorm": ("LayerNorm", True),
}
"""Name -> norm, and whether it is one of x + residual."""


def explore_kernels() -> Explorer:
    """Launches, bytes and the time for these, of three ways to run a norm, by D and rows."""

    def compute(norm: str, direction: str, gpu: str) -> Comparison:
        name, added = WORKS[norm]
        return compare_ways(Work(name, direction, added), gpu)

    names = [gpu.name for gpu in GPUS]
    return Explorer(
        "Three ways to run a norm",
        Scene(compute, draw_ways, describe_ways, columns=2, size=(9.0, 3.2)),
        pages={
            "features": Slider("D", FEATURES, show="{:,}".format, start=FEATURES.index(4096)),
            "rows": Slider("rows", ROWS, show="{:,}".format, start=ROWS.index(8192)),
        },
        settings={
            "norm": Choice("norm", list(WORKS)),
            "direction": Choice("direction", DIRECTIONS),
            "gpu": Choice("GPU", names, start=names.index("H100")),
        },
    )
