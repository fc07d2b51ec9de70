"""Claims on RMSNorm: what it drops, what that costs, and what it spares."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from normlab.chapters.rms_norm.centering import offset_token, sweep_mean_share
from normlab.chapters.rms_norm.cost import layer_share, norm_cost
from normlab.chapters.rms_norm.operators import torch_operators
from normlab.claims.claim import Claim, Finding, Measure
from normlab.training.config import TrainConfig
from normlab.training.loop import train

PAPER = "Zhang & Sennrich 2019, {}, arXiv:1910.07467"
SEED_HIGH = 0.20
"""The greater of the seed's "15–20 %"."""


@torch.no_grad()
def two_drops() -> Finding:
    """Claim 22: are dropping the mean and dropping the shift one step?"""
    x = torch.randn(8, 64, generator=torch.Generator().manual_seed(0)) + 1  # mean = std = 1
    rms, no_shift = nn.RMSNorm(64), nn.LayerNorm(64, bias=False)
    means = [float(norm(x).mean(-1).abs().mean()) for norm in (rms, no_shift)]  # (N, D) -> ()
    counts = [len(list(norm.parameters())) for norm in (rms, no_shift)]
    shifted = float((rms(x) + 0.5).mean() - rms(x).mean())
    return Finding(
        (
            Measure("mean that RMSNorm leaves", means[0], "1/√2 for mean = std", 0.6, 0.8),
            Measure("mean that LN without bias leaves", means[1], "μ is still removed", high=1e-5),
            Measure("parameters of nn.RMSNorm", counts[0], "a gain alone", 1, 1),
            Measure("parameters of LN without bias", counts[1], "β dropped, μ kept", 1, 1),
            Measure("RMSNorm with the paper's b = 0.5", shifted, "Eq. 5 adds it", 0.49, 0.51),
        ),
        f"For tokens with mean 1 and std 1 RMSNorm leaves a mean of {means[0]:.2f}; LayerNorm "
        f"without a bias leaves none, and has as many parameters ({counts[1]}).",
    )


def share_of_centering() -> Finding:
    """Claim 23: how much of a token does centering remove?"""
    random = float(sweep_mean_share([256]).shares["normal"][0])
    rectified = float(sweep_mean_share([256]).shares["after ReLU"][0])
    angle = offset_token(64).angle(1.0)
    return Finding(
        (
            Measure("share that centering removes, random", random, "1/D = 0.004", 0.003, 0.005),
            Measure("the same after ReLU", rectified, "1/π: not small", 0.25, 0.4),
            Measure("angle LN–RMS at mean = std", angle, "45°: not small", 44, 46),
        ),
        f"Centering removes {100 * random:.1f} % of a random token's squared length and "
        f"{100 * rectified:.0f} % after a ReLU; at a mean of one std the two norms are "
        f"{angle:.0f}° apart.",
    )


def approximation() -> Finding:
    """Claim 24: how far apart are the two norms, and two text models with them?"""
    token = offset_token(64)
    none, five = token.angle(0.0), token.angle(5.0)
    config = TrainConfig(
        task="characters", decoder_layers=2, d_model=32, d_ff=128, batch=16, steps=150,
        learning_rate=3e-3,
    )  # fmt: skip
    layer, rms = (train(replace(config, norm=norm)) for norm in ("layer_norm", "rms_norm"))
    ratio = rms.final_loss / layer.final_loss
    return Finding(
        (
            Measure("angle LN–RMS at mean 0", none, "exact there", high=1e-5),
            Measure(
                "angle at a mean of five std", five, "arctan 5 = 79°: no approximation", 75, 83
            ),
            Measure("text model: final loss, RMS / LN", ratio, "seeds differ by 5 %", 0.9, 1.1),
            Measure(
                "its loss / that of guessing", layer.final_loss / layer.chance, "it learns", 0, 0.8
            ),
        ),
        f"The norms are {none:.0f}° apart at mean 0 and {five:.0f}° at a mean of five std; a small "
        f"character model ends at {ratio:.2f} times the loss with RMSNorm.",
    )


def operations() -> Finding:
    """Claim 25: what share of the operations does RMSNorm spare?"""
    forward, backward = (
        1 - norm_cost("RMSNorm", way).flops / norm_cost("LayerNorm", way).flops
        for way in ("forward", "backward")
    )
    layer = layer_share(4096).saving
    x = torch.ones(2, 8)
    fused = len(torch_operators(lambda: F.layer_norm(x, (8,))))
    why = "well above 20 %, the most the seed says"
    return Finding(
        (
            Measure("operations spared within the norm", forward, why, low=SEED_HIGH + 0.05),
            Measure("the same in the backward pass", backward, why, low=SEED_HIGH + 0.05),
            Measure("spared of a layer, D = 4096", layer, "the matrices decide", 1e-9, 1e-3),
            Measure("operators of F.layer_norm", fused, "fused: no pass to spare", 1, 1),
        ),
        f"RMSNorm spares {100 * forward:.0f} % of the norm's operations forward and "
        f"{100 * backward:.0f} % backward, which is {100 * layer:.3f} % of a layer of width 4096.",
    )


def throughput() -> Finding:
    """Claim 26: cited, since no cluster was measured."""
    return Finding(
        (),
        "The best evidence for a Transformer is the paper's Table 4: 6.9 % less time with RMSNorm, "
        "on one V100, with operators that were not fused. Of a cluster we know no measurement.",
        cited=True,
    )


CLAIMS = (
    Claim(
        22,
        "What is removed: the mean subtraction () and the bias parameter .",
        "measurement",
        "imprecise",
        "dropping the bias is today's custom",
        "Eq. 4 drops the mean; Eq. 5 keeps a bias b behind the gain. Models since LLaMA drop both.",
        two_drops,
        "tokens of 64 features",
        PAPER.format("Eq. 4 and 5"),
        "04",
    ),
    Claim(
        23,
        "the centering step in LayerNorm accounts for only a small fraction of its "
        "representational value",
        "measurement",
        "imprecise",
        "a hypothesis of the authors",
        "They hypothesize that re-centering can be spared. What it removes depends on the mean of "
        "the tokens; nobody has measured a representational value.",
        share_of_centering,
        "1,000 random tokens of 256 features",
        PAPER.format("§4"),
        "04",
    ),
    Claim(
        24,
        "Removing it is an approximation, but one that holds well in practice for language models.",
        "measurement",
        "imprecise",
        "exact at mean 0; the paper tested no language model",
        "It is another function, equal where the mean is 0. That models train as well with it was "
        "shown by those who used it; the paper has translation, reading, retrieval and CIFAR-10.",
        approximation,
        "2 layers, d = 32, 150 steps of small text",
        PAPER.format("§6"),
        "04",
    ),
    Claim(
        25,
        "RMSNorm requires roughly 15–20% fewer floating-point operations than LayerNorm",
        "definition",
        "wrong",
        "",
        "43 % fewer within the norm, 31 % backward, 0.006 % of a layer of width 4096. Traffic to "
        "memory and the number of kernels decide the time: 6.9 to 40.8 % in the paper.",
        operations,
        "a count, for each element and for a layer of width 4096",
        PAPER.format("Tables 2 to 10"),
        "04",
    ),
    Claim(
        26,
        "For very large models trained on large clusters, this translates to meaningful throughput "
        "improvements.",
        "citation",
        "imprecise",
        "unsupported",
        "No measurement on a cluster is cited or known to us. The best evidence for a Transformer "
        "is 6.9 % on one GPU, with operators that were not fused.",
        throughput,
        "nothing; no cluster was measured",
        PAPER.format("Table 4"),
        "04",
    ),
)
