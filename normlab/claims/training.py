"""Claims on gradients, warmup and training of pre-norm and post-norm."""

import statistics
from dataclasses import replace
from functools import partial

from normlab.chapters.deepnorm.thousand_layers import load_thousand_layers
from normlab.chapters.warmup.collapse import follow
from normlab.chapters.warmup.deep_rates import load_deep_rates
from normlab.chapters.warmup.rate_map import load_warmup_map, outcome
from normlab.claims.claim import Claim, Finding, Measure
from normlab.models.transformer import TransformerConfig
from normlab.probes import model_update, sweep_depths, weight_gradients
from normlab.training.config import TrainConfig
from normlab.training.loop import train

XIONG = TransformerConfig(encoder_layers=2, d_model=128, d_ff=128, init="xiong")
"""Pre-norm, with the weights of the theory in Xiong et al. 2020."""

SIX = TrainConfig(decoder_layers=6, d_model=32, d_ff=128, batch=16, learning_rate=1e-2)


def trained(**setting: object) -> list[bool]:
    """Which of the stored runs of chapter 07 with this setting trained."""
    return [outcome(run) == "trained" for run in load_warmup_map().cell(**setting)]


def gradient_before_and_after() -> Finding:
    """Claim 13: when does post-norm's gradient vanish, and does warmup help?"""
    runs = [follow(replace(SIX, placement="post-norm", seed=seed), [0, 10]) for seed in range(3)]
    before, after = (
        [run.looks[i].first_gradient / run.looks[i].last_gradient for run in runs] for i in (0, 1)
    )
    setting = {"placement": "post-norm", "decoder_layers": 6, "learning_rate": 1e-2}
    cold, warm = (sum(trained(warmup_steps=steps, **setting)) for steps in (0, 200))
    return Finding(
        (
            Measure("first/last block, untrained", min(before), "it does not vanish: ≈ 1", 0.3, 3),
            Measure("the same after 10 updates", max(after), "it does: < 1 %", high=0.01),
            Measure("trained without warmup, of 3", cold, "rate 0.01 is above the edge", 0, 0),
            Measure("trained with 200 steps of warmup, of 3", warm, "below the edge", 3, 3),
        ),
        "Six post-norm layers, three seeds: the first block's gradient is "
        f"{min(before):.1f} of the last's or more before training, and {max(after):.1g} or less "
        f"after ten updates at rate 0.01; {cold} of 3 stored runs train without warmup and "
        f"{warm} of 3 with 200 steps of it.",
    )


def last_gradient(placement: str, layers: int, seed: int) -> float:
    config = replace(XIONG, encoder_layers=layers, placement=placement)
    return weight_gradients(config, seed, sequences=1).last


def gradient_by_depth() -> Finding:
    """Claim 16: how does the last layer's gradient depend on the depth of the model?"""
    sweep = sweep_depths(
        {name: partial(last_gradient, name) for name in ("pre-norm", "post-norm")},
        depths=(2, 8, 32),
        seeds=(0, 1, 2),
    )
    pre, post = sweep.slope("pre-norm"), sweep.slope("post-norm")
    uneven = 1 / weight_gradients(replace(XIONG, encoder_layers=24), seed=0).last_to_first
    return Finding(
        (
            Measure(
                "pre-norm: slope of the last gradient", pre, "theory −½, ±0.05 a seed", -0.65, -0.35
            ),
            Measure("post-norm: the same", post, "theory 0", -0.25, 0.25),
            Measure("pre-norm, 24 layers: first/last", uneven, "lower layers get more", low=1.5),
        ),
        f"Over 2 to 32 layers the last layer's gradient goes with L to the power {pre:.2f} in "
        f"pre-norm and {post:.2f} in post-norm; in 24 pre-norm layers the first FFN gets "
        f"{uneven:.1f} times the gradient of the last.",
    )


def without_warmup() -> Finding:
    """Claim 17: which pre-norm runs train without warmup, and does it help them?"""
    stored = load_warmup_map()
    share = statistics.mean(trained(placement="pre-norm", warmup_steps=0))
    edge = {"placement": "pre-norm", "decoder_layers": 6, "learning_rate": 3e-2}
    cold, warm = (
        statistics.median(run.final_loss for run in stored.cell(warmup_steps=steps, **edge))
        for steps in (0, 50)
    )
    live = train(replace(SIX, placement="pre-norm", steps=120, learning_rate=3e-3))
    return Finding(
        (
            Measure("share of runs that train without it", share, "they can: all 24", 1, 1),
            Measure("final loss at rate 0.03, 50 steps / none", warm / cold, "it helps", high=0.5),
            Measure(
                "loss / chance, 120 steps run now",
                live.final_loss / live.chance,
                "½ is trained",
                high=0.5,
            ),
        ),
        f"Without warmup {100 * share:.0f} % of the 24 stored pre-norm runs train; at rate 0.03 50 "
        f"steps of it lower the final loss to {warm / cold:.2g} of what it is without.",
    )


def deep_stacks() -> Finding:
    """Claim 18: do deep pre-norm models train where post-norm does not, and does that ever?"""
    config = TrainConfig(
        task="successor", tokens=8, batch=8, d_model=32, d_ff=128, steps=25, decoder_layers=24,
        learning_rate=2e-3,
    )  # fmt: skip
    ends = {name: train(replace(config, placement=name)) for name in ("pre-norm", "post-norm")}
    pre, post = (record.final_loss / record.chance for record in ends.values())
    thousand = load_thousand_layers().records["pre-norm"]
    deep = thousand.final_loss / thousand.chance
    moved = [
        model_update(replace(SIX, decoder_layers=n, placement="pre-norm").model(), 0, "sgd", 5e-4)
        for n in (2, 16)
    ]
    grows = moved[1].change.relative / moved[0].change.relative
    high, low = (load_deep_rates().highest(name, 24, 600) or 0.0 for name in ends)
    wider = high / low if low else 0.0
    return Finding(
        (
            Measure("1,000 pre-norm layers (stored), loss", deep, "½ is trained", high=0.5),
            Measure("24 post-norm layers, run now", post, "0.95 is stuck", low=0.95),
            Measure("24 pre-norm layers, run now", pre, "½ is trained", high=0.5),
            Measure("24 layers (stored), highest rate, post", low, "it trains, too", 3e-5),
            Measure("24 layers (stored), highest rate, pre / post", wider, "a wider window", 10),
            Measure("pre-norm's first step, 16 / 2 layers", grows, "it grows: limits", low=2),
        ),
        f"After 25 steps 24 pre-norm layers are at {pre:.1f} of the loss of chance, 24 post-norm "
        f"layers at {post:.1f}; pre-norm's first step grows by {grows:.1f} from 2 to 16 layers.",
    )


def observed_elsewhere() -> Finding:
    """Claim 19: cited, since no task of this course has a final quality that the two differ in."""
    return Finding(
        (),
        "DeepNet's authors find pre-norm 0.5 to 1.0 BLEU below a post-norm that converges (§5), in "
        "translation. On copying, the task of chapter 07, it does not show.",
        cited=True,
    )


CLAIMS = (
    Claim(
        13,
        "as the network depth increases, gradients must flow through many LayerNorm operations "
        "before reaching early layers. This can cause instability at the start of training — the "
        "network needs learning rate warmup to survive the first few thousand steps.",
        "measurement",
        "imprecise",
        "warmup is needed above some rate; the reason is another",
        "Untrained, the gradient passes all norms with its size. The update of the model explodes, "
        "the inputs of the norms grow, and then the gradient vanishes.",
        gradient_before_and_after,
        "6 layers, d = 32, copying; stored runs of 600 steps",
        "Xiong et al. 2020, Fig. 2, arXiv:2002.04745; Wang et al. 2022, §3, arXiv:2203.00555; Liu "
        "et al. 2020, arXiv:2004.08249",
        "07",
    ),
    Claim(
        16,
        "Gradients can flow freely through the residual path regardless of depth.",
        "measurement",
        "imprecise",
        "the last layer's falls like 1/√L",
        "The shortcut hands the gradient on unchanged, but a layer at depth l gets 1/√l of it.",
        gradient_by_depth,
        "2 to 32 layers, d = 128, untrained, three seeds",
        "Xiong et al. 2020, Theorem 1, arXiv:2002.04745",
        "06",
    ),
    Claim(
        17,
        "Pre-norm networks train without warmup",
        "measurement",
        "holds",
        "",
        "All 24 stored runs do, at rates at which post-norm does not. Practice warms up all the "
        "same: nanoGPT for 2,000 steps, Llama 3.1 405B for 8,000; at high rates it helps here too.",
        without_warmup,
        "6 and 12 layers, d = 32, copying; stored runs of 600 steps, one of 120 live",
        "Xiong et al. 2020, §4, arXiv:2002.04745; nanoGPT, train.py; Llama Team 2024, "
        "arXiv:2407.21783",
        "07",
    ),
    Claim(
        18,
        "are more stable for very deep stacks (24, 48, 96 layers)",
        "measurement",
        "holds",
        "",
        "More than plain post-norm, which trains at low rates alone. There are limits: GLM-130B's "
        "authors did not find pre-norm stable enough, and its deep layers add little (the curse of "
        "depth).",
        deep_stacks,
        "24 layers, d = 32, an easy task: 25 steps run now, stored runs of up to 600 steps; 1,000 "
        "layers stored, 200 steps",
        "Brown et al. 2020, Table 2.1, arXiv:2005.14165; Zeng et al. 2022, arXiv:2210.02414; "
        "Sun et al. 2025, arXiv:2502.05795",
        "07",
    ),
    Claim(
        19,
        "pre-norm networks have been observed to converge to slightly worse final accuracy than "
        "well-tuned post-norm networks on some tasks",
        "citation",
        "holds",
        "",
        "It has been observed, in translation. Others found pre-norm as good or better, on tasks "
        "with little data (Nguyen & Salazar).",
        observed_elsewhere,
        "nothing; translation was not trained here",
        "Wang et al. 2022, §5, arXiv:2203.00555; Nguyen & Salazar 2019, arXiv:1910.05895",
        "07",
    ),
)
