"""Each wiring that is not pre-norm, with each way to write a norm: blocks and stacks."""

import torch
from torch import nn

from tests.strangers.norms_written_out import AutogradNorm, FusedNorm, OnePlus, SumNorm, VarMeanNorm
from tests.strangers.parts import DIM, MLP, Attention, PostBlock, Stack, SwiGLU, ids, stream
from tests.strangers.stranger import PERI, POST, REORDERED, collection, dyt, ln, rms
from tests.strangers.table_rows import DyT, Float32Norm, OwnGain

STRANGERS, stranger = collection()

NORMS = {
    "nn.LayerNorm": (nn.LayerNorm, ln()),
    "a wrapped norm": (OwnGain, ln(bias=False)),
    "float32 and back": (Float32Norm, ln()),
    "var_mean": (VarMeanNorm, ln(1e-6)),
    "autograd.Function": (AutogradNorm, ln(1e-6)),
    "a sum of squares": (SumNorm, rms(1e-5)),
    "1 + weight": (OnePlus, rms(gain="1 + weight")),
}


class Reordered(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.attention, self.ffn = Attention(), SwiGLU()
        self.post_attention_norm, self.post_ffn_norm = norm(DIM), norm(DIM)

    def forward(self, x):
        h = self.attention(x)
        x = x + self.post_attention_norm(h)
        h = self.ffn(x)
        return x + self.post_ffn_norm(h)


class Peri(Reordered):
    def __init__(self, norm):
        super().__init__(norm)
        self.pre_attention_norm, self.pre_ffn_norm = norm(DIM), norm(DIM)

    def forward(self, x):
        for before, f, after in (
            (self.pre_attention_norm, self.attention, self.post_attention_norm),
            (self.pre_ffn_norm, self.ffn, self.post_ffn_norm),
        ):
            x = x + after(f(before(x)))
        return x


class Deep(PostBlock):
    """α is in a buffer, so that it is saved with the model."""

    def __init__(self, norm, depth=12):
        super().__init__(norm)
        self.register_buffer("alpha", torch.tensor((2.0 * depth) ** 0.25))

    def forward(self, x):
        x = self.norm1(x * self.alpha + self.attn(x))
        return self.norm2(x * self.alpha + self.mlp(x))


class Parallel(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.ln, self.attn, self.mlp = norm(DIM), Attention(causal=True), MLP()

    def forward(self, x):
        h = self.ln(x)
        return sum((self.attn(h), self.mlp(h), x))


WIRINGS = {
    "post-norm": (PostBlock, 2, "post-norm", POST),
    "reordered": (Reordered, 2, "reordered-norm", REORDERED),
    "peri": (Peri, 4, "peri-norm|sandwich", PERI),
    "DeepNorm": (Deep, 2, "DeepNorm", POST),
    # Whether f1 and f2 are two terms or one is left open.
    "parallel": (Parallel, 1, "parallel", ()),
}

for wiring, (block, count, placement, equations) in WIRINGS.items():
    for how, (norm, truth) in NORMS.items():

        @stranger(f"{wiring}, {how}", {truth: count}, placement, equations=equations)
        def _(block=block, norm=norm):
            return block(norm), stream()


DEPTH = 5

for wiring, how, final in (
    ("post-norm", "float32 and back", False),
    ("post-norm", "a sum of squares", False),
    ("reordered", "1 + weight", True),
    ("reordered", "nn.LayerNorm", True),
    ("peri", "var_mean", True),
    ("peri", "a wrapped norm", True),
    ("DeepNorm", "autograd.Function", False),
    ("DeepNorm", "a sum of squares", False),
    ("parallel", "1 + weight", True),
    ("parallel", "a wrapped norm", True),
):
    block, count, placement, equations = WIRINGS[wiring]
    norm, truth = NORMS[how]

    @stranger(
        f"{DEPTH} layers: {wiring}, {how}",
        {truth: DEPTH * count} | ({truth.at("final"): 1} if final else {}),
        placement,
        layers=DEPTH,
        equations=equations,
    )
    def _(block=block, norm=norm, final=final):
        return Stack([block(norm) for _ in range(DEPTH)], norm(DIM) if final else None), ids()


@stranger("reordered, DyT", {dyt(): 2}, "reordered-norm", equations=REORDERED)
def _():
    return Reordered(DyT), stream()


@stranger("peri, DyT", {dyt(): 4}, "peri-norm|sandwich", equations=PERI)
def _():
    return Peri(DyT), stream()


# An operator that nobody knows: a refusal is right as well.
@stranger(
    "reordered, a fused norm of one's own",
    {ln(bias=False): 2},
    "reordered-norm",
    equations=REORDERED,
    may_refuse=True,
)
def _():
    return Reordered(FusedNorm), stream()


class Mixed(nn.Module):
    """Different placements in one model: post, peri, parallel, reordered."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [PostBlock(), Peri(nn.LayerNorm), Parallel(nn.LayerNorm), Reordered(nn.LayerNorm)]
        )
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


@stranger(
    "four placements in one model",
    {ln(): 2 + 4 + 1 + 2, ln(role="final"): 1},
    ("post-norm", "peri-norm|sandwich", "parallel", "reordered-norm"),
)
def _():
    return Mixed(), stream()
