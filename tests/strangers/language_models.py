"""nanoGPT and minGPT."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    VOCAB,
    Attention,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import PRE, collection, ln

STRANGERS, stranger = collection()


class LayerNorm(nn.Module):
    """nanoGPT's: with an optional bias."""

    def __init__(self, ndim, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(ndim))
        self.bias = nn.Parameter(torch.zeros(ndim)) if bias else None

    def forward(self, input):
        return F.layer_norm(input, self.weight.shape, self.weight, self.bias, 1e-5)


class NanoGPTBlock(nn.Module):
    def __init__(self, bias):
        super().__init__()
        self.ln_1 = LayerNorm(DIM, bias=bias)
        self.attn = Attention(causal=True, bias=bias)
        self.ln_2 = LayerNorm(DIM, bias=bias)
        self.mlp = nn.Sequential(nn.Linear(DIM, 4 * DIM), nn.GELU(), nn.Linear(4 * DIM, DIM))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp(self.ln_2(x))
        return x


class NanoGPT(nn.Module):
    def __init__(self, bias=False, layers=4):
        super().__init__()
        self.transformer = nn.ModuleDict(
            dict(
                wte=nn.Embedding(VOCAB, DIM),
                wpe=nn.Embedding(9, DIM),
                drop=nn.Dropout(0.1),
                h=nn.ModuleList([NanoGPTBlock(bias) for _ in range(layers)]),
                ln_f=LayerNorm(DIM, bias=bias),
            )
        )
        self.lm_head = nn.Linear(DIM, VOCAB, bias=False)
        self.transformer.wte.weight = self.lm_head.weight

    def forward(self, idx, targets=None):
        t = idx.size(1)
        pos = torch.arange(0, t, dtype=torch.long, device=idx.device)
        x = self.transformer.drop(self.transformer.wte(idx) + self.transformer.wpe(pos))
        for block in self.transformer.h:
            x = block(x)
        x = self.transformer.ln_f(x)
        if targets is None:
            return self.lm_head(x[:, [-1], :]), None  # only the last token
        logits = self.lm_head(x)
        return logits, F.cross_entropy(logits.view(-1, VOCAB), targets.view(-1))


for bias in (False, True):

    @stranger(
        f"nanoGPT, bias={bias}",
        {ln(bias=bias): 8, ln(bias=bias, role="final"): 1},
        "pre-norm",
        layers=4,
        equations=PRE,
    )
    def _(bias=bias):
        return NanoGPT(bias), ids()


@stranger(
    "nanoGPT with targets",
    {ln(): 4, ln(role="final"): 1},
    "pre-norm",
    layers=2,
    equations=PRE,
)
def _():
    return NanoGPT(True, layers=2), {"idx": ids(), "targets": ids()}


class NewGELU(nn.Module):
    def forward(self, x):
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))
        return 0.5 * x * (1.0 + torch.tanh(inner))


class CausalSelfAttention(nn.Module):
    """minGPT's: a mask in a buffer, masked_fill, softmax."""

    def __init__(self):
        super().__init__()
        self.c_attn = nn.Linear(DIM, 3 * DIM)
        self.c_proj = nn.Linear(DIM, DIM)
        self.attn_dropout, self.resid_dropout = nn.Dropout(0.1), nn.Dropout(0.1)
        self.register_buffer("bias", torch.tril(torch.ones(9, 9)).view(1, 1, 9, 9))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(DIM, dim=2)
        k = k.view(B, T, HEADS, C // HEADS).transpose(1, 2)
        q = q.view(B, T, HEADS, C // HEADS).transpose(1, 2)
        v = v.view(B, T, HEADS, C // HEADS).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float("-inf"))
        y = self.attn_dropout(F.softmax(att, dim=-1)) @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        return self.resid_dropout(self.c_proj(y))


class MinGPTBlock(nn.Module):
    """The MLP is a ModuleDict called through a lambda."""

    def __init__(self):
        super().__init__()
        self.ln_1 = nn.LayerNorm(DIM)
        self.attn = CausalSelfAttention()
        self.ln_2 = nn.LayerNorm(DIM)
        self.mlp = nn.ModuleDict(
            dict(
                c_fc=nn.Linear(DIM, 4 * DIM),
                c_proj=nn.Linear(4 * DIM, DIM),
                act=NewGELU(),
                dropout=nn.Dropout(0.1),
            )
        )
        m = self.mlp
        self.mlpf = lambda x: m.dropout(m.c_proj(m.act(m.c_fc(x))))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlpf(self.ln_2(x))
        return x


@stranger("minGPT block", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return MinGPTBlock(), stream()


@stranger("minGPT", {ln(): 4, ln(role="final"): 1}, "pre-norm", layers=2, equations=PRE)
def _():
    return Stack([MinGPTBlock(), MinGPTBlock()], nn.LayerNorm(DIM)), ids()
