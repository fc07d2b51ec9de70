"""Explorer of chapter 07: what trains, with every seed."""

from normlab.chapters.warmup.figures import describe_seeds, draw_seeds
from normlab.chapters.warmup.rate_map import load_warmup_map
from normlab.pictures import Choice, Explorer, Scene, Slider


def explore_warmup() -> Explorer:
    """Add warmup or layers, and see which learning rates still train, seed by seed."""
    stored = load_warmup_map()
    warmups, depths = stored.axis("warmup_steps"), stored.axis("decoder_layers")
    return Explorer(
        "What trains?",
        Scene(lambda: stored, draw_seeds, describe_seeds, size=(5.2, 3.8)),
        pages={
            "warmup_steps": Slider("warmup steps", warmups),
            "layers": Slider("layers", depths),
            "placement": Choice("placement", stored.placements()),
        },
    )
