"""Explorer of the closing task: who wins under which brief."""

from normlab.chapters.debate.contest import load_briefs
from normlab.chapters.debate.figures import describe_brief, draw_brief
from normlab.pictures import Choice, Explorer, Scene, Slider

WEIGHTS = {"xavier": "Xavier's", "xavier-scaled": "Xavier's, outputs / √(2N)"}


def explore_briefs() -> Explorer:
    """Change depth, warmup, initial weights or the number of tries: who ends lowest?"""
    stored = load_briefs()
    rates = len(stored.axis("learning_rate"))
    return Explorer(
        "Who wins under which brief?",
        Scene(lambda: None, draw_brief, describe_brief, columns=2, size=(8.6, 4.2)),
        pages={
            "layers": Slider("layers", stored.axis("decoder_layers"), start=2),
            "tries": Slider("rates that may be tried", range(1, rates + 1)),
            "warmup_steps": Choice("warmup", stored.axis("warmup_steps"), show="{} steps".format),
            "init": Choice("initial weights", list(WEIGHTS), show=WEIGHTS.__getitem__),
        },
    )
