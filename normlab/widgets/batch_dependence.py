"""The explorer of batch size and companions."""

from normlab.batch_dependence import companions
from normlab.figures.batch_dependence import describe_companions, draw_companions
from normlab.pictures import Choice, Explorer, Scene, Slider


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
    )
