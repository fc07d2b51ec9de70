"""Explorer of sums in half precision."""

from normlab.accumulation import RepeatedSums, repeated_sums
from normlab.figures.accumulation import describe_repeated_sums, draw_repeated_sums, order_name
from normlab.pictures import Choice, Explorer, Scene, Slider

_TERMS = (1.0, 0.75, 0.5, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
_BLOCKS = (1, 64)


def explore_repeated_sums() -> Explorer:
    """Add one number 8,192 times, in one running sum or by way of partial sums."""

    def compute() -> dict[int, RepeatedSums]:
        return {block: repeated_sums(_TERMS, block) for block in _BLOCKS}

    return Explorer(
        "A sum that stops growing",
        Scene(compute, draw_repeated_sums, describe_repeated_sums),
        pages={
            "term": Slider("term", _TERMS, show="{:g}".format),
            "block": Choice("order", _BLOCKS, show=order_name),
        },
    )
