"""Explorer of the closing task: who wins under which brief."""

from itertools import product

from normlab.chapters.debate.contest import defend_from_briefs, load_briefs
from normlab.chapters.debate.defence import Choice as Contender
from normlab.chapters.debate.figures import Briefs, describe_brief, draw_brief
from normlab.pictures import Choice, Explorer, Scene, Slider

WEIGHTS = {"xavier": "Xavier's", "xavier-scaled": "Xavier's, outputs / √(2N)"}


def explore_briefs() -> Explorer:
    """Change depth, warmup, initial weights or the number of tries: who ends lowest?"""
    stored = load_briefs()
    layers, warmups = stored.axis("decoder_layers"), stored.axis("warmup_steps")
    tries = range(1, len(stored.axis("learning_rate")) + 1)

    def compute() -> Briefs:
        return {
            (n, k, warmup, init): defend_from_briefs(Contender("deepnorm"), n, warmup, k, init)
            for n, k, warmup, init in product(layers, tries, warmups, WEIGHTS)
        }

    return Explorer(
        "Who wins under which brief?",
        Scene(compute, draw_brief, describe_brief, columns=2, size=(8.6, 4.2)),
        pages={
            "layers": Slider("layers", layers, start=2),
            "tries": Slider("rates that may be tried", tries),
            "warmup_steps": Choice("warmup", warmups, show="{} steps".format),
            "init": Choice("initial weights", list(WEIGHTS), show=WEIGHTS.__getitem__),
        },
    )
