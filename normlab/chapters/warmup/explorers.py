"""Explorers of chapter 07: one model from update to update, and what trains, with every seed."""

from normlab.chapters.warmup.figures import describe_seeds, draw_seeds
from normlab.chapters.warmup.rate_map import load_warmup_map
from normlab.chapters.warmup.step_figures import describe_training_steps, draw_training_steps
from normlab.chapters.warmup.training_steps import load_training_steps
from normlab.pictures import Choice, Explorer, Scene, Slider


def explore_training_steps() -> Explorer:
    """Train one model in four lanes, and see what every update finds and does."""
    stored = load_training_steps()
    return Explorer(
        "Twelve layers learn to copy",
        Scene(
            lambda: stored,
            draw_training_steps,
            describe_training_steps,
            columns=3,
            size=(9.8, 5.6),
            rows=2,
        ),
        pages={"updates": Slider("updates", stored.updates)},
    )


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
