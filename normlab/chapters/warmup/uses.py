"""Chapter 07's post-norm model, trained with a learner's warmup and without one."""

from dataclasses import replace

from normlab.chapters.warmup.run_figures import OwnWarmup, describe_own_warmup, draw_own_warmup
from normlab.pictures import Use
from normlab.training.config import TrainConfig
from normlab.training.loop import train
from normlab.training.run import Schedule

CONFIG = TrainConfig(
    task="copy", decoder_layers=6, placement="post-norm", d_model=32, d_ff=128, batch=16,
    steps=300, learning_rate=1e-2,
)  # fmt: skip
WARMUPS = (0, 200)


def trained_with(warmup_lr: Schedule) -> OwnWarmup:
    """The rates by step and the run, for no warmup and for 200 steps of it."""
    configs = [replace(CONFIG, warmup_steps=steps) for steps in WARMUPS]
    rates = {
        c.warmup_steps: [warmup_lr(t, c.learning_rate, c.warmup_steps) for t in range(c.steps)]
        for c in configs
    }
    return rates, [train(config, schedule=warmup_lr) for config in configs]


USES = {
    ("warmup_lr",): Use(
        trained_with,
        draw_own_warmup,
        describe_own_warmup,
        columns=2,
        size=(9.0, 3.4),
    )
}
