"""Norms that are forgotten, shared, decayed, or over all heads; and near ones without."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    MLP,
    Attention,
    PreBlock,
    RMSNorm,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import PRE, Norm, collection, ln, rms

STRANGERS, stranger = collection()


class ForgottenNorm(PreBlock):
    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(x)


@stranger("norm-never-called: in a block", {ln(): 1}, "pre-norm|other", "norm-never-called")
def _():
    return ForgottenNorm(), stream()


class ForgottenFinal(Stack):
    def forward(self, tokens):
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


@stranger(
    "norm-never-called: the final one",
    {ln(): 4},
    "pre-norm",
    {"norm-never-called", "no-final-norm"},
    layers=2,
    equations=PRE,
)
def _():
    return ForgottenFinal([PreBlock() for _ in range(2)], nn.LayerNorm(DIM)), ids()


class OneNorm(nn.Module):
    """One norm at two sites."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(DIM)
        self.attn, self.mlp = Attention(), MLP()

    def forward(self, x):
        x = x + self.attn(self.norm(x))
        return x + self.mlp(self.norm(x))


@stranger("shared-norm", {ln(): 1}, "pre-norm", "shared-norm", equations=PRE, optional={ln(): 1})
def _():
    return OneNorm(), stream()


class SameNormTwice(PreBlock):
    """Two names, one module."""

    def __init__(self):
        super().__init__()
        self.norm2 = self.norm1


@stranger(
    "shared-norm: two names",
    {ln(): 1},
    "pre-norm",
    "shared-norm",
    equations=PRE,
    optional={ln(): 1},
)
def _():
    return SameNormTwice(), stream()


class OneNormOnce(OneNorm):
    """One norm, called once, read by two sub-layers."""

    def forward(self, x):
        h = self.norm(x)
        return x + self.attn(h) + self.mlp(h)


@stranger("near shared-norm: parallel", {ln(): 1}, "parallel")
def _():
    return OneNormOnce(), stream()


def _all_in_one(model):
    return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)


def _in_groups(model):
    gains = [p for p in model.parameters() if p.ndim < 2]
    weights = [p for p in model.parameters() if p.ndim >= 2]
    groups = [{"params": weights, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-3)


def _no_decay(model):
    return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)


for optimizer, codes in (
    (_all_in_one, "decayed-gain"),
    (_in_groups, ()),
    (_no_decay, ()),
):

    @stranger(
        f"decayed-gain: {optimizer.__name__.strip('_').replace('_', ' ')}",
        {ln(): 4, ln(role="final"): 1},
        "pre-norm",
        codes,
        layers=2,
        equations=PRE,
        optimizer=optimizer,
    )
    def _():
        return Stack([PreBlock() for _ in range(2)], nn.LayerNorm(DIM)), ids()


class QKNormAttention(Attention):
    """QK-norm: over all heads, before they are cut, or over each."""

    def __init__(self, over_all):
        super().__init__(bias=False)
        self.over_all = over_all
        self.q_norm = RMSNorm(DIM if over_all else DIM // HEADS)
        self.k_norm = RMSNorm(DIM if over_all else DIM // HEADS)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        if self.over_all:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k, v = (t.unflatten(-1, (HEADS, -1)) for t in (q, k, v))
        if not self.over_all:
            q, k = self.q_norm(q), self.k_norm(k)
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


for over_all in (True, False):

    @stranger(
        "qk-norm-all-heads" if over_all else "near qk-norm-all-heads: over each",
        {rms(): 2, rms(role="inner"): 2},
        "pre-norm",
        "qk-norm-all-heads" if over_all else (),
        equations=PRE,
    )
    def _(over_all=over_all):
        return PreBlock(RMSNorm, attention=QKNormAttention(over_all)), stream()


class AcrossHeads(QKNormAttention):
    """By mistake the statistics are over the axis of heads."""

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (t.unflatten(-1, (HEADS, -1)).transpose(1, 2) for t in (q, k, v))
        q, k = (t * torch.rsqrt(t.pow(2).mean(1, keepdim=True) + 1e-6) for t in (q, k))
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class PlainAcrossHeads(AcrossHeads):
    def __init__(self):
        super().__init__(over_all=False)
        del self.q_norm, self.k_norm


@stranger(
    "wrong-axes: over the heads",
    {rms(): 2, Norm(("RMSNorm", "other"), 1e-6, "none", role="inner"): 2},
    "pre-norm",
    "wrong-axes",
    equations=PRE,
    may_refuse=True,
)
def _():
    return PreBlock(RMSNorm, attention=PlainAcrossHeads()), stream()
