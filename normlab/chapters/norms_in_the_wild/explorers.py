"""Explorers of the zoo of models."""

from normlab.chapters.norms_in_the_wild.figures import (
    describe_design,
    describe_timeline,
    draw_design,
    draw_timeline,
)
from normlab.chapters.norms_in_the_wild.zoo import load_zoo
from normlab.chapters.norms_in_the_wild.zoo_designs import ANY, FAMILIES, Timeline, designs
from normlab.pictures import Choice, Explorer, Scene, Slider


def explore_zoo() -> Explorer:
    """Models by year; filter them by norm and by placement."""
    zoo = load_zoo()
    years = sorted(zoo.count("year"))
    return Explorer(
        "Norms by year",
        Scene(
            lambda family: Timeline(zoo, family),
            draw_timeline,
            describe_timeline,
            size=(5.4, 4.6),
        ),
        pages={
            "year": Slider("up to", years, start=len(years) - 1),
            "norm": Choice("norm", [ANY, "LayerNorm", "RMSNorm"]),
        },
        settings={"family": Choice("placement", [ANY, *FAMILIES])},
    )


def explore_designs() -> Explorer:
    """Turn through the different designs: the wiring, the norm's formula, and whose it is."""
    found = designs(load_zoo())
    return Explorer(
        "Designs",
        Scene(lambda: found, draw_design, describe_design, 2, (7.2, 4.0)),
        pages={
            "design": Slider(
                "design",
                range(len(found)),
                show=lambda design: f"{design + 1}: {found[design].first.name}",
            )
        },
    )
