"""The mistakes of wiring, decay and heads in the other forms in which people make them."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.strangers.parts import (
    DIM,
    HEADS,
    HIDDEN,
    PostBlock,
    PreBlock,
    RMSNorm,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import POST, PRE, collection, ln, rms

STRANGERS, stranger = collection()

FINAL = {ln(role="final"): 1}
FINAL_RMS = {rms(role="final"): 1}


class TorchAdd(PostBlock):
    """torch.add multiplies its second argument by alpha, which one can take for the first."""

    def __init__(self, alpha, right):
        super().__init__()
        self.alpha, self.right = alpha, right

    def add(self, x, branch):
        if self.right:
            return torch.add(branch, x, alpha=self.alpha)
        return torch.add(x, branch, alpha=self.alpha)

    def forward(self, x):
        x = self.norm1(self.add(x, self.attn(x)))
        return self.norm2(self.add(x, self.mlp(x)))


@stranger(
    "alpha-on-branch: torch.add(x, f, alpha)",
    {ln(): 12},
    "post-norm|other|DeepNorm",
    "alpha-on-branch",
    layers=6,
    equations=POST,
)
def _():
    return Stack([TorchAdd(12**0.25, right=False) for _ in range(6)]), ids()


@stranger(
    "near alpha-on-branch: torch.add(f, x, alpha)",
    {ln(): 12},
    "DeepNorm",
    layers=6,
    equations=POST,
)
def _():
    return Stack([TorchAdd(12**0.25, right=True) for _ in range(6)]), ids()


@stranger(
    "deep-post-norm: nn.TransformerEncoder",
    {ln(): 72},
    "post-norm",
    "deep-post-norm",
    layers=36,
    equations=POST,
)
def _():
    layer = nn.TransformerEncoderLayer(DIM, HEADS, HIDDEN, batch_first=True)
    return nn.TransformerEncoder(layer, 36, enable_nested_tensor=False), stream()


@stranger(
    "near deep-post-norm: 36 layers of pre-norm",
    {ln(): 72, **FINAL},
    "pre-norm",
    layers=36,
    equations=PRE,
)
def _():
    layer = nn.TransformerEncoderLayer(DIM, HEADS, HIDDEN, batch_first=True, norm_first=True)
    encoder = nn.TransformerEncoder(layer, 36, nn.LayerNorm(DIM), enable_nested_tensor=False)
    return encoder, stream()


def by_name(*names):
    """The groups of BERT's scripts: what has one of the names is not decayed."""

    def make(model):
        named = list(model.named_parameters())
        kept = [p for n, p in named if any(name in n for name in names)]
        rest = [p for n, p in named if not any(name in n for name in names)]
        groups = [{"params": rest, "weight_decay": 0.01}, {"params": kept, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=1e-3)

    return make


# The gains are called norm1.weight here, and the list is that for LayerNorm.weight.
@stranger(
    "decayed-gain: the list of names is another model's",
    {ln(): 4, **FINAL},
    "pre-norm",
    "decayed-gain",
    layers=2,
    equations=PRE,
    optimizer=by_name("bias", "LayerNorm.weight"),
)
def _():
    return Stack([PreBlock() for _ in range(2)], nn.LayerNorm(DIM)), ids()


@stranger(
    "near decayed-gain: the list of names fits",
    {ln(): 4, **FINAL},
    "pre-norm",
    layers=2,
    equations=PRE,
    optimizer=by_name("bias", "norm"),
)
def _():
    return Stack([PreBlock() for _ in range(2)], nn.LayerNorm(DIM)), ids()


@stranger(
    "decayed-gain: RMSNorm under SGD",
    {rms(): 4, **FINAL_RMS},
    "pre-norm",
    "decayed-gain",
    layers=2,
    equations=PRE,
    optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-4),
)
def _():
    return Stack([PreBlock(RMSNorm) for _ in range(2)], RMSNorm(DIM)), ids()


class GroupedQueries(nn.Module):
    """QK-norm with fewer heads of keys: over all heads of each, or per head."""

    def __init__(self, per_head, heads=4, kv_heads=2):
        super().__init__()
        self.heads, self.kv_heads, self.per_head = heads, kv_heads, per_head
        width = DIM // heads
        self.q_proj = nn.Linear(DIM, heads * width)
        self.k_proj = nn.Linear(DIM, kv_heads * width)
        self.v_proj = nn.Linear(DIM, kv_heads * width)
        self.o_proj = nn.Linear(heads * width, DIM)
        self.q_norm = nn.LayerNorm(width if per_head else heads * width)
        self.k_norm = nn.LayerNorm(width if per_head else kv_heads * width)

    def forward(self, x):
        q, k, v = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        if not self.per_head:
            q, k = self.q_norm(q), self.k_norm(k)
        q = q.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k, v = (t.unflatten(-1, (self.kv_heads, -1)).transpose(1, 2) for t in (k, v))
        if self.per_head:
            q, k = self.q_norm(q), self.k_norm(k)
        k, v = (t.repeat_interleave(self.heads // self.kv_heads, dim=1) for t in (k, v))
        return self.o_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


for per_head in (False, True):

    @stranger(
        "near qk-norm-all-heads: grouped" if per_head else "qk-norm-all-heads: grouped",
        {ln(): 2, ln(role="inner"): 2},
        "pre-norm",
        () if per_head else "qk-norm-all-heads",
        equations=PRE,
    )
    def _(per_head=per_head):
        return PreBlock(attention=GroupedQueries(per_head)), stream()
