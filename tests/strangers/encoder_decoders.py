"""Layers with cross-attention, torch's own layers, and one layer that runs many times."""

import torch
from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    HIDDEN,
    MLP,
    VOCAB,
    Attention,
    CrossAttention,
    PostBlock,
    PreBlock,
    ids,
    stream,
)
from tests.strangers.stranger import POST, PRE, collection, ln

STRANGERS, stranger = collection()


class PreDecoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(DIM) for _ in range(3)])
        self.self_attn, self.cross_attn, self.mlp = Attention(causal=True), CrossAttention(), MLP()

    def forward(self, x, memory):
        x = x + self.self_attn(self.norms[0](x))
        x = x + self.cross_attn(self.norms[1](x), memory)
        return x + self.mlp(self.norms[2](x))


class PostDecoderLayer(PreDecoderLayer):
    def forward(self, x, memory):
        x = self.norms[0](x + self.self_attn(x))
        x = self.norms[1](x + self.cross_attn(x, memory))
        return self.norms[2](x + self.mlp(x))


THREE_PRE = (
    "n1 = norm(x)",
    "f1 = f(n1)",
    "n2 = norm(x + f1)",
    "f2 = f(n2)",
    "n3 = norm(x + f1 + f2)",
    "f3 = f(n3)",
    "y = x + f1 + f2 + f3",
)
THREE_POST = (
    "f1 = f(x)",
    "n1 = norm(x + f1)",
    "f2 = f(n1)",
    "n2 = norm(n1 + f2)",
    "f3 = f(n2)",
    "y = norm(n2 + f3)",
)


@stranger("decoder block, pre-norm", {ln(): 3}, "pre-norm", equations=THREE_PRE)
def _():
    return PreDecoderLayer(), (stream(), stream(tokens=5))


@stranger("decoder block, post-norm", {ln(): 3}, "post-norm", equations=THREE_POST)
def _():
    return PostDecoderLayer(), {"x": stream(), "memory": stream(tokens=5)}


class Decoder(nn.Module):
    def __init__(self, layer, layers, final):
        super().__init__()
        self.layers = nn.ModuleList([layer() for _ in range(layers)])
        self.norm = nn.LayerNorm(DIM) if final else nn.Identity()

    def forward(self, x, memory):
        for layer in self.layers:
            x = layer(x, memory)
        return self.norm(x)


class Seq2Seq(nn.Module):
    """A pre-norm encoder of two layers, a post-norm decoder of three."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        self.encoder = nn.ModuleList([PreBlock(), PreBlock()])
        self.encoder_norm = nn.LayerNorm(DIM)
        self.decoder = Decoder(PostDecoderLayer, 3, final=False)
        self.out = nn.Linear(DIM, VOCAB)

    def forward(self, src, tgt):
        memory = self.embed(src)
        for block in self.encoder:
            memory = block(memory)
        return self.out(self.decoder(self.embed(tgt), self.encoder_norm(memory)))


@stranger(
    "encoder pre-norm, decoder post-norm",
    {ln(): 13, ln(role="final"): 1},
    ("pre-norm", "pre-norm", "post-norm", "post-norm", "post-norm"),
)
def _():
    return Seq2Seq(), (torch.randint(0, VOCAB, (3, 5)), ids())


TORCH = dict(d_model=DIM, nhead=HEADS, dim_feedforward=HIDDEN, dropout=0.1)

for first in (True, False):
    name = "pre-norm" if first else "post-norm"
    equations = PRE if first else POST
    three = THREE_PRE if first else THREE_POST
    final = {ln(role="final"): 1} if first else {}

    @stranger(f"nn.TransformerEncoderLayer, {name}", {ln(): 2}, name, equations=equations)
    def _(first=first):
        return nn.TransformerEncoderLayer(**TORCH, batch_first=True, norm_first=first), stream()

    @stranger(f"nn.TransformerDecoderLayer, {name}", {ln(): 3}, name, equations=three)
    def _(first=first):
        layer = nn.TransformerDecoderLayer(**TORCH, batch_first=True, norm_first=first)
        return layer, (stream(), stream(tokens=5))

    @stranger(
        f"nn.TransformerEncoder, {name}", {ln(): 6, **final}, name, layers=3, equations=equations
    )
    def _(first=first):
        layer = nn.TransformerEncoderLayer(**TORCH, batch_first=True, norm_first=first)
        norm = nn.LayerNorm(DIM) if first else None
        return nn.TransformerEncoder(layer, 3, norm, enable_nested_tensor=False), stream()

    @stranger(
        f"nn.TransformerEncoderLayer, {name}, batch second", {ln(): 2}, name, equations=equations
    )
    def _(first=first):
        layer = nn.TransformerEncoderLayer(**TORCH, norm_first=first)
        return layer, torch.randn(7, 3, DIM)


# torch's own transformer closes both stacks with a norm, in post-norm too.
@stranger(
    "nn.Transformer",
    {ln(): 2 * 2 + 3 * 2, ln(role="final"): 2},
    ("post-norm",) * 4,
)
def _():
    model = nn.Transformer(DIM, HEADS, 2, 2, HIDDEN, batch_first=True)
    return model, (stream(tokens=5), stream())


@stranger(
    "nn.TransformerEncoder with a padding mask", {ln(): 4}, "post-norm", layers=2, equations=POST
)
def _():
    layer = nn.TransformerEncoderLayer(**TORCH, batch_first=True)
    mask = torch.zeros(3, 7, dtype=torch.bool)
    mask[2, 4:] = True
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    return encoder, {"src": stream(), "src_key_padding_mask": mask}


class AlbertLike(nn.Module):
    """One layer, run four times."""

    def __init__(self, block, depth=4, final=None):
        super().__init__()
        self.embed = nn.Linear(10, DIM)
        self.block, self.depth, self.norm = block, depth, final or nn.Identity()

    def forward(self, x):
        x = self.embed(x)
        for _ in range(self.depth):
            x = self.block(x)
        return self.norm(x)


# A layer that runs four times is one layer or four; its norms are listed once or each time.
@stranger(
    "ALBERT",
    {ln(): 2},
    "post-norm",
    layers=(1, 4),
    equations=POST,
    optional={ln(): 6},
)
def _():
    return AlbertLike(PostBlock()), torch.randn(3, 7, 10)


@stranger(
    "universal transformer, pre-norm",
    {ln(): 2, ln(role="final"): 1},
    "pre-norm",
    layers=(1, 4),
    equations=PRE,
    optional={ln(): 6},
)
def _():
    return AlbertLike(PreBlock(), final=nn.LayerNorm(DIM)), torch.randn(3, 7, 10)
