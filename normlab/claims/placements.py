"""Claims on where the norm stands, and on what an untrained block does to the stream."""

import torch
from torch import nn

from normlab.chapters.residual_placement.stream import stream_growth
from normlab.chapters.residual_placement.untrained_losses import initial_losses
from normlab.claims.claim import Claim, Finding, Measure
from normlab.models.placement.standard import PLACEMENTS
from normlab.models.placement.wiring import Kind, trace
from normlab.models.transformer import TransformerConfig
from normlab.probes import profile_depth

XIONG = "Xiong et al. 2020, {}, arXiv:2002.04745"


def first_boxes() -> Finding:
    """Claim 2: in which order does the code of either placement run its boxes?"""

    def place(placement: str, kind: Kind) -> int:
        return [node.kind for node in trace(PLACEMENTS[placement]).nodes].index(kind)

    def norm_minus_sublayer(placement: str) -> int:
        return place(placement, "norm") - place(placement, "sub-layer")

    pre, post = norm_minus_sublayer("pre-norm"), norm_minus_sublayer("post-norm")
    after_sum = place("post-norm", "norm") - place("post-norm", "sum")
    return Finding(
        (
            Measure("pre-norm: boxes from sub-layer to norm", pre, "norm, sub-layer", -1, -1),
            Measure("post-norm: from sub-layer to norm", post, "sub-layer, sum, norm", 2, 2),
            Measure("post-norm: from sum to norm", after_sum, "the norm reads the sum", 1, 1),
        ),
        f"Read off the code that runs: the norm stands {-pre} box before the sub-layer in "
        f"pre-norm, and {post} boxes behind it in post-norm, {after_sum} behind the sum.",
    )


def norms_per_block() -> Finding:
    """Claim 10: how many norms and sub-layers do blocks have?"""

    def count(placement: str, kind: Kind, sublayers: int = 2) -> int:
        wiring = trace(PLACEMENTS[placement], sublayers=sublayers)
        return [node.kind for node in wiring.nodes].count(kind)

    parallel, peri = count("parallel", "norm"), count("peri-norm", "norm")
    decoder = TransformerConfig(encoder_layers=1, decoder_layers=1).site("decoder", 1)
    third = count("post-norm", "sub-layer", decoder.sublayers)
    return Finding(
        (
            Measure("norms in a parallel block", parallel, "one for both sub-layers", 1, 1),
            Measure("norms in a peri-norm block", peri, "one on each side of each", 4, 4),
            Measure("sub-layers of a decoder with an encoder", third, "cross-attention", 3, 3),
        ),
        f"A parallel block (GPT-J) has {parallel} norm, one of peri-norm (Gemma 2) {peri}; a "
        f"decoder block that reads an encoder has {third} sub-layers.",
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
    """Claim 12: how large is an untrained branch beside its shortcut?"""
    config = TransformerConfig(
        encoder_layers=12, placement="post-norm", d_model=128, d_ff=512, init="xiong"
    )
    profile = profile_depth(config, seed=0)
    ffn = profile.sum_mean_square[1::2].mean()  # every second sub-layer: (2L,) -> (L,) -> ()
    ratio = profile.branch_ratio[1::2].mean()
    return Finding(
        (
            Measure("FFN's branch / shortcut", ratio, "Lemma 2: √½; near zero: < 0.1", 0.5, 0.9),
            Measure("‖x‖²/d of the sum", ffn, "Lemma 2: 3/2; with no branch 1", 1.3, 1.7),
        ),
        f"In 12 untrained post-norm layers the FFN's branch is {ratio:.2f} of the shortcut, and "
        f"what enters the norm has ‖x‖²/d = {ffn:.2f}.",
    )


def final_norm() -> Finding:
    """Claim 14: what do deep pre-norm models say at first, with a final norm and without?"""
    step = PLACEMENTS["pre-norm"](TransformerConfig(encoder_layers=1).site("encoder", 1)).step
    x, f = torch.randn(2, 8, generator=torch.Generator().manual_seed(0)), torch.sin
    raw = float((step(x, f, torch.tanh) - f(torch.tanh(x)) - x).abs().max())
    losses = initial_losses([24], seeds=[0])
    shares = {name: float(loss[0, 0]) / losses.chance for name, loss in losses.losses.items()}
    without, with_norm = shares["pre-norm, no final norm"], shares["pre-norm"]
    return Finding(
        (
            Measure("first loss / chance, no final norm", without, "the stream grows", low=2),
            Measure("first loss / chance, with it", with_norm, "logits of size 1", high=1.5),
            Measure("x' − f(norm(x)) − x", raw, "the shortcut is x, rounded", high=1e-5),
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
        "holds",
        "",
        "Post-norm is norm(x + f(x)), pre-norm x + f(norm(x)).",
        first_boxes,
        "one block, traced through its own code",
        XIONG.format("Table 1"),
        "05",
    ),
    Claim(
        10,
        "Every transformer block contains two sub-layers (self-attention and FFN), each wrapped "
        "with a residual connection and LayerNorm.",
        "imprecise",
        "1 to 4 norms, 2 or 3 sub-layers",
        "A decoder block that reads an encoder has three sub-layers; parallel blocks (GPT-J, "
        "Falcon 7B) have one norm for both; Gemma 2 has four.",
        norms_per_block,
        "one block of each kind, counted in the code that runs",
        "Vaswani et al. 2017, §3.1, arXiv:1706.03762; modeling_gptj.py and modeling_gemma2.py of "
        "transformers",
        "05",
    ),
    Claim(
        11,
        "Post-Norm (Original Transformer, Vaswani et al. 2017)",
        "holds if",
        "one means the paper; the authors' later code is pre-norm",
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
        "wrong",
        "",
        "The FFN's branch adds ½ to a stream of mean square 1: the norm's input has ‖x‖² = 3d/2.",
        post_norm_branches,
        "12 layers, d = 128, weights as in the paper's theory",
        XIONG.format("Lemma 2"),
        "05",
    ),
    Claim(
        14,
        "Normalization is applied to the input before the sub-layer, and the raw (unnormalized) "
        "residual is added.",
        "holds if",
        "a final norm follows the last block",
        "x + f(norm(x)) in each block, and one more norm at the end, since the stream has grown.",
        final_norm,
        "24 decoder layers, d = 64, untrained",
        XIONG.format("Table 1"),
        "05",
    ),
    Claim(
        15,
        "at initialization, starts near zero, so — the block is approximately an identity",
        "wrong",
        "",
        "(1 + l/2)d ≤ ‖x_l‖² ≤ (1 + 3l/2)d: the branch is of the stream's size at first, and falls "
        "like 1/√l. An exact identity needs zero weights (ReZero, adaLN-Zero).",
        pre_norm_changes,
        "24 layers, d = 256, untrained",
        XIONG.format("Lemma 2"),
        "05",
    ),
)
