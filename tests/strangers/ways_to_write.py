"""The same wirings in the many ways in which Python lets one write them."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from tests.strangers.parts import (
    DIM,
    HEADS,
    HIDDEN,
    MLP,
    Attention,
    PostBlock,
    PreBlock,
    Stack,
    ids,
    stream,
)
from tests.strangers.stranger import POST, PRE, collection, ln

STRANGERS, stranger = collection()

FINAL = {ln(role="final"): 1}


class PreNorm(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fn = fn

    def forward(self, x, **kwargs):
        return self.fn(self.norm(x), **kwargs)


class PairsTransformer(nn.Module):
    """Attention and FFN in a list of lists; the residuals are in the loop."""

    def __init__(self, depth=3, final=True):
        super().__init__()
        self.layers = nn.ModuleList([])
        for _ in range(depth):
            self.layers.append(
                nn.ModuleList([PreNorm(DIM, Attention(causal=False)), PreNorm(DIM, MLP())])
            )
        self.norm = nn.LayerNorm(DIM) if final else nn.Identity()

    def forward(self, x):
        for attn, ff in self.layers:
            x = attn(x) + x
            x = ff(x) + x
        return self.norm(x)


# No module holds a layer, so that a layer may be a pair or a sub-layer.
@stranger("pairs of PreNorm", {ln(): 6, **FINAL}, "pre-norm", layers=(3, 6))
def _():
    return PairsTransformer(), stream()


@stranger("pairs of PreNorm, no final norm", {ln(): 6}, "pre-norm", "no-final-norm", layers=(3, 6))
def _():
    return PairsTransformer(final=False), stream()


class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x, *args, **kwargs):
        return self.fn(x, *args, **kwargs) + x


class PostNormResidual(Residual):
    def __init__(self, fn):
        super().__init__(fn)
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x):
        return self.norm(self.fn(x) + x)


@stranger("Residual(PreNorm) in Sequential", {ln(): 6, **FINAL}, "pre-norm", layers=(3, 6))
def _():
    layers = [
        nn.Sequential(Residual(PreNorm(DIM, Attention())), Residual(PreNorm(DIM, MLP())))
        for _ in range(3)
    ]
    return nn.Sequential(*layers, nn.LayerNorm(DIM), nn.Linear(DIM, 5)), stream()


@stranger("post-norm residuals in one flat Sequential", {ln(): 6}, "post-norm", layers=(3, 6))
def _():
    parts = [PostNormResidual(f()) for _ in range(3) for f in (Attention, MLP)]
    return nn.Sequential(nn.Linear(10, DIM), *parts, nn.Linear(DIM, 5)), torch.randn(3, 7, 10)


@stranger("branch in nn.Sequential", {ln(): 2}, "pre-norm", equations=PRE)
def _():
    return nn.Sequential(
        Residual(nn.Sequential(nn.LayerNorm(DIM), Attention(), nn.Dropout(0.1))),
        Residual(
            nn.Sequential(nn.LayerNorm(DIM), nn.Linear(DIM, 40), nn.GELU(), nn.Linear(40, DIM))
        ),
    ), stream()


class Parametric(nn.Module):
    """No module but this one: parameters in lists, everything functional."""

    def __init__(self, depth=2):
        super().__init__()
        self.depth = depth
        self.gains = nn.ParameterList([torch.ones(DIM) for _ in range(2 * depth + 1)])
        self.biases = nn.ParameterList([torch.zeros(DIM) for _ in range(2 * depth + 1)])
        shapes = [(3 * DIM, DIM), (DIM, DIM), (HIDDEN, DIM), (DIM, HIDDEN)] * depth
        self.maps = nn.ParameterList([torch.randn(shape) * 0.1 for shape in shapes])

    def norm(self, x, i):
        return F.layer_norm(x, (DIM,), self.gains[i], self.biases[i], eps=1e-5)

    def forward(self, x):
        for i in range(self.depth):
            qkv, out, up, down = self.maps[4 * i : 4 * i + 4]
            q, k, v = F.linear(self.norm(x, 2 * i), qkv).chunk(3, -1)
            q, k, v = (t.unflatten(-1, (HEADS, -1)).transpose(1, 2) for t in (q, k, v))
            h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
            x = x + F.linear(h, out)
            x = x + F.linear(F.gelu(F.linear(self.norm(x, 2 * i + 1), up)), down)
        return self.norm(x, -1)


# No module holds a layer: two, four, or one that is the whole.
@stranger("ParameterLists, functional", {ln(): 4, **FINAL}, "pre-norm", layers=(1, 2, 4))
def _():
    return Parametric(), stream()


class Checkpointed(Stack):
    def __init__(self, *args, reentrant=False):
        super().__init__(*args)
        self.reentrant = reentrant

    def forward(self, tokens):
        x = self.embed(tokens)
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=self.reentrant)
        return self.head(self.norm(x))


for reentrant in (False, True):

    @stranger(
        f"checkpoint, reentrant={reentrant}",
        {ln(): 4, **FINAL},
        "pre-norm",
        layers=2,
        equations=PRE,
    )
    def _(reentrant=reentrant):
        blocks = [PreBlock(), PreBlock()]
        return Checkpointed(blocks, nn.LayerNorm(DIM), reentrant=reentrant), ids()


@stranger("compiled blocks", {ln(): 4, **FINAL}, "pre-norm", layers=2, equations=PRE)
def _():
    blocks = [torch.compile(PreBlock(), backend="eager") for _ in range(2)]
    return Stack(blocks, nn.LayerNorm(DIM)), ids()


@stranger("a compiled post-norm block", {ln(): 2}, "post-norm", equations=POST)
def _():
    return torch.compile(PostBlock(), backend="aot_eager"), stream()
