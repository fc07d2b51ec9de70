"""Claims on DeepNorm: its formula, its constants, and what its theorem bounds."""

import re
from dataclasses import replace
from functools import cache

import torch
from torch import Tensor, nn

from normlab.chapters.deepnorm.one_step import study_config
from normlab.chapters.deepnorm.thousand_layers import load_thousand_layers
from normlab.claims.claim import Claim, Finding, Measure, require
from normlab.inspection import InspectedLayer, inspect
from normlab.inspection.small_models import small_model
from normlab.models.placement.base import Site
from normlab.models.placement.standard import DeepNorm
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.probes import loglog_slope, model_update, profile_depth, random_batch
from normlab.training.config import TrainConfig
from normlab.training.run import Run

DEEPNET = "Wang et al. 2022, {}, arXiv:2203.00555"


class AlphaWithoutNorm(DeepNorm):
    """αx + f(x), as the seed writes it: what DeepNorm does with an identity for its norm."""

    def parts(self, site: Site) -> list[nn.Module]:
        return [nn.Identity()]


def encoder_on_tokens(config: TransformerConfig) -> tuple[Tensor, Tensor]:
    """The input and the output of an untrained encoder on random tokens, (B, T, D) each."""
    model = Transformer(config, seed=0).double()
    with torch.no_grad():
        x = model.embed(random_batch(config, seed=0).tokens)
        return x, model.encoder(x)


def growth_without_norm() -> Finding:
    """Claim 3: how does the stream grow if the seed's formula is taken at its word?"""
    config = TransformerConfig(encoder_layers=12, placement=AlphaWithoutNorm)
    factors = []
    for placement in (AlphaWithoutNorm, "deepnorm"):
        x, y = encoder_on_tokens(replace(config, placement=placement))
        factors.append(float(y.norm() / x.norm()))
    as_written, with_norm = factors
    return Finding(
        (
            Measure(
                "growth of αx + f(x), 12 layers", as_written, "α²⁴ = 1.9e8 or more", 1.8e8, 1e10
            ),
            Measure("growth with the norm", with_norm, "a norm ends it: 1", 0.5, 2),
        ),
        f"After 12 layers of αx + f(x) the stream is {as_written:.1g} times as long; of "
        f"norm(αx + f(x)) {with_norm:.1f} times.",
    )


def thousand_layers() -> Finding:
    """Claim 4: does one step of 1,000 layers move the output as little as one of 10?"""
    shallow, deep = (
        model_update(deep_config(layers), 0, "sgd", 5e-4, sequences=1, tokens=4)
        for layers in (5, 500)
    )
    stored = load_thousand_layers().records["deepnorm"]
    share = stored.final_loss / stored.chance
    ratio = deep.change.relative / shallow.change.relative
    model = Transformer(deep_config(500), seed=0)
    sublayers = sum(
        len(b.placement.site_parts) for s in (model.encoder, model.decoder) for b in s.blocks
    )
    return Finding(
        (
            Measure("first step, 500 + 500 layers / 5 + 5", ratio, "does not grow: ≤ 2", 0, 2),
            Measure("sub-layers of that model", sublayers, "the paper's 2,500", 2500, 2500),
            Measure("1,000 layers: loss / chance (stored)", share, "½ is trained", high=0.5),
        ),
        f"One SGD step moves the output of 500 + 500 layers, {sublayers} sub-layers, {ratio:.1f} "
        f"times as far as that of 5 + 5; a stored run of a decoder of 1,000 layers ends at "
        f"{share:.2g} of the loss of chance.",
    )


def deep_config(layers: int) -> TransformerConfig:
    """An encoder and a decoder of so many layers each, as narrow as can be."""
    return TransformerConfig(
        encoder_layers=layers, decoder_layers=layers, placement="deepnorm", d_model=16, d_ff=32
    )


RELEASED = 3.5565588
"""α of MiniMax-Text-01, which has 80 layers (its config.json)."""


@cache
def minimax(alpha: float) -> InspectedLayer:
    """How the library's MiniMax layer is wired, with α on its shortcuts.

    Raises:
        NotRun: if the library is not installed.
    """
    names = [f"{part}_alpha_factor" for part in ("full_attn", "linear_attn", "mlp")]
    require("transformers", "pip install transformers")
    model = small_model("minimax", dict.fromkeys(names, alpha))
    return inspect(model.model, model.inputs).layers[0]


def gain_of_the_shortcut() -> Finding:
    """Claim 29: what does MiniMax's layer, with DeepNorm's α, hand to its norm?"""
    wiring = minimax(RELEASED)
    (sum_,) = [equation for equation in wiring.equations if equation.startswith("n2 = norm(")]
    (gain,) = map(float, re.findall(r"([\d.]+) n1", sum_))
    return Finding(
        (
            Measure(
                "its gain on the shortcut, in the norm", gain, "α = (2·80)^¼ = 3.56", 3.55, 3.56
            ),
            Measure("norms on the wiring", len(wiring.norms), "each sum meets one", 2, 2),
        ),
        f"The layer of MiniMax-Text-01, read from its operators, computes {sum_}: the shortcut is "
        f"scaled by {gain:.2f}, and the sum goes into the norm.",
    )


def scaled_matrices() -> Finding:
    """Claim 30: cited, since no installed library starts its weights as DeepNorm does."""
    return Finding(
        (),
        "The paper's Figure 2 gives the gain β to the FFN, the value and the output projection, "
        "four of a block's six matrices; queries and keys have gain 1.",
        cited=True,
    )


DEPTHS = (2, 8, 32)


@cache
def slope_of_step(model: str) -> float:
    """How one small SGD step's effect on the output grows with depth."""
    variant, init = {"identity": ("pre-norm", "zero-output")}.get(model, (model, "xavier"))
    configs = [replace(study_config(variant, depth), init=init) for depth in DEPTHS]
    return loglog_slope(DEPTHS, [model_update(c, 0, "sgd", 5e-4).change.relative for c in configs])


def branch_share(placement: str, layers: int = 12) -> float:
    """‖f(x)‖ over its shortcut, α‖x‖ in DeepNorm, the mean over an untrained encoder."""
    config = TransformerConfig(
        encoder_layers=layers, placement=placement, d_model=64, d_ff=256, init="xavier"
    )
    return float(profile_depth(config, seed=0).branch_ratio[1:].mean())  # (2L − 1,) -> ()


def identity_or_update() -> Finding:
    """Claim 31: are the branches small, and is it that which keeps a step from growing?"""
    share = branch_share("deepnorm")
    identity, deepnorm = slope_of_step("identity"), slope_of_step("DeepNorm")
    x, y = encoder_on_tokens(replace(study_config("pre-norm", 8), init="zero-output"))
    away = float((y - nn.functional.layer_norm(x, x.shape[-1:])).norm() / y.norm())
    return Finding(
        (
            Measure("DeepNorm's branch / shortcut", share, "small: < 0.1, as it says", high=0.1),
            Measure("slope of the step, exact identity", identity, "grows with N: ≈ 1", 0.7, 1.3),
            Measure("slope of the step, DeepNorm", deepnorm, "does not grow: 0", -0.1, 0.1),
            Measure(
                "that identity's distance from one", away, "a norm apart, it is one", high=1e-5
            ),
        ),
        f"DeepNorm's branch is {share:.2g} of its shortcut in 12 untrained layers. But from 2 to "
        f"32 layers the effect of one SGD step grows with N to the power {identity:.1f} in a stack "
        f"that starts as an exact identity, and {abs(deepnorm):.1f} in DeepNorm.",
    )


def larger_shortcut() -> Finding:
    """Claim 44: how large are the branches beside the shortcut, with α and β and without?"""
    deepnorm, post = branch_share("deepnorm"), branch_share("post-norm")
    return Finding(
        (
            Measure("branch / shortcut, post-norm / DeepNorm", post / deepnorm, "larger: > 1", 2),
            Measure("DeepNorm's branch / shortcut", deepnorm, "< 1", high=0.5),
        ),
        f"In 12 untrained layers a branch is {post:.2g} of its shortcut in post-norm, and "
        f"{deepnorm:.2g} in DeepNorm.",
    )


def same_places() -> Finding:
    """Claim 43: what does α change in the wiring of MiniMax's layer?"""
    with_alpha, without = minimax(RELEASED).equations, minimax(1.0).equations
    plain = [re.sub(r"[\d.]+ (n\d)", r"\1", equation) for equation in with_alpha]
    moved = sum(one != other for one, other in zip(plain, without, strict=True))
    scaled = sum(one != other for one, other in zip(with_alpha, without, strict=True))
    return Finding(
        (
            Measure("sums that α scales", scaled, "both residuals", 2, 2),
            Measure("norms or sums in another place", moved, "it changes no place", high=0),
        ),
        f"With α the layer of MiniMax-Text-01 has a factor in {scaled} of its equations; but for "
        f"the factor {len(plain) - moved} of {len(plain)} are the same.",
    )


def over_a_thousand() -> Finding:
    """Claim 45: cited, since no such depth was trained here."""
    return Finding(
        (),
        "The paper's deepest model has 500 encoder and 500 decoder layers, which have 2,500 "
        "sub-layers (§6). It reports no run of more than 1,000 layers.",
        cited=True,
    )


def gradient_in_training(learning_rate: float) -> float:
    """How many times its first length the decoder's gradient reaches in 15 SGD steps."""
    config = TrainConfig(
        placement="deepnorm", decoder_layers=12, d_model=32, d_ff=128, batch=8, steps=15,
        optimizer="sgd", learning_rate=learning_rate,
    )  # fmt: skip
    run = Run(config, torch.device("cpu"))
    lengths: list[float] = []
    while len(lengths) < config.steps and not run.reason:
        run.step()
        grads = [w.grad for w in run.model.decoder.parameters() if w.ndim == 2]
        lengths.append(float(torch.stack([g.norm() for g in grads if g is not None]).norm()))
    return max(lengths) / lengths[0]


def bounded_gradient() -> Finding:
    """Claim 32: do DeepNorm's gradients stay bounded in training?"""
    small, large = gradient_in_training(0.05), gradient_in_training(5.0)
    slope = slope_of_step("DeepNorm")
    return Finding(
        (
            Measure(
                "gradient grows by (to 1000), rate 5.0", min(large, 1000), "bounded: ≈ 1", low=100
            ),
            Measure("at a hundredth of that rate", small, "it is not always so", high=3),
            Measure("slope of the first step", slope, "what the theorem is for: 0", -0.1, 0.1),
        ),
        "Twelve DeepNorm layers, 15 SGD steps: at rate 5 the gradient grows a thousandfold or "
        f"more, at rate 0.05 to {small:.1f} times its first length.",
    )


CLAIMS = (
    Claim(
        3,
        "DeepNorm's scaled residual connection — y = α·x + SubLayer(x)",
        "measurement",
        "wrong",
        "as written, the norm is missing",
        "x' = norm(αx + f(x)), with β on four of the weights. Without the norm the stream grows "
        "like α^(2N).",
        growth_without_norm,
        "12 layers, d = 64, untrained, float64",
        DEEPNET.format("§4.1"),
        "08",
    ),
    Claim(
        4,
        "stable pre-training of very deep (1000+ layer) transformers",
        "measurement",
        "imprecise",
        "1,000 layers, and translation",
        "500 encoder and 500 decoder layers, 2,500 sub-layers, trained to translate (OPUS-100). "
        "Pre-training of language models is left to future work.",
        thousand_layers,
        "one SGD step of 500 + 500 layers, d = 16; a stored decoder of 1,000 layers, d = 32, 200 "
        "steps of an easy task",
        DEEPNET.format("§6 and conclusion"),
        "08",
    ),
    Claim(
        29,
        "The residual is scaled by before LayerNorm.",
        "definition",
        "holds",
        "",
        "norm(αx + f(x)): α on the shortcut, and the norm after the sum.",
        gain_of_the_shortcut,
        "a layer of MiniMax-Text-01 with the release's α, read from its operators",
        f"{DEEPNET.format('§4.1')}; modeling_minimax.py of transformers",
        "08",
    ),
    Claim(
        30,
        "The sub-layer weights are also initialized at a fraction of their normal scale.",
        "citation",
        "imprecise",
        "four matrices of six",
        "β is for the FFN, the value and the output projection; queries and keys keep their scale.",
        scaled_matrices,
        "nothing; chapter 08 has the course's own initialization",
        DEEPNET.format("Figure 2"),
        "08",
    ),
    Claim(
        31,
        "The normalized output is dominated by the pass-through signal — the sub-layer starts as a "
        "small perturbation. This is a precisely controlled version of the pre-norm stability "
        "argument.",
        "measurement",
        "imprecise",
        "the branches are small; it is no version of an identity",
        "The shortcut dominates and the branches are small, as it says. But an exact identity has "
        "a step that grows with N, and DeepNorm's does not: its constants are chosen for the step.",
        identity_or_update,
        "2 to 32 layers, d = 32, one SGD step",
        DEEPNET.format("§4.2 and §4.3"),
        "08",
    ),
    Claim(
        32,
        "achieving stable gradients that are bounded throughout training — a formal theoretical "
        "guarantee",
        "definition",
        "wrong",
        "",
        "Theorem 4.2 bounds the change of the output by one SGD step from the initial weights, "
        "with one feature, and assumes that the gradient at the output is bounded. The run shows "
        "that it need not stay so; at a rate that trains it does.",
        bounded_gradient,
        "12 layers, d = 32, 15 SGD steps",
        DEEPNET.format("Theorem 4.2"),
        "08",
    ),
    Claim(
        43,
        "instead of changing what LayerNorm computes, it changes where the residual is scaled.",
        "definition",
        "imprecise",
        "a factor and an initialization, no place",
        "DeepNorm is post-norm with a factor α on the shortcut, and β on four of the initial "
        "matrices. The norm computes what it did, in the place where it stood.",
        same_places,
        "a layer of MiniMax-Text-01 with α of the release and with 1, read from its operators",
        f"{DEEPNET.format('Figure 2')}; modeling_minimax.py of transformers",
        "08",
    ),
    Claim(
        44,
        "the expected magnitude of the residual is larger relative to the sub-layer output at "
        "initialization.",
        "measurement",
        "holds",
        "",
        "α > 1 enlarges the shortcut, and β < 1 makes the branch smaller.",
        larger_shortcut,
        "12 layers, d = 64, untrained",
        DEEPNET.format("§4.1"),
        "08",
    ),
    Claim(
        45,
        "DeepNorm enabled training transformers with over 1000 layers (DeepNet paper) without "
        "divergence",
        "citation",
        "imprecise",
        "1,000, not more",
        "500 + 500 layers were trained, to translate; they are 2,500 sub-layers.",
        over_a_thousand,
        "nothing of that size; claim 4 has one step of 1,000 layers",
        DEEPNET.format("§6"),
        "08",
    ),
)
