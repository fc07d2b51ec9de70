"""Claims on where the norm stands, and on what an untrained block does to the stream."""

import re

import torch
from torch import nn

from normlab.chapters.norms_in_the_wild.library_scan import load_scan
from normlab.chapters.residual_placement.stream import stream_growth
from normlab.chapters.residual_placement.untrained_branches import branch_sizes
from normlab.chapters.residual_placement.untrained_losses import initial_losses
from normlab.claims.claim import Claim, Finding, Measure
from normlab.inspection import read_wiring
from normlab.probes import loglog_slope

XIONG = "Xiong et al. 2020, {}, arXiv:2002.04745"
TEXT = ("text decoder", "text encoder", "encoder-decoder")


def torchs_equations(norm_first: bool) -> tuple[str, ...]:
    """How torch's own layer is wired, read from its operators."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=norm_first)
    return read_wiring(layer.eval(), torch.randn(2, 5, 16)).equations


def first_boxes() -> Finding:
    """Claim 2: in which order does torch's layer run its boxes, with norm_first and without?"""

    def place(equations: tuple[str, ...], name: str) -> int:
        return [equation.split(" = ")[0] for equation in equations].index(name)

    pre, post = torchs_equations(norm_first=True), torchs_equations(norm_first=False)
    before = place(pre, "f1") - place(pre, "n1")
    behind = place(post, "n1") - place(post, "f1")
    of_sum = "n1 = norm(x + f1)" in post
    return Finding(
        (
            Measure("norm_first: from norm to sub-layer", before, "f reads the norm", 1, 1),
            Measure("norm last: from sub-layer to norm", behind, "the norm comes after", 1, 1),
            Measure("its norm reads the sum x + f1", of_sum, "after the residual add", 1, 1),
        ),
        f"torch's encoder layer computes {', '.join(pre[:2])} with norm_first=True, and "
        f"{', '.join(post[:2])} without.",
    )


def norms_per_layer() -> Finding:
    """Claim 10: how many norms and sub-layers do the layers of a library have?"""
    layers = [row for row in load_scan() if row["role"] in TEXT and row["outcome"] == "wiring"]
    layers = [row for row in layers if row["placement"] != "none"]
    norms = [int(row["norms_on_wiring"].split(", ")[0]) for row in layers]
    sublayers = [len(set(re.findall(r"f\d+", row["equations"]))) for row in layers]
    usual = [pair == (2, 2) for pair in zip(norms, sublayers, strict=True)]
    return Finding(
        (
            Measure(
                "share with 2 norms and 2 sub-layers", sum(usual) / len(usual), "most", 0.5, 0.9
            ),
            Measure("layers with one norm", norms.count(1), "parallel blocks and mixers", low=5),
            Measure("layers with 4 or more", sum(n >= 4 for n in norms), "peri-norm", low=5),
            Measure("layers with 3 sub-layers", sublayers.count(3), "cross-attention", low=5),
        ),
        f"Of {len(layers)} layers of text models in the scan {sum(usual)} have 2 sub-layers with a "
        f"norm each; {norms.count(1)} have one norm, {sum(n >= 4 for n in norms)} have 4 or more, "
        f"and {sublayers.count(3)} have 3 sub-layers.",
    )


def torchs_default_layer() -> Finding:
    """Claim 11: does a layer that was built after the paper end with a norm?"""
    torch.manual_seed(0)
    x = torch.randn(4, 16, 64)

    def mean_square(norm_first: bool = False) -> float:
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, norm_first=norm_first)
        return float(layer.eval()(x).detach().square().mean())  # (B, T, D) -> ()

    default, first = mean_square(), mean_square(norm_first=True)
    return Finding(
        (
            Measure("‖y‖²/d of torch's layer", default, "a norm ends the block", 0.99, 1.01),
            Measure("‖y‖²/d with norm_first", first, "a sum ends it: > 1", low=1.02),
        ),
        f"The output of nn.TransformerEncoderLayer, built after the paper, has mean square "
        f"{default:.2f}: a norm ends it. With norm_first=True it has {first:.2f}.",
    )


def post_norm_branches() -> Finding:
    """Claim 12: how large is an untrained branch beside its shortcut, by the scale of weights?"""
    theory, usual, small = (branch_sizes(init) for init in ("xiong", "xavier", "gpt2"))
    slope = loglog_slope(small.deviation, small.feed_forward)
    return Finding(
        (
            Measure(
                "N(0, 0.02²), d = 32: FFN / shortcut", small.feed_forward[0], "near 0", high=0.1
            ),
            Measure("the same at d = 768", small.feed_forward[-1], "not near zero", 0.3),
            Measure("its slope over σ√d", slope, "two matrices: 2", 1.7, 2.4),
            Measure("Xavier, the smallest of 4 widths", min(usual.feed_forward), "σ√d = 0.6", 0.4),
            Measure("Xiong's, the same", min(theory.feed_forward), "Lemma 2: √½", 0.5, 0.9),
        ),
        "In 2 untrained post-norm layers the FFN's branch is "
        f"{small.feed_forward[0]:.2g} (d = 32) to {small.feed_forward[-1]:.2g} (d = 768) of its "
        f"shortcut with weights N(0, 0.02²), {min(usual.feed_forward):.2g} or more with Xavier's, "
        f"and {min(theory.feed_forward):.2g} or more with those of the theory.",
    )


def final_norm() -> Finding:
    """Claim 14: what do deep pre-norm models say at first, with a final norm and without?"""
    raw = "y = x + f1 + f2" in torchs_equations(norm_first=True)
    losses = initial_losses([24], seeds=[0])
    shares = {name: float(loss[0, 0]) / losses.chance for name, loss in losses.losses.items()}
    without, with_norm = shares["pre-norm, no final norm"], shares["pre-norm"]
    return Finding(
        (
            Measure("first loss / chance, no final norm", without, "the stream grows", low=2),
            Measure("first loss / chance, with it", with_norm, "logits of size 1", high=1.5),
            Measure("torch's layer ends in x + f1 + f2", raw, "the raw x is added", 1, 1),
        ),
        f"24 untrained pre-norm layers without a final norm start at {without:.1f} times the loss "
        f"of chance, and with it at {with_norm:.1f}.",
    )


def pre_norm_changes() -> Finding:
    """Claim 15: how far does an untrained pre-norm block move the stream?"""
    growth = stream_growth("pre-norm", layers=24, seed=0)
    theory = stream_growth("pre-norm", init="xiong", layers=12, seed=0).mean_square[12]
    zero = stream_growth("pre-norm", init="zero-output", layers=2, d_model=64, seed=0)
    first, last = growth.change[0], growth.change[-1]
    return Finding(
        (
            Measure("change by the first block", first, "an identity: 0, ≈: < 0.1", low=0.3),
            Measure("change by the 24th block", last, "1/√l: still > 0.1", 0.1, 0.4),
            Measure("‖x‖²/d after 12 layers", theory, "band: 1 + l/2 … 1 + 3l/2", 7, 19),
            Measure("change with zero output matrices", zero.change[0], "exact identity", high=0),
        ),
        f"The first untrained pre-norm block changes the stream by {100 * first:.0f} %, the 24th "
        f"by {100 * last:.0f} %; with the last matrix of each branch at zero by "
        f"{100 * zero.change[0]:.0f} %.",
    )


CLAIMS = (
    Claim(
        2,
        "Distinguish pre-norm (norm before sub-layer) from post-norm (norm after residual add)",
        "definition",
        "holds",
        "",
        "Post-norm is norm(x + f(x)), pre-norm x + f(norm(x)).",
        first_boxes,
        "torch's encoder layer, read from its operators",
        XIONG.format("Table 1"),
        "05",
    ),
    Claim(
        10,
        "Every transformer block contains two sub-layers (self-attention and FFN), each wrapped "
        "with a residual connection and LayerNorm.",
        "count",
        "imprecise",
        "most; parallel blocks have one norm, peri-norm four",
        "A decoder block that reads an encoder has three sub-layers; parallel blocks (GPT-J, "
        "Falcon 7B) have one norm for both; Gemma 2 has four.",
        norms_per_layer,
        "the layers of decoders, encoders and both in transformers 5.24, from the stored scan",
        "Vaswani et al. 2017, §3.1, arXiv:1706.03762; modeling_gptj.py and modeling_gemma2.py of "
        "transformers",
        "05",
    ),
    Claim(
        11,
        "Post-Norm (Original Transformer, Vaswani et al. 2017)",
        "definition",
        "holds",
        "",
        "The paper's formula is post-norm, and so is the default of PyTorch's layer. The authors' "
        "transformer_base_v2 is pre-norm.",
        torchs_default_layer,
        "torch's encoder layer, d = 64; the authors' code was read, not run",
        "Vaswani et al. 2017, §3.1, arXiv:1706.03762; tensor2tensor, models/transformer.py",
        "05",
    ),
    Claim(
        12,
        "At initialization, the residual branch is near-zero (small weights)",
        "measurement",
        "holds if",
        "the weights have a deviation far below 1/√d",
        "The branch grows like (σ√d)², since it passes two matrices. With σ = 0.02 it is near zero "
        "at d = 32 and not at 768; with weights as in the theory the norm's input has ‖x‖² = 3d/2.",
        post_norm_branches,
        "2 layers, d = 32, 128, 384 and 768, three initializations, untrained",
        XIONG.format("Lemma 2"),
        "05",
    ),
    Claim(
        14,
        "Normalization is applied to the input before the sub-layer, and the raw (unnormalized) "
        "residual is added.",
        "measurement",
        "holds",
        "",
        "x + f(norm(x)) in each block. What the seed never mentions: a stack needs one more norm "
        "at its end, since the stream has grown.",
        final_norm,
        "torch's layer; 24 decoder layers, d = 64, untrained",
        XIONG.format("Table 1"),
        "05",
    ),
    Claim(
        15,
        "at initialization, starts near zero, so — the block is approximately an identity",
        "measurement",
        "holds if",
        "the output matrices start at zero, or nearly",
        "(1 + l/2)d ≤ ‖x_l‖² ≤ (1 + 3l/2)d: the branch is of the stream's size at first, and falls "
        "like 1/√l. An exact identity needs zero weights (ReZero, adaLN-Zero).",
        pre_norm_changes,
        "24 layers, d = 256, untrained",
        XIONG.format("Lemma 2"),
        "05",
    ),
)
