"""Explorer of what one training step does to deep models."""

from normlab.chapters.deepnorm.one_step import UpdateSweep, variant_name
from normlab.chapters.deepnorm.one_step_runs import DEPTHS, LEARNING_RATES, load_updates
from normlab.chapters.deepnorm.update_figures import STEPS, describe_update, draw_update
from normlab.models import DEEPNORM_VARIANTS
from normlab.pictures import Choice, Explorer, Scene, Slider
from normlab.probes import Rule

_VARIANTS = tuple(DEEPNORM_VARIANTS)
_SIZES = ("as in training", "a hundredth of that")


def explore_deepnorm() -> Explorer:
    """Make the model deeper, and see how far one step moves it in each variant of DeepNorm."""

    def compute(rule: Rule, size: str) -> UpdateSweep:
        return load_updates(rule, LEARNING_RATES[rule][_SIZES.index(size)])

    return Explorer(
        "One training step, by depth",
        Scene(compute, draw_update, describe_update, size=(5.4, 4.6)),
        pages={
            "layers": Slider("layers N", DEPTHS, start=5),
            "variant": Choice("variant", _VARIANTS, show=variant_name, start=1),
        },
        settings={
            "rule": Choice("step", list(LEARNING_RATES), show=STEPS.__getitem__),
            "size": Choice("size of the step", _SIZES),
        },
    )
