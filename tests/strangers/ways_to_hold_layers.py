"""Layers in dicts, as attributes, with tuples, with skips, in place."""

from functools import partial

import torch
from torch import nn

from tests.strangers.parts import (
    DIM,
    HIDDEN,
    MLP,
    VOCAB,
    Attention,
    PostBlock,
    PreBlock,
    RMSNorm,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import HALF_PRE, POST, PRE, collection, ln, rms
from tests.strangers.ways_to_write import FINAL

STRANGERS, stranger = collection()


class TupleBlock(PreBlock):
    """Returns the stream and the weights; takes a mask and a cache."""

    def forward(self, hidden_states, attention_mask=None, layer_past=None, use_cache=False):
        h = hidden_states + self.attn(self.norm1(hidden_states))
        h = h + self.mlp(self.norm2(h))
        outputs = (h,)
        if use_cache:
            outputs = (*outputs, (hidden_states, h))
        return outputs


class TupleModel(Stack):
    def forward(self, input_ids, attention_mask=None, output_hidden_states=True):
        x = self.embed(input_ids)
        states = []
        for block in self.layers:
            states.append(x)
            x = block(x, attention_mask=attention_mask, use_cache=True)[0]
        x = self.norm(x)
        return {"logits": self.head(x), "hidden_states": tuple([*states, x])}


@stranger("layers that return tuples", {ln(): 4, **FINAL}, "pre-norm", layers=2, equations=PRE)
def _():
    return TupleModel([TupleBlock(), TupleBlock()], nn.LayerNorm(DIM)), {
        "input_ids": ids(),
        "attention_mask": torch.ones(3, 7),
    }


class DictModel(nn.Module):
    """Layers in a ModuleDict, by name."""

    def __init__(self, depth=3):
        super().__init__()
        self.blocks = nn.ModuleDict({f"block_{i}": PreBlock(RMSNorm) for i in range(depth)})
        self.out = RMSNorm(DIM)

    def forward(self, x):
        for name in sorted(self.blocks):
            x = self.blocks[name](x)
        return self.out(x)


@stranger(
    "layers in a ModuleDict",
    {rms(): 6, rms(role="final"): 1},
    "pre-norm",
    layers=3,
    equations=PRE,
)
def _():
    return DictModel(), stream()


class Numbered(nn.Module):
    """layer1, layer2, layer3 as attributes."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, DIM)
        self.layer1, self.layer2, self.layer3 = PostBlock(), PostBlock(), PostBlock()
        self.fc = nn.Linear(DIM, VOCAB)

    def forward(self, x):
        x = self.emb(x) * DIM**0.5
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        return self.fc(x)


@stranger("layers as attributes", {ln(): 6}, "post-norm", layers=3, equations=POST)
def _():
    return Numbered(), ids()


class InPlace(PreBlock):
    """+= on the stream."""

    def forward(self, x):
        x = x.clone()
        x += self.attn(self.norm1(x))
        x.add_(self.mlp(self.norm2(x)))
        return x


@stranger("in-place sums", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return InPlace(), stream()


class Carried(nn.Module):
    """The sum and the norm are one: the residual is handed on unsummed, as in vLLM."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(DIM), RMSNorm(DIM)
        self.attn, self.mlp = Attention(), MLP()

    @staticmethod
    def add_norm(norm, x, residual):
        residual = x if residual is None else x + residual
        return norm(residual), residual

    def forward(self, x, residual=None):
        x, residual = self.add_norm(self.norm1, x, residual)
        x = self.attn(x)
        x, residual = self.add_norm(self.norm2, x, residual)
        return self.mlp(x), residual


class CarriedModel(nn.Module):
    def __init__(self, depth=3):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        self.layers = nn.ModuleList([Carried() for _ in range(depth)])
        self.norm = RMSNorm(DIM)
        self.head = nn.Linear(DIM, VOCAB)

    def forward(self, tokens):
        x, residual = self.embed(tokens), None
        for layer in self.layers:
            x, residual = layer(x, residual)
        x, _ = Carried.add_norm(self.norm, x, residual)
        return self.head(x)


@stranger(
    "residual handed on beside the branch",
    {rms(): 6, rms(role="final"): 1},
    "pre-norm",
    layers=(3, 6),
    may_refuse=True,
)
def _():
    return CarriedModel(), ids()


class UNetTransformer(nn.Module):
    """Skips from the first half to the second, through concatenation and a linear map."""

    def __init__(self, depth=4):
        super().__init__()
        self.down = nn.ModuleList([PreBlock() for _ in range(depth // 2)])
        self.up = nn.ModuleList([PreBlock() for _ in range(depth // 2)])
        self.skip = nn.ModuleList([nn.Linear(2 * DIM, DIM) for _ in range(depth // 2)])
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x):
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        for block, skip in zip(self.up, self.skip, strict=True):
            x = block(skip(torch.cat((x, skips.pop()), dim=-1)))
        return self.norm(x)


@stranger("U-Net transformer", {ln(): 8, **FINAL}, "pre-norm", layers=4, equations=PRE)
def _():
    return UNetTransformer(), stream()


class AddedSkips(UNetTransformer):
    """Skips that are added, with a learned weight."""

    def __init__(self):
        super().__init__()
        del self.skip
        self.weights = nn.Parameter(torch.ones(2))

    def forward(self, x):
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        for i, block in enumerate(self.up):
            x = block(x + self.weights[i] * skips.pop())
        return self.norm(x)


@stranger("U-Net transformer, added skips", {ln(): 8, **FINAL}, "pre-norm", layers=4)
def _():
    return AddedSkips(), stream()


class Sublayer(nn.Module):
    """The Annotated Transformer's SublayerConnection, which takes a function."""

    def __init__(self):
        super().__init__()
        self.norm, self.dropout = nn.LayerNorm(DIM, eps=1e-6), nn.Dropout(0.1)

    def forward(self, x, sublayer):
        return x + self.dropout(sublayer(self.norm(x)))


class AnnotatedLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn, self.feed_forward = Attention(), MLP()
        self.sublayer = nn.ModuleList([Sublayer(), Sublayer()])

    def forward(self, x, mask=None):
        x = self.sublayer[0](x, lambda x: self.self_attn(x))
        return self.sublayer[1](x, self.feed_forward)


@stranger("sub-layers given as functions", {ln(1e-6): 2}, "pre-norm", equations=PRE)
def _():
    return AnnotatedLayer(), stream()


layer_norm_of_vit = partial(nn.LayerNorm, eps=1e-6)


class Factory(nn.Module):
    """norm_layer=partial(…), a flag for where it stands."""

    def __init__(self, norm_layer=layer_norm_of_vit, normalize_before=True):
        super().__init__()
        self.normalize_before = normalize_before
        self.fc1, self.fc2 = nn.Linear(DIM, HIDDEN), nn.Linear(HIDDEN, DIM)
        self.norm = norm_layer(DIM)

    def forward(self, x):
        residual = x
        if self.normalize_before:
            x = self.norm(x)
        x = residual + self.fc2(torch.relu(self.fc1(x)))
        return x if self.normalize_before else self.norm(x)


@stranger("a flag: before", {ln(1e-6): 1}, "pre-norm", equations=HALF_PRE)
def _():
    return Factory(), stream()


@stranger(
    "a flag: after",
    {ln(1e-6): 1},
    "post-norm",
    equations=("f1 = f(x)", "y = norm(x + f1)"),
)
def _():
    return Factory(normalize_before=False), stream()
