"""Explorers of the zoo of models."""

from normlab.chapters.norms_in_the_wild.figures import (
    describe_design,
    describe_timeline,
    draw_design,
    draw_timeline,
)
from normlab.chapters.norms_in_the_wild.line_figures import describe_tree, draw_tree
from normlab.chapters.norms_in_the_wild.model_figures import describe_model, draw_model
from normlab.chapters.norms_in_the_wild.trained_figures import (
    BESIDE,
    describe_trained,
    draw_trained,
)
from normlab.chapters.norms_in_the_wild.trained_placements import (
    TrainedSetting,
    load_trained_placements,
)
from normlab.chapters.norms_in_the_wild.zoo import load_zoo
from normlab.chapters.norms_in_the_wild.zoo_designs import ANY, FAMILIES, Timeline, designs
from normlab.chapters.norms_in_the_wild.zoo_lines import SAME, family_tree
from normlab.pictures import Choice, Explorer, Scene, SideBySide, Slider


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
        Scene(lambda: found, draw_design, describe_design, 2, (7.2, 5.0)),
        pages={
            "design": Slider(
                "design",
                range(len(found)),
                show=lambda design: f"{design + 1}: {found[design].first.name}",
            )
        },
    )


def explore_families() -> Explorer:
    """Which model followed which: choose a line, and see where its design changed."""
    tree = family_tree(load_zoo())
    return Explorer(
        "Families",
        Scene(lambda: tree, draw_tree, describe_tree, size=(4.9, 6.3)),
        pages={"line": Choice("line of", tree.names, start=tree.names.index("Gemma"))},
    )


def explore_two_models() -> SideBySide:
    """Two models side by side: their wirings, and the attributes in which they differ."""
    models = {model.name: model for model in sorted(load_zoo(), key=lambda m: m.name.lower())}
    names = list(models)
    left, right = (
        Choice(side, names, start=names.index(name))
        for side, name in (("left", "Gemma 3"), ("right", "Gemma 4"))
    )
    scene = Scene(lambda: models, draw_model, describe_model, size=(3.4, 6.0))
    return SideBySide("Two models", scene, "name", left, right, ("norms and wiring", SAME, SAME))


def explore_trained() -> Explorer:
    """Change design, task or depth: which loss is lowest, and what is each layer worth?"""
    stored = load_trained_placements()
    tasks, depths = (list(dict.fromkeys(values)) for values in zip(*stored.settings(), strict=True))
    names = stored.designs()
    return Explorer(
        "Trained designs",
        Scene(
            lambda task, layers: TrainedSetting(stored, task, layers),
            draw_trained,
            describe_trained,
            columns=2,
            size=(8.6, 4.0),
        ),
        pages={"design": Choice("design", names, start=names.index(BESIDE))},
        settings={
            "task": Choice("task", tasks, start=len(tasks) - 1),
            "layers": Choice("layers", depths, start=len(depths) - 1),
        },
    )
