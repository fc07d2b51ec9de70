"""Chapter 08's deep decoder, built of a learner's three functions of DeepNorm, and trained."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from normlab.chapters.deepnorm.figures import describe_own_runs, draw_own_runs
from normlab.models.placement.base import Placement, TensorMap
from normlab.models.transformer import Block, Transformer
from normlab.pictures import Use
from normlab.training.config import TrainConfig
from normlab.training.loop import TrainRecord, train

Constants = Callable[[int, int], Mapping[str, tuple[float, float] | None]]
Step = Callable[[Tensor, TensorMap, TensorMap, float], Tensor]
CONFIG = TrainConfig(
    task="successor", vocab_size=32, tokens=16, batch=8, decoder_layers=24, d_model=32, d_ff=128,
    placement="deepnorm", steps=60, learning_rate=1e-3, warmup_steps=20, clip=1.0,
)  # fmt: skip


def in_fairseqs_names(block: Block) -> nn.Module:
    """The matrices of a block, the very same, under the names that the exercise gives them.

    >>> block = Transformer(CONFIG.model(), seed=0).decoder.blocks[0]
    >>> in_fairseqs_names(block).fc1 is block.feed_forward.inner
    True
    """
    attention, named = nn.Module(), nn.Module()
    for name, part in (("q", "query"), ("k", "key"), ("v", "value"), ("out", "output")):
        attention.add_module(f"{name}_proj", getattr(block.attention, part))
    named.add_module("self_attn", attention)
    named.add_module("fc1", block.feed_forward.inner)
    named.add_module("fc2", block.feed_forward.outer)
    return named


def own_model(
    config: TrainConfig,
    deepnorm_constants: Constants,
    deepnorm_step: Step,
    deepnorm_init_: Callable[[nn.Module, float], object],
) -> Transformer:
    """The decoder of a config, wired by the step and drawn by the initialization."""
    constants = deepnorm_constants(0, config.decoder_layers)["decoder"]
    assert constants is not None  # a decoder alone has them
    alpha, beta = constants

    class OwnDeepNorm(Placement):
        def step(self, x: Tensor, f: TensorMap, norm: TensorMap) -> Tensor:
            return deepnorm_step(x, f, norm, alpha)

    model = Transformer(replace(config.model(), placement=OwnDeepNorm), config.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        for block in model.decoder.blocks:
            deepnorm_init_(in_fairseqs_names(block), beta)
    return model


def trained_with(
    deepnorm_constants: Constants,
    deepnorm_step: Step,
    deepnorm_init_: Callable[[nn.Module, float], object],
) -> Mapping[str, TrainRecord]:
    """The learner's DeepNorm, and post-norm."""
    model = own_model(CONFIG, deepnorm_constants, deepnorm_step, deepnorm_init_)
    return {
        "deepnorm": train(CONFIG, model=model),
        "post-norm": train(replace(CONFIG, placement="post-norm")),
    }


USES = {
    ("deepnorm_constants", "deepnorm_step", "deepnorm_init_"): Use(
        trained_with,
        draw_own_runs,
        describe_own_runs,
    )
}
